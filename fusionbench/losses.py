"""Loss terms that several published methods share; images are float [B, 1, H, W] in [0, 1], losses scalars."""

from __future__ import annotations

import warnings
from functools import cache
from types import ModuleType

import torch
from torch import Tensor


@cache
def _kornia() -> ModuleType:
    """Return kornia, imported on first use: a method that only fuses computes no loss."""
    with warnings.catch_warnings():
        # importing kornia calls a function that torch deprecates; a user could do nothing about the warning
        warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
        import kornia
    return kornia


def sobel(image: Tensor) -> Tensor:
    """Return |dI/dx| + |dI/dy| by the unnormalised 3x3 Sobel kernels, float32 [B, 1, H, W], in [0, 8].

    It is computed in float32 even in mixed-precision training, whose rounding is as large as small gradients.
    """
    with torch.autocast(image.device.type, enabled=False):
        gradient = _kornia().filters.spatial_gradient(image.float(), mode="sobel", normalized=False)
        return gradient.abs().sum(dim=2)


def strongest_gradient(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return mean | sobel(F) - max(sobel(A), sobel(B)) |: the fused gradient should be the stronger of the sources'."""
    return (sobel(fused) - torch.maximum(sobel(a), sobel(b))).abs().mean()


def local_variance(image: Tensor, window: int, sigma: float | None = None) -> Tensor:
    """Return the variance around each pixel, mean(I^2) - mean(I)^2, [B, 1, H, W], not below 0.

    The means are those of `local_mean`. In constant regions rounding may leave a value slightly above 0.
    """
    mean, square = (local_mean(x, window, sigma) for x in (image, image**2))
    return (square - mean**2).clamp(min=0)  # the difference of nearly equal numbers can round to below 0


def local_deviation(image: Tensor, window: int, sigma: float | None = None) -> Tensor:
    """Return (I - mean(I))^2 with the mean around each pixel, [B, 1, H, W]; arguments as `local_mean`."""
    return (image - local_mean(image, window, sigma)) ** 2


def local_mean(image: Tensor, window: int, sigma: float | None = None) -> Tensor:
    """Return the mean around each pixel, float32 [B, 1, H, W], over ``window`` x ``window`` pixels.

    Weights are a Gaussian of ``sigma`` pixels, or equal without ``sigma``. Borders are padded by their own values.
    """
    with torch.autocast(image.device.type, enabled=False):
        if sigma is None:
            return _kornia().filters.box_blur(image.float(), (window, window), "replicate")
        return _kornia().filters.gaussian_blur2d(image.float(), (window, window), (sigma, sigma), "replicate")


def strongest_intensity(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return mean | F - max(A, B) |: the fused intensity should be that of the brighter source."""
    return (fused - torch.maximum(a, b)).abs().mean()


def similarity(x: Tensor, y: Tensor) -> Tensor:
    """Return the mean SSIM with a Gaussian window of 11 pixels, sigma 1.5, and mirrored borders.

    Source: Wang et al. 2004, doi 10.1109/TIP.2003.819861. Sides must be larger than 5 pixels, for mirroring.
    """
    with torch.autocast(x.device.type, enabled=False):
        return _kornia().metrics.ssim(x.float(), y.float(), window_size=11).mean()


def dissimilarity(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return 1 - (SSIM(F, A) + SSIM(F, B)) / 2: the fused structure should resemble both sources equally."""
    return 1 - (similarity(fused, a) + similarity(fused, b)) / 2
