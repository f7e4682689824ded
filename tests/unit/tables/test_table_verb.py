"""``fusionbench table`` on stores on disk, with its layouts and options, and the ``table:`` part of sweeps."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from layout_samples import ablation, sensitivity, several
from report_samples import of
from typer.testing import CliRunner

from fusionbench.cli.app import app
from fusionbench.errors import ConfigError
from fusionbench.metrics.tasks import resolve_shown
from fusionbench.providers import share
from fusionbench.runs.run import RunOptions
from fusionbench.runs.sweep import expand, find_sweep, read_sweep, row_order
from fusionbench.tables.style import LAYOUTS, TableStyle

LINE = ("run", "image", "metric", "version", "profile", "status", "value", "detail")
SHIPPED = sorted(path.stem for path in share("benchmarks").glob("*.yaml"))
LAID_OUT = [name for name in SHIPPED if read_sweep(find_sweep(name)).table != TableStyle()]


def store(folder: Path, records: list[dict]) -> Path:
    for i, made in enumerate(records):
        data = made["dataset"]
        place = folder / f"{data['name']}-{data['split']}" / made["method"]["name"] / made["id"]
        place.mkdir(parents=True)
        (place / "run.json").write_text(json.dumps(made))
        rows = of(made, {"EN": [6.0 + i, 6.5, 7.0], "VIF": 0.5 + i / 10})
        lines = [json.dumps({name: row[name] for name in LINE}) for row in rows]
        (place / "scores.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def table(*arguments: object):
    return CliRunner().invoke(app, ["table", *map(str, arguments)])


def sweep(folder: Path, **document: object) -> Path:
    path = folder / "mine.yaml"
    path.write_text(json.dumps({"methods": ["csp_mcin"], "datasets": ["msrs"], **document}))
    return path


def test_columns_rows_and_marks_as_asked(tmp_path: Path) -> None:
    runs = store(tmp_path, several())
    done = table(
        runs, "-d", "tno,msrs", "--layout", "datasets", "--metrics", "vif,en", "--digits", "VIF=1,EN=2",
        "--spread", "sd", "--ranks", "--title", "Mine", "--format", "md",
    )  # fmt: skip
    assert done.exit_code == 0
    assert done.stdout.startswith("### Mine\n")
    header = next(line for line in done.stdout.splitlines() if line.startswith("|"))
    assert [cell.strip() for cell in header.split("|")[2:-1]] == [
        "TNO<br>VIF ↑", "TNO<br>EN ↑", "TNO<br>Rank ↓", "MSRS<br>VIF ↑", "MSRS<br>EN ↑", "MSRS<br>Rank ↓",
    ]  # fmt: skip
    assert " ± " in done.stdout


@pytest.mark.parametrize("suffix", ["md", "csv", "tex", "html"])
def test_the_suffix_of_the_file_chooses_the_format(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"table.{suffix}"
    assert table(store(tmp_path / "runs", ablation()), "--layout", "ablation", "-o", target).exit_code == 0
    starts = {
        "md": "### CSP-MCIN, ablation",
        "csv": "dataset,split",
        "tex": r"\begin{table",
        "html": "<style>",
    }
    assert target.read_text().startswith(starts[suffix])


def test_csv_has_a_line_for_each_cell_and_a_column_for_each_module(tmp_path: Path) -> None:
    done = table(store(tmp_path, ablation()), "--layout", "ablation", "--format", "csv", "--spread", "ci")
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(lines) == 4 * 2
    assert {(line["method"], line["hsfm"]) for line in lines} >= {("csp_mcin", "✓"), ("csp_mcin@wo_hsfm", "")}
    assert all(float(line["low"]) <= float(line["value"]) + 1e-12 for line in lines)
    assert all(float(line["value"]) <= float(line["high"]) + 1e-12 for line in lines)


def test_a_sweep_lays_out_what_other_options_leave_open(tmp_path: Path) -> None:
    runs = store(tmp_path / "runs", sensitivity())
    asked = sweep(
        tmp_path, table={"layout": "sensitivity", "metrics": ["VIF"], "digits": 2, "title": "Of a paper"}
    )
    done = table(runs, "--sweep", asked, "--format", "md")
    assert "### Of a paper\n" in done.stdout
    assert "| lambda\\_sar |" in done.stdout
    assert "| 0.05 " in done.stdout
    other = table(runs, "--sweep", asked, "--metrics", "EN", "--title", "Mine", "--format", "md")
    assert "### Mine\n" in other.stdout
    assert "EN ↑" in other.stdout
    assert "VIF ↑" not in other.stdout


def test_a_sweep_of_other_data_sets_is_told_how_to_choose(tmp_path: Path) -> None:
    runs = store(tmp_path / "runs", several())
    done = table(runs, "--sweep", sweep(tmp_path, datasets=["m3fd"]))
    assert done.exit_code == 2
    assert "No record of data set 'm3fd' there: the folders hold msrs, tno." in done.stderr
    assert table(runs, "--sweep", sweep(tmp_path, datasets=["m3fd"]), "-d", "ir-vis").exit_code == 0


def test_a_format_that_is_none_is_told_before_anything_is_written(tmp_path: Path) -> None:
    target = tmp_path / "refs.bib"
    assert table(store(tmp_path / "runs", several()), "--bib", target, "-o", "t.docx").exit_code == 2
    assert not target.exists()


def test_bibtex_is_written_and_what_lacks_an_entry_is_named(tmp_path: Path) -> None:
    records = several()
    records[0]["method"]["name"] = records[0]["method"]["title"] = "mine-Mine"
    runs, target = store(tmp_path / "runs", records), tmp_path / "refs.bib"
    done = table(runs, "--bib", target, "--cite", "--format", "tex")
    assert done.exit_code == 0
    assert "No BibTeX entry for method mine-Mine." in done.stderr
    assert r"refinefuse \cite{refinefuse2025}" in done.stdout
    text = target.read_text()
    assert all(
        f"{{{key}," in text for key in ("refinefuse2025", "dsifuse2026", "Tang2022PIAFusion", "Toet2017TNO")
    )


def test_notes_stand_below_the_table_and_on_standard_error_beside_csv(tmp_path: Path) -> None:
    runs = store(tmp_path, several())
    note = "was trained and is below trivial baselines"
    assert note in table(runs, "--format", "md").stdout
    assert note not in table(runs, "--format", "md", "--no-notes").stdout
    done = table(runs, "--format", "csv")
    assert note in done.stderr
    assert note not in done.stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--layout", "ablaton"], "did you mean 'ablation'"),
        (["--spread", "var"], "none"),
        (["--digits", "99"], "0 to 12"),
        (["--digits", "VIFF=3,foo=2"], "Unknown metric 'foo'"),
        (["--argument", "levels"], "sensitivity"),
        (["--cite"], "--format tex"),
        (["--layout", "transfer"], "train_datasets"),
        (["--format", "docx"], "html"),
        (["--output", "table.docx"], "cannot be written as 'docx'"),
        (["--output", "table"], "end its name in one of md, csv, tex, html, or add --format"),
        (["--output", "/proc/none/table.md"], "Cannot write"),
        (["--json", "--output", "table.md"], "leave --output out"),
        (["--digits", "nonsense"], "'nonsense' cannot be printed"),
        (["--digits", "-1"], "'-1' cannot be printed"),
        (["--digits", "3,EN=2"], "unclear"),
        (["--digits", "EN=2,en=3"], "unclear"),
        (["--with-reported", "--layout", "datasets"], "leave one out"),
        (["--sweep", "no_such"], "Unknown sweep"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_exit_code_2(
    tmp_path: Path, options: list[str], says: str
) -> None:
    done = table(store(tmp_path, several()), *options)
    assert done.exit_code == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_neither_torch_nor_pandas_is_loaded(tmp_path: Path) -> None:
    runs = store(tmp_path, several())
    code = (
        "import sys\nfrom fusionbench.cli.app import app\n"
        f"try: app(['table', {str(runs)!r}, '--layout', 'datasets', '--format', 'html', '--ranks'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'pandas', 'pytorch_lightning', 'kornia') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"layuot": "single"}, "table.layuot.*did you mean 'table.layout'"),
        ({"layout": "wide"}, "Unknown layout 'wide'"),
        ({"digits": "many"}, "0 to 12"),
        ({"ranks": "perhaps"}, "ranks|perhaps"),
        ({"arguments": ["x"]}, "sensitivity"),
    ],
)
def test_the_table_part_of_a_sweep_is_strict(tmp_path: Path, part: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_sweep(sweep(tmp_path, table=part))


def test_the_table_names_the_metrics_to_score_unless_the_sweep_does(tmp_path: Path) -> None:
    part = {"metrics": ["VIF", "EN"]}
    (run,) = expand(read_sweep(sweep(tmp_path, table=part)), RunOptions((), ()))
    assert run.metrics == "VIF,EN"
    (run,) = expand(read_sweep(sweep(tmp_path, table=part, metrics=["all"])), RunOptions((), ()))
    assert run.metrics == "all"


def test_rows_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    asked = sweep(
        tmp_path, methods=["csp_mcin@wo_gfu", "csp_mcin"], seeds=[1, 0], datasets=["sar-opt", "sen12"]
    )
    assert row_order(read_sweep(asked)) == [
        "csp_mcin@wo_gfu+seed=1", "csp_mcin@wo_gfu+seed=0", "csp_mcin@seed=1", "csp_mcin@seed=0", "sen12",
    ]  # fmt: skip


@pytest.mark.parametrize("name", LAID_OUT)
def test_a_layout_that_comes_along_is_the_paper_s_and_can_be_scored(name: str) -> None:
    asked = read_sweep(find_sweep(name))
    assert asked.table.layout in LAYOUTS
    assert resolve_shown(asked.table.metrics, asked.profile) == asked.table.metrics


@pytest.mark.parametrize(
    ("name", "columns", "layout"),
    [
        ("refinefuse_table1", "VIF AG SCD Qabf SF EN SSIM", "single"),
        ("csp_mcin_table1", "SD CC EN VIFF LIQE CLIP-IQA CMMDF", "single"),
        ("csp_mcin_ablation", "SD CC EN VIFF LIQE CLIP-IQA CMMDF", "ablation"),
        ("sspfusion_table1", "MI SF AG VIF Qabf SSIM", "datasets"),
        ("dsifuse_ablation", "EN MI AG SD VIF SSIM", "ablation"),
    ],
)
def test_the_columns_stand_in_the_order_of_the_papers(name: str, columns: str, layout: str) -> None:
    asked = read_sweep(find_sweep(name)).table
    assert (" ".join(asked.metrics), asked.layout) == (columns, layout)


def test_latex_has_a_short_caption_and_all_else_in_a_file_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "table.tex"
    done = table(store(tmp_path / "runs", several()), "-d", "msrs", "--no-baselines", "-o", target)
    assert done.exit_code == 0
    text, beside = target.read_text(), (tmp_path / "table.provenance.md").read_text()
    assert "table.provenance.md" in done.stderr
    caption = text.partition(r"\caption[")[2].partition("\n")[0]
    assert "MSRS, test split, 3 pairs" in caption
    assert not any(word in caption for word in ("hash", "torch", "Left out"))
    assert all(
        word in beside
        for word in ("data hash", "torch 2.15.0", "Left out by choice: average.", "run dsifuse")
    )


def test_latex_on_standard_output_has_the_facts_in_comments(tmp_path: Path) -> None:
    done = table(store(tmp_path, several()), "-d", "msrs", "--format", "tex")
    comments = [line for line in done.stdout.splitlines() if line.startswith("%")]
    assert any("data hash" in line for line in comments)
    assert "data hash" not in "".join(line for line in done.stdout.splitlines() if line not in comments)


def test_notes_stand_in_latex_only_where_they_are_asked_for(tmp_path: Path) -> None:
    runs = store(tmp_path, [*several(), *ablation()])
    plain = table(runs, "-d", "msrs", "--format", "tex").stdout
    told = table(runs, "-d", "msrs", "--format", "tex", "--notes").stdout
    assert r"\textit{Note.}" not in plain
    assert r"\textit{Note.}" in told


def test_rows_are_chosen_ordered_and_marked(tmp_path: Path) -> None:
    runs = store(tmp_path, several())
    done = table(
        runs, "-d", "msrs", "--methods", "refinefuse,average,dsifuse", "--ours", "refinefuse", "--json"
    )
    (shown,) = json.loads(done.stdout)
    assert [row["label"] for row in shown["rows"]] == ["average", "dsifuse", "refinefuse (ours)"]
    wrong = table(runs, "--methods", "refinefus")
    assert wrong.exit_code == 2
    assert "row 'refinefus'" in wrong.stderr


def test_a_profile_by_which_nothing_is_scored_is_told(tmp_path: Path) -> None:
    done = table(store(tmp_path, several()), "--profile", "tang2023")
    assert done.exit_code == 2
    assert "No score of profile tang2023 there: the folders hold scores of canonical." in done.stderr


@pytest.mark.parametrize("width", ["-3", "0", "nan", "inf"])
def test_a_width_that_no_text_has_is_refused(width: str) -> None:
    done = table("--format", "tex", "--text-width", width)
    assert done.exit_code == 2
    assert done.stderr == f"Error: --text-width must be more than 0; got {width}.\n"
