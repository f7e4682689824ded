import json
import re
import subprocess
import sys

import pytest
from page_samples import IDS, group_of, record, rows, write_images
from typer.testing import CliRunner

from fusionbench.cli.app import app
from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.report.document import PageOptions, make_page, mark_code, to_script
from fusionbench.tables.row_choice import select_records

EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'
SIX = {"EN": [1, 2, 3, 4, 5, 6], "VIF": [0.5, 0.4, 0.6, 0.5, 0.4, ("undefined", EVIL)]}


@pytest.fixture
def group(tmp_path):
    for name in ("one", "two"):
        write_images(tmp_path / name)
    evil = record("evil", title=EVIL, path=tmp_path / "one")
    evil["weights"] = {"source": "file", "sha256": "a" * 64, "file": "x", "note": EVIL}
    evil["identity"]["arguments"] = {EVIL: EVIL}
    evil["provenance"]["device"] = EVIL
    return group_of((evil, SIX), (record("plain", path=tmp_path / "two"), SIX))


def document(page, key="group-0"):
    return json.loads(re.search(rf'id="{key}-data">(.*?)</script>', page.text, re.S)[1])


def test_what_plugins_say_of_themselves_is_never_markup(group):
    text = make_page([group], PageOptions(title=EVIL)).text
    assert "<img src=x" not in text
    assert "<script>alert" not in text
    # the style of the page, one data block, one script
    assert text.count("<script") == text.count("</script") == 2
    assert re.search(r"<title>&lt;/script&gt;", text)


def test_the_page_loads_nothing_and_runs_only_its_own_script(group):
    text = make_page([group], PageOptions()).text
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none';")
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    outside = re.findall(r'(?:src|href|action)="(?!#|data:)([^"]*)"', text)
    assert all(address.startswith("https://doi.org/") for address in outside)
    assert "@import" not in text
    assert "url(" not in text


def test_images_and_scores_of_the_chosen_pairs_are_in_the_page(group):
    data = document(make_page([group], PageOptions(images=4)))
    assert len(data["images"]) == 4
    assert [column["kind"] for column in data["columns"]] == ["source", "source", "learned", "learned"]
    assert data["images"][0]["pictures"][:2] == [None, None]
    assert data["images"][0]["size"] == [48, 36]
    board = data["boards"][0]
    assert [metric["name"] for metric in board["metrics"]] == ["EN", "VIF"]
    values = dict(zip([image["id"] for image in data["images"]], board["values"], strict=True))
    for image, row in values.items():
        assert row[0] == [SIX["EN"][IDS.index(image)]] * 2


def test_an_image_without_a_score_says_why(group):
    data = document(make_page([group], PageOptions()))
    number = [image["id"] for image in data["images"]].index("p6")
    assert data["boards"][0]["values"][number][1][0].startswith("undefined: </script>")


def test_absent_sources_are_said_to_be_absent_and_no_path_is_in_the_page(group, tmp_path):
    text = make_page([group], PageOptions(data_root=str(tmp_path))).text
    assert "Only fused images are shown" in text
    assert str(tmp_path) not in text


def test_the_same_records_make_the_same_page(group):
    assert make_page([group], PageOptions()).text == make_page([group], PageOptions()).text


def test_the_page_keeps_to_its_size_and_refuses_an_impossible_one(group):
    bare = len(make_page([group], PageOptions(images=0)).text.encode())
    limit = (bare + 20_000) / 1e6
    page = make_page([group], PageOptions(max_mb=limit))
    assert bare < len(page.text.encode()) <= limit * 1e6
    with pytest.raises(RequestError, match=r"--max-mb allows 0\.05"):
        make_page([group], PageOptions(max_mb=0.05))


def test_runs_without_scores_and_images_make_a_page_too():
    failed = record("broken", status="failed", detail="no memory")
    page = make_page([group_of((failed, {}))], PageOptions())
    assert "no memory" in page.text
    assert page.notes == ("No image is embedded: none of the stored images was found.",)


def test_json_in_a_script_cannot_end_it_and_reads_back():
    text = to_script({"a": "</script><!--\u2028"})
    assert "<" not in text
    assert json.loads(text) == {"a": "</script><!--\u2028"}


def test_backticks_become_code_after_escaping():
    assert mark_code("run `a<b` <now>") == "run <code>a&lt;b</code> &lt;now&gt;"


def test_a_lone_surrogate_does_not_stop_the_page():
    run = record("odd", title="x\ud800y")
    assert make_page([group_of((run, SIX))], PageOptions()).text.encode()


def test_datasets_are_chosen_by_name_and_a_wrong_one_is_refused():
    records = [record(name="msrs"), record(name="own")]
    assert select_records(records) == records
    assert select_records(records, ["own", "MSRS"]) == records
    assert select_records(records, ["own"]) == records[1:]
    with pytest.raises(UnknownNameError):
        select_records(records, ["msr"])
    with pytest.raises(RequestError, match="the folders hold msrs, own"):
        select_records(records, ["tno"])


def test_no_profile_is_one_sentence(tmp_path):
    cell = tmp_path / "runs/sample-test/alpha/run-alpha"
    cell.mkdir(parents=True)
    (cell / "run.json").write_text(json.dumps(record() | {"schema": 1}))
    done = CliRunner().invoke(
        app, ["report", str(tmp_path / "runs"), "--profile", ",", "-o", str(tmp_path / "x.html")]
    )
    assert done.exit_code == 2
    assert "No profile is asked for" in done.stderr
    assert not (tmp_path / "x.html").exists()


def test_the_command_writes_the_page_without_torch(tmp_path):
    cell = tmp_path / "runs" / "sample-test" / "alpha" / "run-alpha"
    write_images(cell)
    run = record() | {"schema": 1}
    keys = ("run", "profile", "metric", "version", "image", "status", "value", "detail")
    lines = [dict(zip(keys, row[2:], strict=True)) for row in rows(run, {"EN": SIX["EN"]})]
    (cell / "run.json").write_text(json.dumps(run))
    (cell / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    call = (
        "import sys; from fusionbench.cli.app import app; "
        "app(['report', 'runs', '-o', 'out/page.html'], standalone_mode=False); "
        "assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", call], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "6 of 6 pairs embedded" in done.stdout
    assert (tmp_path / "out" / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_page_under_a_name_of_another_format_is_refused(tmp_path):
    asked = CliRunner().invoke(app, ["report", str(tmp_path), "-o", str(tmp_path / "page.pdf")])
    assert asked.exit_code == 2
    assert "page.pdf': end its name in .html." in asked.stderr
