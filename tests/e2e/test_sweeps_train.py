"""The papers' experiments as commands, trained for one epoch on generated pairs: slow, one of each kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import fusionbench

QUICK = ("stages.fuse.epochs=1", "stages.fuse.crop=32", "stages.fuse.batch_size=2")


def sweep(folder: Path, *arguments: str) -> dict:
    """Run a sweep on two pairs and return its JSON; every cell must be ok."""
    done = fusionbench("sweep", *arguments, "--limit", "2", "--json", cwd=folder, timeout=3000)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {cell["status"] for cell in document["cells"]} == {"ok"}
    return document


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_an_ablation_trains_each_of_its_rows(tmp_path: Path) -> None:
    document = sweep(tmp_path, "dsifuse_ablation", "-d", "demo", "--metrics", "EN,SSIM", *QUICK)
    names = {cell["method"] for cell in document["cells"]}
    assert names == {"dsifuse", *(f"dsifuse@wo_{name}" for name in ("cfc", "cfb", "imb", "scb", "sg"))}
    assert len(list((tmp_path / "runs/training").rglob("weights.safetensors"))) == len(names)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_transfer_learns_where_it_says(tmp_path: Path) -> None:
    document = sweep(
        tmp_path, "csp_mcin_transfer", "-d", "demo-sar-opt", "--train-dataset", "demo-sar-opt",
        "-m", "csp_mcin@semantic_none", "--metrics", "EN,CC", *QUICK,
    )  # fmt: skip
    assert [cell["method"] for cell in document["cells"]] == ["csp_mcin@semantic_none+from=demo-sar-opt"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_noise_and_features_are_drawn_from_a_method_with_weights(tmp_path: Path) -> None:
    document = sweep(
        tmp_path, "noise", "-d", "demo", "-m", "refinefuse", "--noise", "none,gaussian", "--no-baselines",
        "--metrics", "VIF,SSIM",
    )  # fmt: skip
    assert len(document["cells"]) == 5
    (table,) = document["tables"]
    assert len(table["rows"]) == 5
    for kind, arguments in {
        "lines": ("runs",),
        "qualitative": ("runs",),
        "features": ("-m", "refinefuse", "-d", "demo", "--images", "000"),
        "tsne": ("-m", "refinefuse", "-d", "demo", "--layers", "level 1"),
    }.items():
        drawn = fusionbench("figure", kind, *arguments, "-o", f"{kind}.png", cwd=tmp_path, timeout=3000)
        assert drawn.returncode == 0, drawn.stderr
        assert (tmp_path / f"{kind}.png").stat().st_size > 10_000
