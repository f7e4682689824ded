"""The routes by which programs make one 8-bit channel of an image file, which differ by one level or by many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from fusionbench.data.images import drop_equal_channels, eight_bit, read_image

MATLAB = (0.298936021293775, 0.587043074451121, 0.114020904255103)  # the weights of MATLAB's rgb2gray


class Route(NamedTuple):
    """A route from a file to one channel: its levels [H, W] and the programs that use it."""

    name: str
    users: str
    levels: np.ndarray


class Statistics(NamedTuple):
    """Statistics of a route's levels, with the share of pixels differing from fusionbench's and the largest difference."""

    mean: float
    deviation: float
    lowest: int
    highest: int
    different: float
    largest: int


def luma_routes(path: Path) -> list[Route]:
    """Return the routes possible for an image file, fusionbench's own first. Raises ImageError for unreadable files."""
    image = drop_equal_channels(read_image(path))
    if image.ndim == 2:
        if image.dtype == np.uint8:
            return [Route("as stored", "all", image)]
        return list(_sixteen_bits(image))
    return [*_color(eight_bit(image)), *_stored_luma(path)]


def statistics(route: Route, own: Route) -> Statistics:
    """Return the statistics of a route compared with fusionbench's own route."""
    difference = np.abs(route.levels.astype(np.int64) - own.levels)
    levels = route.levels.astype(np.float64)
    return Statistics(
        float(levels.mean()),
        float(levels.std()),
        int(route.levels.min()),
        int(route.levels.max()),
        float((difference > 0).mean()),
        int(difference.max()),
    )


def _color(image: np.ndarray) -> Iterator[Route]:
    """Yield the conversions of red, green and blue, uint8 [H, W, 3]."""
    import cv2  # here rather than above, because the import takes longer than reading an image

    red, green, blue = (image[..., channel].astype(np.int64) for channel in range(3))
    exact = ((299 * red + 587 * green + 114 * blue + 500) // 1000).astype(np.uint8)
    yield Route("BT.601, exact, halves up", "fusionbench", exact)
    yield Route("cvtColor of 8 bits", "OpenCV", cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    single = cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2GRAY).round().astype(np.uint8)
    yield Route("cvtColor of float32, rounded", "CDDFuse's evaluator", single)
    yield Route('convert("L")', "Pillow", np.asarray(Image.fromarray(image).convert("L")))
    matlab = np.floor(image @ np.array(MATLAB) + 0.5).astype(np.uint8)
    yield Route("rgb2gray", "MATLAB, Octave", matlab)


def _stored_luma(path: Path) -> Iterator[Route]:
    """Yield the luma stored in a JPEG file, which no clipping of red, green and blue has changed."""
    with Image.open(path) as image:
        if image.format != "JPEG" or image.mode != "RGB":
            return
        image.draft("L", image.size)
        yield Route("JPEG's stored Y", "OpenCV's IMREAD_GRAYSCALE, Pillow's draft", np.array(image))


def _sixteen_bits(image: np.ndarray) -> Iterator[Route]:
    """Yield the conversions of a uint16 image [H, W] to 8 bits."""
    yield Route("v / 257, rounded", "fusionbench", eight_bit(image))
    yield Route("v >> 8", "OpenCV", (image >> 8).astype(np.uint8))
    yield Route('convert("L"), cut at 255', "Pillow", np.minimum(image, 255).astype(np.uint8))
    yield Route("as int16, not scaled", "torchvision's ToTensor", image.view(np.int16))
