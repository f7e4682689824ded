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


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Generate the demo images anew in a folder of this session's, for subprocesses too."""
    os.environ["FUSIONBENCH_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    # what a developer has imported must not change what tests find
    os.environ["FUSIONBENCH_WEIGHTS"] = str(tmp_path_factory.mktemp("weights"))
