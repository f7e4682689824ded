"""The versions, code and hardware with which results are computed."""

from __future__ import annotations

import functools
import platform
import re
import shutil
import subprocess
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import fusionbench
from fusionbench.providers import PACKAGE

PACKAGES = (
    "torch",
    "pytorch-lightning",
    "numpy",
    "numba",
    "kornia",
    "timm",
    "pandas",
    "pillow",
    "safetensors",
)


def provenance(device: str, seed: int) -> dict[str, Any]:
    """Return versions, git state and hardware as a JSON object; it contains no host, user or path."""
    import torch

    gpu = device != "cpu" and torch.cuda.is_available()
    return {
        "fusionbench": fusionbench.__version__,
        "python": platform.python_version(),
        "versions": {name: package_version(name) for name in PACKAGES},
        "git": git_state(),
        "device": device_name(device),
        "cpu": cpu_model(),
        "driver": gpu_driver() if gpu else None,
        "cuda": torch.version.cuda,
        "seed": seed,
    }


def package_version(package: str) -> str | None:
    """Return the version of an installed distribution without importing it, None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def git_state() -> str | None:
    """Return the commit of the checkout, with ``-dirty`` if there are local changes; None outside a checkout."""
    if not (PACKAGE.parent / ".git").exists():
        return None
    describe = ("describe", "--always", "--dirty", "--abbrev=10")
    return _output("git", "-C", str(PACKAGE.parent), *describe)


def device_name(device: str) -> str:
    """Return the hardware of a device (auto, cpu, cuda or cuda:i) in words."""
    import torch

    if device != "cpu" and torch.cuda.is_available():
        return f"{torch.cuda.get_device_name(_index(device))}, CUDA {torch.version.cuda}"
    threads = torch.get_num_threads()
    return f"cpu ({platform.machine()}, {threads} thread{'s' if threads > 1 else ''})"


def hardware(device: str) -> dict[str, Any]:
    """Return what measured times depend on: device, threads, driver, versions of CUDA and PyTorch."""
    import torch

    gpu = device != "cpu" and torch.cuda.is_available()
    return {
        "device": torch.cuda.get_device_name(_index(device)) if gpu else cpu_model(),
        "threads": torch.get_num_threads(),
        "driver": gpu_driver() if gpu else None,
        "cuda": torch.version.cuda if gpu else None,
        "torch": torch.__version__,
    }


@functools.cache
def cpu_model() -> str:
    """Return the processor's model name, or the machine's architecture if the system does not provide one."""
    if platform.system() == "Darwin":
        model = _output("sysctl", "-n", "machdep.cpu.brand_string")
    else:
        try:
            text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        line = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        model = line and line[1].strip()
    return model or platform.processor() or platform.machine()


@functools.cache
def gpu_driver() -> str | None:
    """Return the version of the NVIDIA driver, None if neither NVML nor nvidia-smi provides it."""
    nvml = _nvml()
    if nvml is not None:
        try:
            return _text(nvml.nvmlSystemGetDriverVersion())
        except nvml.NVMLError:
            pass
    rows = nvidia_smi("driver_version")
    return rows[0][0] if rows else None


def nvidia_smi(*fields: str) -> list[list[str]]:
    """Return the values of nvidia-smi's query fields as one list per GPU, empty if the program is missing."""
    if shutil.which("nvidia-smi") is None:
        return []
    lines = _output("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader") or ""
    return [[part.strip() for part in line.split(",")] for line in lines.splitlines() if line.strip()]


def energy(device: str) -> float | None:
    """Return the energy in joules that a GPU has used since its driver was loaded, by all processes.

    The difference of two calls is the energy used between them. Returns None for a CPU, without the package nvidia-ml-py
    and for GPUs without a counter (older than Volta, or a MIG partition).
    """
    if device == "cpu" or (nvml := _nvml()) is None:
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    try:
        # by UUID, because torch numbers devices within CUDA_VISIBLE_DEVICES and NVML numbers all of them
        uuid = torch.cuda.get_device_properties(_index(device)).uuid
        handle = nvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}".encode())
        return nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000
    except Exception:  # a missing reading must not fail the cell
        return None


@functools.cache
def _nvml() -> Any:
    """Return NVML's Python module, initialised; None without the module, a driver or a GPU."""
    try:
        nvml = import_module("pynvml")
        nvml.nvmlInit()
    except Exception:  # an optional third-party module that may raise anything: records do not need it
        return None
    return nvml


def _index(device: str) -> int:
    return int(device.partition(":")[2] or 0)


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _output(*command: str) -> str | None:
    """Return the standard output of a command, None if it cannot be run, fails or takes longer than 10 s."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
