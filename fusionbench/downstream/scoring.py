"""Scores of one network on the test images, with intervals by a bootstrap over the images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy import ndarray

# of the bootstrap; each one computes average precision anew
RESAMPLES = 500
LEVEL = 0.95


class ValueWithInterval(NamedTuple):
    """The value of a metric on the test images, with its 95 % interval; None and a reason if it has no value."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


class ResampledScores(NamedTuple):
    """The values by metric, and their values on the resampled sets, float64 [RESAMPLES] (NaN: no value)."""

    values: dict[str, ValueWithInterval]
    resampled: dict[str, ndarray]


def draws(images: int) -> ndarray:
    """Return how often each resample contains each image, int64 [RESAMPLES, images].

    The seed is fixed, so that all rows of a table have the same resamples and can be compared in pairs.
    """
    drawn = np.random.default_rng(0).integers(0, images, (RESAMPLES, images))
    return np.stack([np.bincount(row, minlength=images) for row in drawn])


def with_intervals(
    measured: Mapping[str, float], resample: Callable[[ndarray], Mapping[str, float]], images: int
) -> ResampledScores:
    """Return each measured value with its percentile interval.

    ``resample`` returns the values of a set that contains each image as often as its argument [images] says. NaN means
    no value: the metric's class is annotated in no image.
    """
    samples = [resample(counts) for counts in draws(images)] if images > 1 else []
    resampled = {name: np.array([sample[name] for sample in samples], dtype=np.float64) for name in measured}
    values: dict[str, ValueWithInterval] = {}
    for name, value in measured.items():
        if not np.isfinite(value):
            values[name] = ValueWithInterval(None, reason="no test image is annotated with this class")
            continue
        known = resampled[name][np.isfinite(resampled[name])]
        tails = 100 * np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        # a class of few images is missing in many resamples, and those with it are no fair sample: no interval then
        enough = len(known) >= 0.9 * RESAMPLES
        low, high = map(float, np.percentile(known, tails)) if enough else (None, None)
        values[name] = ValueWithInterval(float(value), low, high)
    return ResampledScores(values, resampled)


def score_maps(
    predicted: Sequence[ndarray], annotated: Sequence[ndarray], classes: Sequence[str], ignored: int
) -> ResampledScores:
    """Return the IoU of each class and their mean, in [0, 1], from predicted and annotated maps uint8 [H, W].

    IoU = TP / (TP + FP + FN) over the pixels of all images. Pixels annotated as ``ignored`` are not counted, and
    classes without annotated pixels are left out of the mean.
    """
    counts = np.stack(
        [_counts(*maps, len(classes), ignored) for maps in zip(predicted, annotated, strict=True)]
    )
    return with_intervals(
        _ious(counts.sum(axis=0), classes), lambda n: _ious(np.tensordot(n, counts, 1), classes), len(counts)
    )


def _counts(predicted: ndarray, annotated: ndarray, classes: int, ignored: int) -> ndarray:
    """Return the numbers of true positive, false positive and false negative pixels, int64 [3, classes]."""
    import torch
    from segmentation_models_pytorch.metrics import get_stats

    maps = [torch.from_numpy(m.astype(np.int64))[None] for m in (predicted, annotated)]
    tp, fp, fn, _ = get_stats(*maps, mode="multiclass", num_classes=classes, ignore_index=ignored)
    return np.stack([part[0].numpy() for part in (tp, fp, fn)]).astype(np.int64)


def _ious(counts: ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Return mIoU and the IoU of each class from counts [3, classes]; NaN for a class without annotated pixels."""
    hit, falsely, missed = counts.astype(np.float64)
    present = hit + missed > 0
    iou = np.full(len(classes), np.nan)
    iou[present] = hit[present] / (hit + falsely + missed)[present]
    mean = float(np.nanmean(iou)) if present.any() else float("nan")
    return {"mIoU": mean, **{f"IoU:{name}": float(value) for name, value in zip(classes, iou, strict=True)}}
