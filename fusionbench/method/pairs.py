"""Fusing a batch of pairs: the only place where colour, padding, cropping and clamping are handled."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from fusionbench.data.color import rgb_to_ycbcr, ycbcr_to_rgb
from fusionbench.errors import PluginError
from fusionbench.method.arithmetic import full_float32
from fusionbench.method.base import FusionMethod


def fuse_pair(method: FusionMethod, a: Tensor, b: Tensor) -> Tensor:
    """Fuse sources of any size and return an image with the size and channels of b.

    ``a`` is float32 [B, 1, H, W], ``b`` float32 [B, 1 or 3, H, W], both in [0, 1]; the result is float32
    [B, channels of b, H, W] in [0, 1]. A luma method gets the luma of b (BT.601, full range), and the Cb and Cr of b are
    joined to its result. Sides are padded at the right and the bottom by repeating the border, to a multiple of
    ``method.multiple`` and at least ``method.smallest_side``, and cropped back. On GPUs it is computed in
    `full_float32`. Raises PluginError if the method breaks its contract (wrong shape, values that are not finite).
    """
    fused, finite = begin_fusing(method, a, b)
    check_finite(method, finite)
    return fused


@torch.inference_mode()
def begin_fusing(method: FusionMethod, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the result of `fuse_pair` and whether all that the method returned is finite, a bool [].

    Neither is waited for, so that a GPU may still be computing them.
    """
    with full_float32():
        fused, finite = _fuse_padded(
            method, a, b.expand(-1, 3, -1, -1) if method.color == "rgb" else _luma(b)
        )
    if fused.shape[1] == b.shape[1]:
        return fused, finite
    if b.shape[1] == 1:
        return _luma(fused), finite
    _, cb, cr = rgb_to_ycbcr(*b.split(1, dim=1))
    # clamped: a bright or dark luma with the old chroma can leave the RGB cube
    return torch.cat(ycbcr_to_rgb(fused, cb, cr), dim=1).clamp(0, 1), finite


def check_finite(method: FusionMethod, finite: Tensor) -> None:
    """Raise PluginError unless ``finite``, of `begin_fusing`, is true; waits for the device that computes it."""
    if not finite:
        raise PluginError(
            f"{type(method).__name__}.fuse returned values that are NaN or infinite: check its weights and its inputs' "
            "range."
        )


def _luma(image: Tensor) -> Tensor:
    return image if image.shape[1] == 1 else rgb_to_ycbcr(*image.split(1, dim=1))[0]


def _fuse_padded(method: FusionMethod, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    height, width = a.shape[-2:]
    missing = [padded_side(method, side) - side for side in (width, height)]
    pad = (0, missing[0], 0, missing[1])
    padded_a, padded_b = (F.pad(x, pad, mode="replicate") for x in (a, b))
    fused = method.fuse(padded_a, padded_b)
    _check_shape(method, fused, padded_a, padded_b)
    return fused[..., :height, :width].float().clamp(0, 1), torch.isfinite(fused).all()


def padded_side(method: FusionMethod, side: int) -> int:
    """Return the length in pixels to which a method's sides of length ``side`` are padded."""
    return max(-(-side // method.multiple) * method.multiple, method.smallest_side)


def _check_shape(method: FusionMethod, fused: Tensor, a: Tensor, b: Tensor) -> None:
    allowed = {(len(a), channels, *a.shape[-2:]) for channels in (1, b.shape[1])}
    if not isinstance(fused, Tensor) or tuple(fused.shape) not in allowed:
        returned = tuple(fused.shape) if isinstance(fused, Tensor) else type(fused).__name__
        raise PluginError(
            f"{type(method).__name__}.fuse returned {returned} for sources of {tuple(b.shape)}: return one of {sorted(allowed)}."
        )
