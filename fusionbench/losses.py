"""Loss terms that several published methods share; images are float [B, 1, H, W] in [0, 1]."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

with warnings.catch_warnings():
    # kornia compiles a helper while it is imported, by a function that torch deprecates; no user can do anything
    warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
    from kornia.filters import box_blur, gaussian_blur2d, spatial_gradient
    from kornia.metrics import ssim


def sobel(image: Tensor) -> Tensor:
    """Return |d/dx| + |d/dy| under the unnormalised Sobel kernels, [B, 1, H, W].

    Computed in float32 also where training runs in half precision: differences of neighbours drown in its rounding.
    """
    with torch.autocast(image.device.type, enabled=False):
        return spatial_gradient(image.float(), mode="sobel", normalized=False).abs().sum(dim=2)


def strongest_gradient(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Ask for the stronger source's gradient everywhere: the mean l1 distance of the Sobel strengths."""
    return (sobel(fused) - torch.maximum(sobel(a), sobel(b))).abs().mean()


def local_variance(image: Tensor, window: int, sigma: float | None = None) -> Tensor:
    """Return the variance around each pixel, [B, 1, H, W]: under a Gaussian of ``sigma`` pixels, or a square.

    Borders are repeated. Not below 0, and exactly 0 only where rounding does not show.
    """
    mean, square = (local_mean(x, window, sigma) for x in (image, image**2))
    return (square - mean**2).clamp(min=0)


def local_deviation(image: Tensor, window: int, sigma: float | None = None) -> Tensor:
    """Return each pixel's squared difference from the mean around it, [B, 1, H, W]; arguments as `local_variance`."""
    return (image - local_mean(image, window, sigma)) ** 2


def local_mean(image: Tensor, window: int, sigma: float | None = None) -> Tensor:
    """Return the mean around each pixel, [B, 1, H, W], in float32: under a Gaussian of ``sigma`` pixels, or a square.

    Borders are repeated.
    """
    with torch.autocast(image.device.type, enabled=False):
        if sigma is None:
            return box_blur(image.float(), (window, window), "replicate")
        return gaussian_blur2d(image.float(), (window, window), (sigma, sigma), "replicate")


def strongest_intensity(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Ask for the brighter source everywhere: the mean l1 distance to the maximum."""
    return (fused - torch.maximum(a, b)).abs().mean()


def similarity(x: Tensor, y: Tensor) -> Tensor:
    """Return the mean SSIM under a Gaussian window of 11 pixels, sigma 1.5; borders are mirrored.

    Wang et al. 2004, doi 10.1109/TIP.2003.819861. Sides must be larger than 5 pixels.
    """
    with torch.autocast(x.device.type, enabled=False):
        return ssim(x.float(), y.float(), window_size=11).mean()


def dissimilarity(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Ask for the structure of both sources alike: 1 minus the mean of their SSIM with the fused image."""
    return 1 - (similarity(fused, a) + similarity(fused, b)) / 2
