"""Under which versions, code and hardware something was computed."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import fusionbench
from fusionbench.shipped import PACKAGE

PACKAGES = ("torch", "pytorch-lightning", "numpy", "kornia", "timm", "pandas", "pillow", "safetensors")


def provenance(device: str, seed: int) -> dict[str, Any]:
    """Return versions, git state and hardware as plain JSON; names no host, user or path."""
    return {
        "fusionbench": fusionbench.__version__,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "git": git_state(),
        "device": device_name(device),
        "seed": seed,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def git_state() -> str | None:
    """Return the commit of the checkout, with ``-dirty`` for local changes; None outside a checkout."""
    command = ["git", "-C", str(PACKAGE.parent), "describe", "--always", "--dirty", "--abbrev=10"]
    if not (PACKAGE.parent / ".git").exists():
        return None
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def device_name(device: str) -> str:
    """Describe the hardware behind auto, cpu, cuda or cuda:i in words."""
    import torch

    if device != "cpu" and torch.cuda.is_available():
        index = int(device.partition(":")[2] or 0)
        return f"{torch.cuda.get_device_name(index)}, CUDA {torch.version.cuda}"
    return f"cpu ({platform.machine()}, {torch.get_num_threads()} threads)"
