"""``fusionbench stats`` on stores on disk."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from statistics_samples import record, rows
from typer.testing import CliRunner

from fusionbench.cli.app import app
from fusionbench.statistics.gather import summaries
from fusionbench.statistics.sections import print_statistics, probability

KINDS = {"net": "learned", "pyramid": "classical", "mean": "trivial"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Three methods on 12 images under two profiles; the trivial one has no SCD."""
    folder = tmp_path_factory.mktemp("runs")
    draw = np.random.default_rng(0)
    for shift, (name, kind) in enumerate(KINDS.items()):
        run = record(name, 12, kind)
        place = folder / "msrs-test" / name / run["id"]
        place.mkdir(parents=True)
        (place / "run.json").write_text(json.dumps(run))
        lines = []
        for profile in ("canonical", "tang2023"):
            scores = {m: (draw.normal(size=12) / 4 + shift).tolist() for m in ("EN", "VIF")}
            scores["SCD"] = [None if kind == "trivial" else 1.0 + shift] * 12
            lines += [
                dict(zip(("run", "profile", "metric", "version", "image", "status", "value", "detail"), row[2:],
                         strict=True))
                for row in rows(run, scores, profile)
            ]  # fmt: skip
        (place / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def invoke(*arguments):
    done = CliRunner().invoke(app, ["stats", *map(str, arguments)])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_prints_markdown_of_every_part(runs):
    text = invoke(runs)
    for title in (
        "Compared", "Means", "Mean ranks", "Groups that ranks cannot tell apart", "Agreement of metrics",
        "Would another choice have another winner?", "Worth knowing",
    ):  # fmt: skip
        assert f"### {title}\n" in text
    assert "2 of 3 methods can be compared in all of 3 metrics, on 12 of 12 images" in text
    assert "Not compared over all metrics: mean, SCD on 0 of 12 images." in text
    assert "net was trained and is below trivial baselines: mean in 2 of 2 metrics (EN 0." in text
    assert "under 1 of 1 other profiles" in text


def test_prints_one_json_document(runs):
    (document,) = json.loads(invoke(runs, "--metrics", "vif,en", "--level", "0.9", "--json"))
    assert (document["profile"], document["level"]) == ("canonical", 0.9)
    assert [metric["metric"] for metric in document["metrics"]] == ["VIF", "EN"]
    metric = document["metrics"][0]
    assert metric["methods"] == ["net", "pyramid", "mean"]
    assert metric["images"] == 12
    assert [row["not_worse"] for row in metric["rows"]] == [False, False, True]
    assert metric["rows"][2]["p_against_best"] is None
    assert all(row["low"] < row["mean"] < row["high"] for row in metric["rows"])
    assert np.shape(metric["wilcoxon_holm"]) == np.shape(metric["nemenyi"]) == (3, 3)
    assert metric["cliques"] == []
    assert document["stability"]["overall"]["winners"] == ["mean"]
    assert document["overall"]["borda"] == [0, 2, 4]


def test_trivial_baselines_may_be_kept_out_of_the_contest(runs):
    (document,) = json.loads(invoke(runs, "--no-baselines", "--json"))
    assert document["overall"]["methods"] == ["net", "pyramid"]
    assert document["metrics"][0]["methods"] == ["net", "pyramid"]
    assert "trivial baseline" in document["lessons"][0]


def test_writes_csv_and_json_by_the_name_of_the_file(runs, tmp_path):
    invoke(runs, "-o", tmp_path / "stats.csv")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "stats.csv").read_text())))
    assert len(lines) == 3 + 3 + 2
    assert {line["images"] for line in lines} == {"12"}
    invoke(runs, "-o", tmp_path / "stats.json")
    assert json.loads((tmp_path / "stats.json").read_text()) == json.loads(invoke(runs, "--format", "json"))


def test_a_call_repeats_every_digit_and_a_seed_changes_the_intervals(runs):
    assert invoke(runs) == invoke(runs)
    assert invoke(runs, "--format", "csv") != invoke(runs, "--format", "csv", "--seed", 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--level", "95"], "--level 95"),
        (["--format", "pdf"], "'pdf'"),
        (
            ["--profile", "cddfuse"],
            "No score of profile cddfuse there: the folders hold scores of canonical, tang2023.",
        ),
        (["--dataset", "tno"], "the folders hold msrs"),
        (["--metrics", "VIFX"], "did you mean"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(runs, arguments, told):
    done = CliRunner().invoke(app, ["stats", str(runs), *arguments])
    assert done.exit_code == 2
    assert told in done.stderr


def test_a_narrow_terminal_cuts_no_number_off(runs):
    console = Console(width=80, record=True, file=io.StringIO())
    results = summaries([runs])
    print_statistics(results, console)
    text = console.export_text()
    for metric in results[0].metrics:
        assert all(f"{mean:.4f}" in text for mean in metric.means)
    assert "…" not in text


def test_small_p_are_not_printed_as_zero():
    assert [probability(p) for p in (0.0, 0.00099, 0.05, float("nan"))] == [
        "< 0.001",
        "< 0.001",
        "0.050",
        "–",
    ]


def test_starts_without_torch_and_pandas(runs):
    code = (
        "import sys; from fusionbench.cli.app import app\n"
        f"try: app(['stats', {str(runs)!r}])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'pandas', 'pytorch_lightning') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
