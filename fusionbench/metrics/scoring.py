"""Compute metrics on batches of tensors or score one stored image."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fusionbench.errors import RequestError
from fusionbench.metrics.registry import cards, function_of, resolve, resolve_profile
from fusionbench.metrics.statistics import Image, Sources, Triple

Reasons = list[str | None]


class Score(NamedTuple):
    """One metric of one image: ``value`` is None where ``status`` is "undefined", and ``detail`` says why."""

    value: float | None
    status: str
    detail: str = ""


def compute(
    a: Tensor,
    b: Tensor,
    fused: Tensor,
    metrics: str | Iterable[str] | None = None,
    profile: str = "canonical",
    reasons: bool = False,
) -> dict[str, Tensor] | tuple[dict[str, Tensor], dict[str, Reasons]]:
    """Return each metric of a batch as float64 [B], NaN where it is undefined.

    The images are uint8 [B, 1, H, W], of one size and on one device. ``metrics`` are names as `resolve` takes
    them, by default the ten of `DEFAULT`. With ``reasons`` a second dictionary says for each metric and image
    why the value is undefined, or None. Raises RequestError on images and UnknownNameError on names that it
    cannot take.
    """
    names = _names(metrics, profile)
    images = {"a": a, "b": b, "fused": fused}
    for which, image in images.items():
        _check_batch(which, image)
    _check_alike(images)
    triple = Triple(*(Image(image[:, 0]) for image in images.values()))
    found = {name: _evaluate(name, triple) for name in names}
    tensors = {name: outcome[0] for name, outcome in found.items()}
    return (tensors, {name: outcome[1] for name, outcome in found.items()}) if reasons else tensors


def sources(a: np.ndarray, b: np.ndarray) -> Sources:
    """Prepare a pair for scoring several fused images of it with `score_fused`, which then costs about half.

    Both are uint8 [H, W]. Holds 80 bytes a pixel and source once the default set has been scored.
    """
    return Sources(_image("a", a), _image("b", b))


def score(
    a: np.ndarray,
    b: np.ndarray,
    fused: np.ndarray,
    metrics: str | Iterable[str] | None = None,
    profile: str = "canonical",
) -> dict[str, Score]:
    """Score one fused image against its sources, all uint8 [H, W].

    The digits depend on the three images alone. Raises as `compute` does.
    """
    return score_fused(sources(a, b), fused, metrics, profile)


def score_fused(
    pair: Sources, fused: np.ndarray, metrics: str | Iterable[str] | None = None, profile: str = "canonical"
) -> dict[str, Score]:
    """Score one fused image of a pair prepared by `sources`; the digits are those of `score`."""
    names = _names(metrics, profile)
    triple = Triple(*pair, _image("fused", fused))
    _check_alike({which: image.levels for which, image in zip(Triple._fields, triple, strict=True)})
    with _one_thread():
        found = {name: _evaluate(name, triple) for name in names}
    return {name: _score(values.item(), reasons[0]) for name, (values, reasons) in found.items()}


def _score(value: float, reason: str | None) -> Score:
    return Score(value, "ok") if reason is None else Score(None, "undefined", reason)


def _names(metrics: str | Iterable[str] | None, profile: str) -> list[str]:
    resolve_profile(profile)
    return resolve(metrics)


def _evaluate(name: str, triple: Triple) -> tuple[Tensor, Reasons]:
    """Return the values of one metric and, for each image, why its value is undefined."""
    batch, smallest = len(triple.fused.levels), cards()[name].smallest
    if min(triple.fused.height, triple.fused.width) < smallest:
        nothing = torch.full((batch,), math.nan, dtype=torch.float64, device=triple.fused.levels.device)
        return nothing, [f"the image is smaller than {smallest}x{smallest} pixels"] * batch
    values, undefined = function_of(name)(triple)
    reasons: Reasons = [None] * batch
    for mask, reason in (*undefined, (~values.isfinite(), "the result is not a finite number")):
        reasons = [old or (reason if hit else None) for old, hit in zip(reasons, mask.tolist(), strict=True)]
        values = values.masked_fill(mask, math.nan)
    return values, reasons


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch on one thread: where it splits a tensor can change the last digit of an exponential."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _image(which: str, levels: np.ndarray) -> Image:
    if not isinstance(levels, np.ndarray) or levels.dtype != np.uint8 or levels.ndim != 2 or not levels.size:
        raise RequestError(
            f"Image {which} must be a uint8 array [H, W], found {_describe(levels)}: convert it."
        )
    return Image(torch.from_numpy(np.array(levels, order="C"))[None])


def _check_batch(which: str, image: Tensor) -> None:
    fits = isinstance(image, Tensor) and image.dtype == torch.uint8 and image.ndim == 4
    if not fits or image.shape[1] != 1 or not image.numel():
        found = _describe(image)
        raise RequestError(f"Image {which} must be a uint8 tensor [B, 1, H, W], found {found}: convert it.")


def _check_alike(images: dict[str, Tensor]) -> None:
    """Raise RequestError unless the images have one shape and one device."""
    if len({image.shape for image in images.values()}) > 1:
        shapes = ", ".join(f"{which} {list(image.shape)}" for which, image in images.items())
        raise RequestError(f"The images differ in size ({shapes}): give images registered pixel by pixel.")
    if len({image.device for image in images.values()}) > 1:
        devices = ", ".join(f"{which} on {image.device}" for which, image in images.items())
        raise RequestError(f"The images lie on different devices ({devices}): move them to one.")


def _describe(image: object) -> str:
    dtype, shape = getattr(image, "dtype", None), getattr(image, "shape", None)
    return type(image).__name__ if dtype is None or shape is None else f"{dtype} {list(shape)}"
