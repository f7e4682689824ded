"""Peak memory of one ``fuse``."""

from __future__ import annotations

import ctypes
import gc
import re
from pathlib import Path

import torch

from fusionbench.method import FusionMethod
from fusionbench.method.arithmetic import full_float32
from fusionbench.profiling.counts import example

PROCESS = Path("/proc/self")
MIB = 2**20


@torch.inference_mode()
def peak_memory(method: FusionMethod, height: int, width: int) -> dict[str, float | str] | None:
    """Return the ``peak`` memory in MiB with parameters and inputs, the part ``added`` by ``fuse``, and ``of`` what.

    On CUDA it is PyTorch's peak allocation, on a CPU the growth of the process's resident memory. None on systems
    without this count (all but Linux).
    """
    pair = example(method.eval(), height, width)
    if method.device.type == "cuda":
        return _on_cuda(method, pair)
    return _on_cpu(method, pair)


def _on_cuda(method: FusionMethod, pair: tuple[torch.Tensor, torch.Tensor]) -> dict[str, float | str]:
    torch.cuda.synchronize(method.device)
    torch.cuda.reset_peak_memory_stats(method.device)
    before = torch.cuda.memory_allocated(method.device)
    with full_float32():
        method.fuse(*pair)
    torch.cuda.synchronize(method.device)
    peak = torch.cuda.max_memory_allocated(method.device)
    return {"peak": peak / MIB, "added": (peak - before) / MIB, "of": "CUDA allocations"}


def _on_cpu(method: FusionMethod, pair: tuple[torch.Tensor, torch.Tensor]) -> dict[str, float | str] | None:
    gc.collect()
    _give_back()
    if not _reset_peak():
        return None
    before = _resident("VmRSS")
    method.fuse(*pair)
    peak = _resident("VmHWM")
    held = sum(t.numel() * t.element_size() for t in (*method.parameters(), *method.buffers(), *pair))
    added = max(peak - before, 0)
    return {"peak": (held + added) / MIB, "added": added / MIB, "of": "resident memory"}


def _give_back() -> None:
    """Return freed memory to the system; ``fuse`` could use memory that malloc keeps without raising the peak."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)


def _reset_peak() -> bool:
    """Reset the kernel's count of the process's peak memory; return False if that is not possible."""
    try:
        # 5 resets VmHWM (man 5 proc)
        (PROCESS / "clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _resident(field: str) -> int:
    """Return a field of /proc/self/status, VmRSS or VmHWM, in bytes."""
    text = (PROCESS / "status").read_text(encoding="ascii", errors="replace")
    match = re.search(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0
