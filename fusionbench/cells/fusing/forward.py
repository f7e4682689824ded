"""Forward passes over pairs of equal shape, on a GPU without waiting for it until the images are asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from fusionbench.data.images import PairImages
from fusionbench.data.pipeline import to_uint8
from fusionbench.method import FusionMethod, begin_fusing, check_finite


def ready(method: FusionMethod, device: str) -> FusionMethod:
    """Return the method in eval mode on a device; a numbered GPU becomes the process's current one.

    Otherwise tensors that a method makes on "cuda", and pinned memory, would take the first GPU for every cell.
    """
    if ":" in device:
        torch.cuda.set_device(device)
    return method.eval().to(device)


class ForwardPass:
    """A forward pass that has begun; on a GPU it is computed while this process goes on.

    The sources go to the device, and the result comes back, by copies from and to pinned memory that nobody waits for.
    """

    def __init__(self, method: FusionMethod, group: Sequence[PairImages], device: str) -> None:
        self.method = method
        a = _on_device([images.a for images in group], device)[:, None]
        b = _on_device([images.b for images in group], device)
        b = b[:, None] if b.ndim == 3 else b.movedim(-1, 1).contiguous()
        self._fused, self._finite = map(_to_host, begin_fusing(method, a, b))
        self._copied: torch.cuda.Event | None = None
        if a.is_cuda:
            self._copied = torch.cuda.Event()
            self._copied.record(torch.cuda.current_stream(a.device))

    def images(self) -> Tensor:
        """Wait for the end of the pass and return the fused images [pairs, C, H, W] on the CPU, float32 in [0, 1].

        Raises PluginError if the method returned values that are not finite.
        """
        if self._copied is not None:
            self._copied.synchronize()
        check_finite(self.method, self._finite)
        return self._fused


def _on_device(images: list[np.ndarray], device: str) -> Tensor:
    """Return float32 images of equal shape as one tensor on the device, to which they may still be on their way."""
    stacked = torch.empty(len(images), *images[0].shape, pin_memory=device != "cpu")
    np.stack(images, out=stacked.numpy())
    return stacked.to(device, non_blocking=True)


def _to_host(tensor: Tensor) -> Tensor:
    """Return a tensor of a GPU in pinned memory, to which it may still be on its way, and one of the CPU as it is."""
    if not tensor.is_cuda:
        return tensor
    return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True).copy_(tensor, non_blocking=True)


def fuse_tensors(method: FusionMethod, group: Sequence[PairImages], device: str) -> Tensor:
    """Return the fused images [pairs, C, H, W] of pairs of equal shape on the CPU, float32 in [0, 1]."""
    return ForwardPass(method, group, device).images()


def fuse_arrays(method: FusionMethod, group: Sequence[PairImages], device: str) -> list[np.ndarray]:
    """Return the fused images of pairs of equal shape as they are stored: uint8, [H, W] or [H, W, 3] as b has them."""
    return [to_uint8(image.numpy()) for image in fuse_tensors(method, group, device)]
