"""Networks of metrics run on the device asked for, formulas on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusionbench.devices import cores, scorers
from fusionbench.metrics import score_fused, sources
from fusionbench.metrics.inputs import StoredImages
from fusionbench.metrics.registry import has_network


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which the device of each image that is moved is appended; nothing is moved."""
    devices: list[str] = []
    monkeypatch.setattr(StoredImages, "on", lambda self, device: devices.append(device) or self)
    return devices


def test_only_networks_are_given_images_on_the_device(asked: list[str]) -> None:
    a, b, fused = np.random.default_rng(0).integers(0, 256, (3, 16, 16), dtype=np.uint8)
    expected = score_fused(sources(a, b), fused)
    assert score_fused(sources(a, b), fused, device="cuda:0") == expected
    assert asked == []
    # without its weights, which are not here, it is unavailable, but its images were moved for it
    assert score_fused(sources(a, b), fused, "LIQE", device="cuda:0")["LIQE"].status in (
        "unavailable",
        "undefined",
    )
    assert asked == ["cuda:0"] * 3


def test_images_are_moved_once() -> None:
    image = StoredImages(torch.zeros(1, 1, 4, 4, dtype=torch.uint8))
    assert image.on("cpu") is image
    moved = image.on("meta")
    assert moved.levels.device.type == "meta"
    assert image.on("meta") is moved


def test_metrics_with_networks_are_known() -> None:
    assert [name for name in ("EN", "VIF", "LIQE", "CLIP-IQA", "CMMDF") if has_network(name)] == [
        "LIQE",
        "CLIP-IQA",
        "CMMDF",
    ]


def test_cores_that_no_gpu_needs_score() -> None:
    assert scorers(["cpu", "cpu"]) == 0
    assert scorers(["cuda:0"]) == max(1, cores() - 1)
    assert scorers(["cuda:0"] * (cores() + 3)) == 1
