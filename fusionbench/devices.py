"""The devices of this machine, found without importing torch, which a call with nothing left to do never loads."""

from __future__ import annotations

import ctypes
import functools
import os
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from fusionbench.errors import RequestError

DEVICE = re.compile(r"cpu|cuda(:(?P<index>\d+))?")


def pick_device(name: str) -> str:
    """Return the device for auto, cpu, cuda or cuda:i. Raises RequestError for any other name or an absent GPU."""
    if name == "auto":
        return "cuda" if cuda_devices() else "cpu"
    parts = DEVICE.fullmatch(name)
    if parts is None:
        raise RequestError(f"Device '{name}' is not supported: use auto, cpu, cuda or cuda:0.")
    if name != "cpu" and int(parts["index"] or 0) >= cuda_devices():
        raise RequestError(
            f"Device '{name}' is not here, {cuda_devices()} CUDA devices are: use --device cpu."
        )
    return name


def slots(device: str, jobs: int | None) -> list[str]:
    """Return one device for each cell that may run at the same time: by default one per GPU, or a single one on the CPU."""
    if device != "cuda":
        return [device] * (jobs or 1)
    count = cuda_devices()
    return [f"cuda:{number % count}" for number in range(jobs or count)]


def scorers(slots: Sequence[str]) -> int:
    """Return how many processes score on the CPU beside slots that are GPUs: one for each core that no slot needs."""
    return 0 if "cpu" in slots else max(1, cores() - len(slots))


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def cuda_devices() -> int:
    """Return the number of CUDA devices that torch will see: those of the driver, if torch is built for CUDA.

    The driver honours CUDA_VISIBLE_DEVICES. It is asked directly, because ``torch.cuda`` costs seconds of import.
    """
    if not _torch_has_cuda():
        return 0
    try:
        driver = ctypes.CDLL("nvcuda.dll" if hasattr(ctypes, "windll") else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def _torch_has_cuda() -> bool:
    module = find_spec("torch")
    if module is None or module.origin is None:
        return False
    text = (Path(module.origin).parent / "version.py").read_text(encoding="utf-8")
    return re.search(r"^cuda\b.*=\s*'", text, re.MULTILINE) is not None
