"""Computing metrics of batches of tensors, and scores of single stored images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fusionbench.errors import PluginError, RequestError, WeightsError
from fusionbench.metrics.field_profiles import Profile
from fusionbench.metrics.image_cache import Outcome, Triple
from fusionbench.metrics.inputs import Sources, StoredImages, form_of
from fusionbench.metrics.learned.weight_files import made_with
from fusionbench.metrics.profiles import definition_of, profile_of, resolve
from fusionbench.metrics.registry import CANONICAL, Definition, card_of, function_of, has_network

Reasons = list[str | None]


class Score(NamedTuple):
    """The value of one metric for one image; None unless ``status`` is "ok", and then ``detail`` says why.

    The other statuses are "undefined" (the metric has no value for this image), "unavailable" (a file of weights is
    missing) and "failed" (an error in another package's metric). With a value, ``detail`` names the weights used.
    """

    value: float | None
    status: str
    detail: str = ""


def compute(
    a: Tensor,
    b: Tensor,
    fused: Tensor,
    metrics: str | Iterable[str] | None = None,
    profile: str = CANONICAL,
    reasons: bool = False,
) -> dict[str, Tensor] | tuple[dict[str, Tensor], dict[str, Reasons]]:
    """Return each metric of a batch as float64 [B], NaN where it is undefined.

    The images are uint8 [B, 1, H, W] or [B, 3, H, W] (red, green, blue), of one size and on one device. The profile
    determines how three channels are scored; in "canonical" it is their BT.601 luma. ``metrics`` are names as for
    `resolve`, by default the ten of `DEFAULT`. With ``reasons=True`` a second dictionary has, for each metric and image,
    the reason why the value is undefined, or None.

    Raises RequestError for images or metrics that do not fit, UnknownNameError for unknown names, and WeightsError for
    metrics whose weights are missing.
    """
    names = resolve(metrics, profile)
    images = {"a": a, "b": b, "fused": fused}
    for which, image in images.items():
        _check_batch(which, image)
    _check_alike(images)
    pictures = [StoredImages(image) for image in images.values()]
    outcomes = {
        name: _evaluate(definition_of(name, profile), profile_of(profile), *pictures) for name in names
    }
    tensors = {name: outcome[0] for name, outcome in outcomes.items()}
    return (tensors, {name: outcome[1] for name, outcome in outcomes.items()}) if reasons else tensors


def sources(a: np.ndarray, b: np.ndarray) -> Sources:
    """Return a pair prepared for scoring several fused images of it with `score_fused`, which then takes half the time.

    Both are uint8 [H, W] or [H, W, 3]. After scoring the default set, it uses 80 bytes per pixel of each source.
    """
    return Sources(stored("a", a), stored("b", b))


def score(
    a: np.ndarray,
    b: np.ndarray,
    fused: np.ndarray,
    metrics: str | Iterable[str] | None = None,
    profile: str = CANONICAL,
) -> dict[str, Score]:
    """Return the scores of one fused image, by metric; all images are uint8 [H, W] or [H, W, 3].

    All digits depend on the three images only, not on batches or threads. Raises as `compute` does, except that missing
    weights become the status "unavailable".
    """
    return score_fused(sources(a, b), fused, metrics, profile)


def score_fused(
    pair: Sources,
    fused: np.ndarray,
    metrics: str | Iterable[str] | None = None,
    profile: str = CANONICAL,
    device: str = "cpu",
) -> dict[str, Score]:
    """Return the scores of one fused image of a pair prepared by `sources`, the same to the last digit as by `score`.

    Networks of metrics run on ``device``.
    """
    chosen = {name: definition_of(name, profile) for name in resolve(metrics, profile)}
    return dict(zip(chosen, score_definitions(pair, fused, chosen.values(), profile, device), strict=True))


def score_definitions(
    pair: Sources,
    fused: np.ndarray | StoredImages,
    chosen: Iterable[Definition],
    profile: str = CANONICAL,
    device: str = "cpu",
) -> list[Score]:
    """Return the scores of one fused image by the given definitions; ``profile`` only determines the conversion to grey.

    Calls that get the same `StoredImages`, made by `stored`, share its statistics as they share those of the pair. Only
    networks run on ``device``: formulas stay on the CPU, so that their digits are the same on every machine.
    """
    pictures = (*pair, fused if isinstance(fused, StoredImages) else stored("fused", fused))
    _check_alike({which: picture.levels for which, picture in zip(Triple._fields, pictures, strict=True)})
    with one_thread():
        return [*map(partial(_score, profile_of(profile), pictures, device), chosen)]


def _score(profile: Profile, pictures: Sequence[StoredImages], device: str, definition: Definition) -> Score:
    try:
        if has_network(definition.metric):
            pictures = [picture.on(device) for picture in pictures]
        values, reasons = _evaluate(definition, profile, *pictures)
    except WeightsError as error:
        return Score(None, "unavailable", str(error))
    except PluginError as error:  # an error in another package's metric must not lose the other scores
        return Score(None, "failed", str(error))
    if reasons[0] is not None:
        return Score(None, "undefined", reasons[0])
    return Score(values.item(), "ok", made_with(card_of(definition.metric).weights))


def _evaluate(
    definition: Definition, profile: Profile, a: StoredImages, b: StoredImages, fused: StoredImages
) -> tuple[Tensor, Reasons]:
    """Return the values of one metric, and for each image the reason why its value is undefined or None."""
    if card_of(definition.metric).per == "set":
        raise RequestError(
            f"{definition.metric} is a value of many images together: `fusionbench run` and `score` compute it."
        )
    form = form_of(profile.gray, fused, definition.planes)
    triple = Triple(a.image(form), b.image(form), fused.image(form))
    batch, smallest = len(triple.fused.levels), definition.smallest
    if min(triple.fused.height, triple.fused.width) < smallest:
        values = torch.full((batch,), math.nan, dtype=torch.float64, device=triple.fused.levels.device)
        reasons: Reasons = [f"the image is smaller than {smallest}x{smallest} pixels"] * batch
    else:
        values, reasons = _with_reasons(function_of(definition)(triple))
    return _averaged(values, reasons) if form == "mean" else (values, reasons)


def _with_reasons(outcome: Outcome) -> tuple[Tensor, Reasons]:
    """Return the values of a metric, NaN where it is undefined, and for each image the reason or None."""
    values = outcome.values
    reasons: Reasons = [None] * len(values)
    for mask, reason in (*outcome.undefined, (~values.isfinite(), "the result is not a finite number")):
        reasons = [old or (reason if hit else None) for old, hit in zip(reasons, mask.tolist(), strict=True)]
        values = values.masked_fill(mask, math.nan)
    return values, reasons


def _averaged(values: Tensor, reasons: Reasons) -> tuple[Tensor, Reasons]:
    """Return the mean over the three channels of each image, undefined if the value of one channel is."""
    triples = [reasons[start : start + 3] for start in range(0, len(reasons), 3)]
    return values.view(-1, 3).mean(-1), [next(filter(None, three), None) for three in triples]


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch to one thread, because splitting a tensor among threads can change the last digit of an exponential.

    The number of threads belongs to the process, so code that scores in several threads enters this context once around
    all of them.
    """
    threads = torch.get_num_threads()
    if threads != 1:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if threads != 1:
            torch.set_num_threads(threads)


def stored(which: str, levels: np.ndarray) -> StoredImages:
    """Return one image, uint8 [H, W] or [H, W, 3], for scoring. Raises RequestError, naming ``which``, for anything else."""
    fits = isinstance(levels, np.ndarray) and levels.dtype == np.uint8 and levels.size
    if not fits or levels.ndim not in (2, 3) or levels.shape[2:] not in ((), (3,)):
        raise RequestError(
            f"Image {which} must be a uint8 array [H, W] or [H, W, 3], found {_describe(levels)}: convert it."
        )
    planes = levels[None] if levels.ndim == 2 else levels.transpose(2, 0, 1)
    return StoredImages(torch.from_numpy(np.array(planes, order="C"))[None])


def _check_batch(which: str, image: Tensor) -> None:
    fits = isinstance(image, Tensor) and image.dtype == torch.uint8 and image.ndim == 4
    if not fits or image.shape[1] not in (1, 3) or not image.numel():
        raise RequestError(
            f"Image {which} must be a uint8 tensor [B, 1, H, W] or [B, 3, H, W], found {_describe(image)}: convert it."
        )


def _check_alike(images: dict[str, Tensor]) -> None:
    """Raise RequestError unless the images are equally many, of one size and on one device."""
    if len({(len(image), *image.shape[-2:]) for image in images.values()}) > 1:
        shapes = ", ".join(f"{which} {list(image.shape)}" for which, image in images.items())
        raise RequestError(f"The images differ in size ({shapes}): give images registered pixel by pixel.")
    if len({image.device for image in images.values()}) > 1:
        devices = ", ".join(f"{which} on {image.device}" for which, image in images.items())
        raise RequestError(f"The images are on different devices ({devices}): move them to one.")


def _describe(image: object) -> str:
    dtype, shape = getattr(image, "dtype", None), getattr(image, "shape", None)
    return type(image).__name__ if dtype is None or shape is None else f"{dtype} {list(shape)}"
