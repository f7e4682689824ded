"""LIQE, CLIP-IQA and CMMDF from the command line, with random weights in the very files that the loaders expect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_clip import clip_archive, liqe_file, residual_network
from typer.testing import CliRunner

from fusionbench.cli.app import app

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
METRICS = ("EN", "LIQE", "CLIP-IQA", "CMMDF")
FILES = {"liqe_koniq.pt": "LIQE", "RN50.pt": "CLIP-IQA", "SARCLIP-RN50.pt": "CMMDF"}


def fusionbench(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert isinstance(done.exception, SystemExit | None), done.exception
    return done.exit_code, done.stdout


@pytest.fixture
def weights(small_towers: Path, tmp_path: Path) -> Path:
    """Import all files that the metrics need; return the folder that they come to."""
    for name, file in (
        ("liqe-koniq", liqe_file(tmp_path / "1.pt")),
        ("clip-rn50", clip_archive(residual_network(), tmp_path / "2.pt")),
    ):
        assert fusionbench("weights", "import", file, "--as", name, "--trust")[0] == 0
    return small_towers


def run(out: Path, *options: object) -> tuple[int, dict[str, set[str]], str]:
    """Return the exit code, the statuses of each metric's latest lines, and the table."""
    code, table = fusionbench(
        "--offline", "run", "--method", "average", "--limit", 2, "--no-baselines", "--out", out,
        "--metrics", ",".join(METRICS).lower(), *options,
    )  # fmt: skip
    (scores,) = out.glob("*/average/*/scores.jsonl")
    lines = [json.loads(line) for line in scores.read_text().splitlines()]
    latest = {(line["metric"], line["image"]): line["status"] for line in lines}
    assert len(lines) == len({json.dumps(line) for line in lines})  # nothing is computed twice
    return code, {name: {s for (metric, _), s in latest.items() if metric == name} for name in METRICS}, table


@pytest.mark.parametrize("dataset", ["demo", "sar-optical"])
def test_all_have_values_and_lose_exactly_the_column_whose_file_is_away(
    dataset: str,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    for name in ("FUSIONBENCH_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.setenv(name, "0")  # so that what --offline sets is taken back
    data = ["--dataset", dataset, "--device", "cpu"]
    if dataset != "demo":
        data += ["--data-root", str(request.getfixturevalue("shared_data"))]
    code, statuses, table = run(tmp_path / "whole", *data)
    assert (code, statuses) == (0, {name: {"ok"} for name in METRICS})
    assert "(0/2)" not in table
    for file in FILES:
        (weights / file).rename(tmp_path / file)
    code, statuses, table = run(tmp_path / "without", *data)
    assert code == 1
    assert statuses == {"EN": {"ok"}} | {name: {"unavailable"} for name in FILES.values()}
    assert table.count("– (0/2)") == len(FILES)
    assert "weights fetch liqe-koniq" in table
    for file in FILES:
        (tmp_path / file).rename(weights / file)
    code, statuses, _ = run(tmp_path / "without", *data)
    assert (code, statuses) == (0, {name: {"ok"} for name in METRICS})
