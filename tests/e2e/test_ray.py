"""A sweep on a two-node Ray cluster of this machine ends with the scores of a local one, though a node is lost."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import COMMAND, fusionbench

METHODS = ["average", "infrared", "visible", "maximum", "noisy_average", "laplacian_pyramid"]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start a head and a second node with one CPU each."""
    pytest.importorskip("ray", reason='needs Ray: pip install "fusionbench-imaging[ray]"')
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80_000_000}
    started = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    started.second = started.add_node(**node)
    started.wait_for_nodes()
    yield started
    started.shutdown()


def scores(folder: Path) -> dict[str, list[str]]:
    files = folder.glob("runs/demo-test/*/*/scores.jsonl")
    return {path.parent.parent.name: sorted(path.read_text().splitlines()) for path in files}


def statuses(folder: Path) -> list[str]:
    return [json.loads(path.read_text())["status"] for path in folder.glob("runs/demo-test/*/*/run.json")]


def wait_until_done(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while statuses(folder).count("ok") < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, statuses(folder)
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sweep_that_loses_a_node_ends_with_the_scores_of_a_local_one(tmp_path: Path, cluster: Any) -> None:
    document = {"methods": METHODS, "datasets": ["demo"], "limit": 2, "metrics": ["EN", "SF", "VIF"]}
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "sweep.yaml").write_text(json.dumps(document))
    assert fusionbench("sweep", "sweep.yaml", cwd=tmp_path / "here").returncode == 0
    there = ("sweep", "sweep.yaml", "--executor", "ray")
    process = subprocess.Popen(
        [*COMMAND, *there],
        cwd=tmp_path / "there",
        env={**os.environ, "RAY_ADDRESS": cluster.address},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until_done(tmp_path / "there", 2, process)
    cluster.remove_node(cluster.second, allow_graceful=False)
    assert statuses(tmp_path / "there").count("ok") < len(METHODS)
    _, stderr = process.communicate(timeout=240)
    assert process.returncode == 0, stderr
    assert f"{len(METHODS)} of {len(METHODS)}" in stderr
    assert scores(tmp_path / "there") == scores(tmp_path / "here")
    assert set(statuses(tmp_path / "there")) == {"ok"}
    assert not list((tmp_path / "there" / "runs").glob(".driver-*"))
