"""``fusionbench reported`` and ``fusionbench table --with-reported`` as a user calls them."""

import json

import pytest
from report_samples import record

from fusionbench.cells.score_lines import KEYS
from tests.e2e.command import in_process


@pytest.fixture
def runs(tmp_path):
    """A runs folder with images of "SeAFusion" on all of TNO, scored as RefineFuse does."""
    made = record("images-7", title="SeAFusion", kind="external", pairs=42, run="run-seafusion", name="tno")
    cell = tmp_path / "runs" / "tno-test" / "images-7" / made["id"]
    cell.mkdir(parents=True)
    (cell / "run.json").write_text(json.dumps(made), encoding="utf-8")
    lines = []
    for image in made["dataset"]["ids"]:
        line = {"run": made["id"], "image": image, "metric": "VIF", "version": 1, "profile": "refinefuse"}
        line |= {"status": "ok", "value": 0.70421, "detail": ""}
        assert line.keys() == KEYS
        lines.append(json.dumps(line) + "\n")
    (cell / "scores.jsonl").write_text("".join(lines), encoding="utf-8")
    return tmp_path / "runs"


def test_printed_numbers_as_tables(tmp_path):
    done = in_process(
        "reported", "--paper", "refinefuse", "--dataset", "tno", "--metrics", "VIF,SSIM", cwd=tmp_path
    )
    assert done.returncode == 0
    assert "| RefineFuse | 0.7516 | 0.9544 |" in done.stdout
    assert "doi 10.1007/s44267-025-00087-w" in done.stdout


def test_json_is_one_document_and_format_json_is_the_same(tmp_path):
    asked = ("reported", "--method", "csp_mcin", "--kind", "transfer")
    by_flag, other = (in_process(*asked, *how, cwd=tmp_path) for how in (["--json"], ["--format", "json"]))
    [table] = json.loads(by_flag.stdout)
    assert json.loads(other.stdout) == [table]
    assert (table["paper"], table["table"], len(table["numbers"])) == ("csp_mcin", 8, 42)


@pytest.mark.parametrize("ending", ["md", "csv", "tex", "json"])
def test_the_ending_of_the_output_is_its_format(tmp_path, ending):
    done = in_process("reported", "--paper", "yan2025", "-o", f"printed.{ending}", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "19.541" in (tmp_path / f"printed.{ending}").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "asked",
    [
        ["--paper", "nature"],
        ["--dataset", "mrss"],
        ["--method", "SwinFuson"],
        ["--metrics", "VIV"],
        ["--kind", "fussion"],
        ["--paper", "refinefuse", "--dataset", "sen12"],
        ["--format", "pdf"],
        ["--against", "nowhere"],
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_code_2(tmp_path, asked):
    done = in_process("reported", *asked, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


def test_printed_beside_measured(runs, tmp_path):
    done = in_process("reported", "--against", runs, cwd=tmp_path)
    assert done.returncode == 0
    assert "| VIF | same convention, within tolerance | refinefuse | 0.7042 | 0.70421 |" in done.stdout
    assert "Tolerance: half a unit of the last digit" in done.stdout


def test_printed_beside_measured_as_json(runs, tmp_path):
    done = in_process("reported", "--against", runs, "--paper", "refinefuse", "--json", cwd=tmp_path)
    [document] = json.loads(done.stdout)
    assert document["verdict"] == "same convention, within tolerance"
    assert (document["pairs"], document["expected"], document["printed"]) == (42, 42, "0.7042")


def test_runs_without_anything_printed_are_told(runs, tmp_path):
    done = in_process("reported", "--against", runs, "--dataset", "msrs", cwd=tmp_path)
    assert done.returncode == 2
    assert "No printed number belongs to" in done.stderr


def test_table_with_reported(runs, tmp_path):
    asked = ("table", runs, "--profile", "refinefuse", "--format", "md")
    plain, done = (in_process(*asked, *more, cwd=tmp_path) for more in ([], ["--with-reported"]))
    assert "Reported by papers" not in plain.stdout
    assert "*Reported by papers*" in done.stdout
    assert "SwinFusion, printed in RefineFuse Table 3" in done.stdout
    assert "comparable in VIF" in done.stdout
