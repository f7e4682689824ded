"""What a run says before it works: rows that would train, rows that cannot, weights, and weights of other settings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fusionbench.cells.progress import QUIET, Reporter, RichReporter
from fusionbench.cells.trainings.finished import finished_trainings, training_hint
from fusionbench.cells.weights import choose_weights, training_data
from fusionbench.errors import WeightsError
from fusionbench.runs.preview import opening, preview
from fusionbench.runs.run import RunOptions, make_jobs, plan_all
from fusionbench.weights.methods import file_hash


def said(options: RunOptions) -> list[str]:
    plans = plan_all([options])
    return [opening(plans), *preview(make_jobs(plans), set())]


def options(out: Path, method: str = "refinefuse", **more: object) -> RunOptions:
    return RunOptions((method,), ("demo",), out=out, baselines=False, weights="trained", **more)


def trained(out: Path, asked: RunOptions, epochs: int) -> Path:
    """Put finished weights of so many epochs where a training of these options would."""
    (job,) = make_jobs(plan_all([asked]))
    data = training_data(job.planned, job.options)
    assert data is not None
    place = out / "training" / data.name / job.planned.method.name / f"{epochs:010d}"
    place.mkdir(parents=True)
    config = job.planned.config.as_dict()
    config["stages"]["fuse"]["epochs"] = epochs
    about = {
        "arguments": job.planned.config.args, "config": config, "seconds": {"fuse": 60.0 * epochs},
        "finished": f"2026-01-0{epochs}T00:00:00+00:00", "identity": {}, "note": f"trained for {epochs}",
    }  # fmt: skip
    weights = place / "weights.safetensors"
    weights.write_bytes(b"weights")
    (place / "weights.json").write_text(json.dumps(about | {"sha256": file_hash(weights)}))
    return weights


def test_a_row_that_would_train_says_on_what_and_how_its_time_is_found(tmp_path: Path) -> None:
    first, count, row = said(options(tmp_path, train_within=5))
    assert first.startswith("1 row on demo (")
    assert count == "1 cells, 0 done, 1 left."
    assert row.startswith("demo · refinefuse: no weights, would train on ")
    assert row.endswith("which is timed on a few steps first, at most 5 min.")


def test_a_row_that_cannot_run_says_why(tmp_path: Path) -> None:
    *_, row = said(options(tmp_path, no_train=True))
    assert "unavailable: No weights for refinefuse on demo: `fusionbench train --method refinefuse" in row


@pytest.mark.parametrize(("losses", "told"), [("", 0), ("    def losses(self, batch): ...\n", 1)])
def test_a_class_without_losses_is_not_said_to_train_or_lack_weights(
    losses: str, told: int, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        "from fusionbench import FusionMethod\n\n\nclass Mine(FusionMethod):\n    families = frozenset({'ir-vis'})\n"
        f"    def fuse(self, a, b): return a\n{losses}"
    )
    for no_train in (False, True):
        _, _, *rows = said(options(tmp_path, f"{tmp_path}/mine.py", no_train=no_train))
        assert len(rows) == told


def test_a_row_with_weights_says_where_they_come_from(tmp_path: Path) -> None:
    *_, row = said(replace(options(tmp_path), weights="random"))
    assert row == "demo · refinefuse: weights random, never trained."


def test_weights_of_other_settings_are_named_and_latest_takes_them(tmp_path: Path) -> None:
    asked = options(tmp_path, no_train=True)
    trained(tmp_path, asked, 2)
    newest = trained(tmp_path, asked, 3)
    *_, row = said(asked)
    assert "Weights of 3 epochs exist: add stages.fuse.epochs=3, or --weights latest takes them." in row
    latest = replace(asked, weights="latest")
    (job,) = make_jobs(plan_all([latest]))
    chosen = choose_weights(job.planned, job.options)
    assert chosen is not None
    assert (chosen.source, chosen.path) == ("trained", newest)
    *_, row = said(options(tmp_path))
    assert "by an earlier training" in row


def test_latest_without_any_training_is_told_with_the_command(tmp_path: Path) -> None:
    latest = replace(options(tmp_path), weights="latest")
    (job,) = make_jobs(plan_all([latest]))
    with pytest.raises(
        WeightsError, match="`fusionbench train --method refinefuse --dataset demo` makes one"
    ):
        choose_weights(job.planned, job.options)


def test_other_arguments_and_damaged_files_are_no_training_to_take(tmp_path: Path) -> None:
    asked = options(tmp_path)
    weights = trained(tmp_path, asked, 2)
    (job,) = make_jobs(plan_all([asked]))
    data = training_data(job.planned, job.options)
    assert data is not None
    assert len(finished_trainings(job.planned, data, tmp_path)) == 1
    about = json.loads(weights.with_suffix(".json").read_text())
    weights.with_suffix(".json").write_text(json.dumps(about | {"arguments": {"other": 1}}))
    assert training_hint(job.planned, data, tmp_path) == ""
    weights.with_suffix(".json").write_text("{")
    assert training_hint(job.planned, data, tmp_path) == ""


def test_without_a_terminal_each_phase_is_a_line_and_long_ones_one_more_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("fusionbench.cells.progress.time.monotonic", lambda: now[0])
    reporter: Reporter = RichReporter()
    reporter.start("demo · average · fuse", 5)
    reporter.advance()
    now[0] = QUIET + 1.0
    reporter.advance()
    reporter.advance()
    reporter.stop()
    assert capsys.readouterr().err.splitlines() == [
        "demo · average · fuse: 5",
        "demo · average · fuse: 2 of 5",
    ]
