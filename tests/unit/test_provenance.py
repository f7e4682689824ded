"""What a record says of the machine, and the energy of a phase."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from fusionbench import provenance
from fusionbench.cells.record import add_phase


class NVMLError(Exception):
    pass


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A stand-in for pynvml with one GPU that has used 5 kJ."""
    gpu = SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlSystemGetDriverVersion=lambda: b"580.1",
        nvmlDeviceGetHandleByUUID=lambda uuid: {b"GPU-abc": "handle"}[uuid],
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: {"handle": 5_000_250}[handle],
    )
    monkeypatch.setitem(sys.modules, "pynvml", gpu)
    return gpu


@pytest.fixture(autouse=True)
def _asked_anew() -> None:
    provenance._nvml.cache_clear()
    provenance.gpu_driver.cache_clear()
    yield
    provenance._nvml.cache_clear()
    provenance.gpu_driver.cache_clear()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid="abc"))


def test_provenance_is_plain_json_and_names_the_processor() -> None:
    facts = provenance.provenance("cpu", 3)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert facts["cpu"]
    assert (facts["driver"], facts["cuda"], facts["seed"]) == (None, torch.version.cuda, 3)
    assert str(Path.home()) not in json.dumps(facts)


def test_energy_is_in_joules_and_none_where_nothing_counts_it(nvml: SimpleNamespace, gpu: None) -> None:
    assert provenance.energy("cuda:0") == pytest.approx(5000.25)
    assert provenance.energy("cpu") is None

    def refuse(handle: object) -> int:
        raise NVMLError("not supported")

    nvml.nvmlDeviceGetTotalEnergyConsumption = refuse
    assert provenance.energy("cuda") is None


def test_energy_is_none_without_the_module(monkeypatch: pytest.MonkeyPatch, gpu: None) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert provenance.energy("cuda") is None


def test_driver_comes_from_nvml_or_nvidia_smi_or_is_none(
    nvml: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert provenance.gpu_driver() == "580.1"
    monkeypatch.setitem(sys.modules, "pynvml", None)
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\n[ "$1" = --query-gpu=driver_version ] && echo 575.9\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    provenance._nvml.cache_clear()
    provenance.gpu_driver.cache_clear()
    assert provenance.gpu_driver() == "575.9"
    program.write_text("#!/bin/sh\nexit 9\n")
    provenance.gpu_driver.cache_clear()
    assert provenance.gpu_driver() is None


def record(seconds: float = 0.0) -> dict:
    return {"provenance": {"seconds": {"fuse": seconds}, "energy_j": {"fuse": None}}}


def test_a_phase_adds_up_over_calls_and_is_unknown_once_a_part_is() -> None:
    run = record()
    add_phase(run, "fuse", 2.0, 100.0, 130.0)
    add_phase(run, "fuse", 1.5, 500.0, 520.0)
    assert run["provenance"] == {"seconds": {"fuse": 3.5}, "energy_j": {"fuse": 50.0}}
    add_phase(run, "fuse", 1.0, None, None)
    assert run["provenance"] == {"seconds": {"fuse": 4.5}, "energy_j": {"fuse": None}}
    add_phase(run, "fuse", 1.0, 500.0, 520.0)
    assert run["provenance"]["energy_j"] == {"fuse": None}


def test_records_from_before_energy_was_counted_stay_unknown() -> None:
    run = record(4.0)
    del run["provenance"]["energy_j"]
    add_phase(run, "fuse", 1.0, 1.0, 2.0)
    assert run["provenance"]["energy_j"] == {"fuse": None}
