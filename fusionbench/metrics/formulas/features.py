"""The feature maps, with one value per pixel or coefficient, that feature mutual information (FMI) compares."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from fusionbench.metrics.image_cache import Image, values

REACH = 50  # taps of Meyer's filter on each side of the middle one


def raw(image: Image) -> Tensor:
    """Return the levels 0..255, float64 [B, H, W]."""
    return image.of(values)


def slope(image: Image) -> Tensor:
    """Return the horizontal slope, float64 [B, H, W]: central differences, one-sided at the border."""
    return torch.gradient(image.of(values), dim=-1)[0]


def cosine_coefficients(image: Image) -> Tensor:
    """Return the coefficients of the orthonormal cosine transform (DCT-II) of the whole image, float64 [B, H, W]."""
    x = image.of(values)
    rows, columns = (_cosine_basis(size, x.device) for size in x.shape[-2:])
    # a constant only contributes to the first coefficient: subtracting the first pixel keeps the other coefficients of
    # flat images exactly 0, where rounding errors would be stretched to features
    common = x[..., :1, :1]
    coefficients = rows @ (x - common) @ columns.T
    coefficients[..., 0, 0] += common[..., 0, 0] * math.sqrt(image.count)
    return coefficients


@cache
def _cosine_basis(size: int, device: torch.device) -> Tensor:
    places = torch.arange(size, dtype=torch.float64, device=device)
    # angles are reduced to one turn in integers, because large arguments of the cosine lose digits
    turns = ((2 * places[None] + 1) * places[:, None]) % (4 * size)
    basis = (turns * (math.pi / (2 * size))).cos_() * math.sqrt(2 / size)
    basis[0] /= math.sqrt(2)
    return basis


def wavelets(image: Image) -> Tensor:
    """Return one level of the discrete Meyer wavelet transform, float64 [B, 2 h, 2 w], in [0, 1].

    The quarters are approximation, horizontal, vertical and diagonal detail, stretched to [0, 1] together; NaN if all
    are equal. The image is mirrored at its border with the edge pixel repeated. h = floor((H + 101) / 2), and w alike.
    """
    upper, lower = _half_bands(image.of(values), -2)
    # MATLAB's horizontal detail is high-pass along columns and is put to the right of the approximation
    rows = [
        torch.cat(quarters, dim=-1)
        for quarters in zip(*(_half_bands(x, -1) for x in (upper, lower)), strict=True)
    ]
    tiled = torch.cat(rows, dim=-2)
    low, high = tiled.amin((-2, -1), keepdim=True), tiled.amax((-2, -1), keepdim=True)
    return (tiled - low) / (high - low)


def _half_bands(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Return low-pass and high-pass part along one dimension of [B, H, W], each about half as long.


    Taps are added one after the other, in the same order at all places, so that flat areas stay flat to the last digit.
    """
    low = meyer_filter()
    taps, size = len(low), x.shape[dim]
    signs = [(-1.0) ** (tap + 1) for tap in range(taps)]
    count = (size + taps - 1) // 2
    places = torch.arange(1 - (taps - 1), 2 * count, device=x.device) % (2 * size)
    mirrored = x.index_select(dim, torch.where(places < size, places, 2 * size - 1 - places))
    approximation, detail = (torch.zeros((), dtype=x.dtype, device=x.device) for _ in range(2))
    for tap in range(taps):
        start = taps - 1 - tap
        part = mirrored.transpose(dim, -1)[..., start : start + 2 * count - 1 : 2].transpose(dim, -1)
        approximation = approximation + part * low[tap].item()
        detail = detail + part * (signs[tap] * low[taps - 1 - tap].item())
    return approximation, detail


@cache
def meyer_filter() -> Tensor:
    """Return the low-pass decomposition filter of the discrete Meyer wavelet, float64 [102], with the sum sqrt(2).

    It has a zero and the Fourier coefficients -50 to 50 of Meyer's low-pass function (Daubechies, Ten Lectures on
    Wavelets, 1992, section 4.2), as MATLAB's dmey has; PyWavelets' dmey has 62 taps and gives other values.
    """
    steps = 2**14
    angle = torch.arange(steps, dtype=torch.float64) * (2 * math.pi / steps)
    angle = torch.minimum(angle, 2 * math.pi - angle)
    x = (3 * angle / math.pi - 1).clamp(0, 1)
    smooth_step = x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)
    response = (math.pi / 2 * smooth_step).cos()
    response[angle >= 2 * math.pi / 3] = 0
    # the function is periodic with three continuous derivatives, so a sum over equal steps integrates it to rounding
    half = torch.fft.fft(response).real[: REACH + 1] / steps
    taps = torch.cat((torch.zeros(1, dtype=torch.float64), half.flip(0), half[1:]))
    return taps * (math.sqrt(2) / taps.sum())
