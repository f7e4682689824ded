"""What is measured: calls counted, memory that a method really takes, all keys of the contract."""

from __future__ import annotations

import time

import pytest
import torch
from torch import Tensor

from fusionbench.method import FusionMethod
from fusionbench.profiling import Budget, latency, load_time, peak_memory, profile
from fusionbench.registry.methods import spec


class Slow(FusionMethod):
    """Sleeps 5 ms and takes 64 MiB."""

    families = frozenset({"ir-vis"})
    calls = 0

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        self.calls += 1
        time.sleep(0.005)
        return (a + b) / 2 + 0 * torch.ones(16 * 2**20).sum()  # ones: untouched zeros take no memory


@pytest.mark.parametrize(
    ("budget", "calls"), [(Budget(2, 4, 60.0), 6), (Budget(50, 1000, 0.0), 4)], ids=["by number", "by time"]
)
def test_latency_stops_at_the_number_or_at_the_time_and_never_below_three(budget: Budget, calls: int) -> None:
    method = Slow()
    timed = latency(method, 8, 8, budget)
    assert method.calls == calls == timed["warm_ups"] + timed["runs"]
    assert 5 <= timed["fastest"] <= timed["lower_quartile"] <= timed["median"]
    assert timed["median"] <= timed["upper_quartile"] <= timed["slowest"]


def test_memory_is_what_the_method_takes() -> None:
    method = Slow()
    method.fuse(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8))
    memory = peak_memory(method, 8, 8)
    if memory is None:
        pytest.skip("this system keeps no peak of resident memory")
    assert 60 < memory["added"] < 80
    assert memory["added"] <= memory["peak"]


def test_memory_that_was_freed_before_counts_again() -> None:
    if peak_memory(Slow(), 8, 8) is None:
        pytest.skip("this system keeps no peak of resident memory")
    held = [
        torch.ones(2**18) for _ in range(200)
    ]  # 200 MiB in blocks that malloc keeps for itself when freed
    del held
    assert 60 < peak_memory(Slow(), 8, 8)["added"] < 80


def test_load_time_is_the_median_of_builds() -> None:
    built = []
    assert 4 < load_time(lambda: (built.append(1), time.sleep(0.004)), torch.device("cpu")) < 400
    assert len(built) == 4  # one to read the files


def test_a_learned_method_has_every_key_and_counts_as_its_paper_does() -> None:
    method = spec("refinefuse")
    costs = profile(method, method.config(), [(32, 32), (64, 64)], "cpu", Budget(1, 3, 0.0))
    assert costs["params"] == costs["params_all"] == 2_220_637
    assert costs["macs_count"] == "conv_linear"
    assert costs["macs"] == costs["macs_conv_linear"]
    assert costs["macs"]["64x64"] < costs["macs_all"]["64x64"]
    assert set(costs["latency_ms"]) == set(costs["peak_memory_mb"]) == {"32x32", "64x64"}
    assert costs["weights_of"] == "shipped file"
    (shipped,) = (method.source / "weights").glob("*.safetensors")
    assert costs["weights_mb"] == pytest.approx(shipped.stat().st_size / 2**20, abs=0.01)
    assert 0.8 < costs["growth"]["macs"] < 1.2
