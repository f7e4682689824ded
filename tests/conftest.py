"""Fixtures that reach the real images and golden files kept outside the repository."""

import os

# the suite runs in two processes; a thread each keeps them, and the commands they start, off each other's core
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


def _shared(name: str) -> Path:
    shared = Path(os.environ.get("FUSIONBENCH_SHARED") or CHECKOUT.parent / "shared")
    if not (shared / name).is_dir():
        pytest.skip(f"real files are not here: no folder '{shared / name}' (set FUSIONBENCH_SHARED)")
    return shared / name


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the data root with real pairs in their public layouts, or skip the test."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_golden() -> Path:
    """Return the folder of golden metric values, or skip the test."""
    return _shared("golden")


@pytest.fixture(scope="session")
def shared_baselines() -> Path:
    """Return the folder of published networks' weights and reference outputs, or skip the test."""
    return _shared("baselines")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Generate the demo images anew in a folder of this session's, for subprocesses too."""
    os.environ["FUSIONBENCH_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    # what a developer has imported must not change what tests find
    os.environ["FUSIONBENCH_WEIGHTS"] = str(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def small_towers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fill an own weights folder with small random towers in the files that CMMDF takes; return ``metrics`` in it."""
    import json

    import torch

    from fusionbench.metrics.learned.sets_options import TowerSpec
    from fusionbench.metrics.learned.towers import build_tower

    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "own-weights"))
    folder = tmp_path / "own-weights" / "metrics"
    folder.mkdir(parents=True)
    layout = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16}
    (folder / "small.json").write_text(json.dumps({"embed_dim": 16, "vision_cfg": layout}))
    small = "{model: small.json, side: 32}"
    (folder / "cmmd.yaml").write_text(
        f"towers:\n  sarclip-rn50: {small}\n  remoteclip-rn50: {small}\nCMMDF: {{sigma: 0.1}}\n"
    )
    for seed, name in enumerate(("SARCLIP-RN50.pt", "RemoteCLIP-RN50.pt")):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            tower = build_tower(TowerSpec("small.json", 32))
            state = {
                key: torch.randn_like(value) if value.is_floating_point() else value
                for key, value in tower.state_dict().items()
            }
        state = {key: value.abs() if "running_var" in key else value for key, value in state.items()}
        text = {"logit_scale": torch.ones(())}  # what else a whole CLIP holds is passed over
        torch.save({f"visual.{key}": value for key, value in state.items()} | text, folder / name)
    return folder
