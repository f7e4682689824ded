"""Reading GeoTIFFs of any depth as 8-bit images. The only module that needs rasterio (the extra ``geo``)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from fusionbench.errors import ImageError, RequestError

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

# a few very bright or dark pixels would otherwise determine the contrast of all others
PERCENTILES = (2, 98)
# plausible medians: Sentinel-1's noise floor is near -30 dB, and no land or sea reflects 40 dB on average
MEDIAN_DECIBEL = (-60.0, 40.0)
# percentiles are computed on a subsampled scene of at most this side, because a scene need not fit in memory
_SAMPLE_SIDE = 1024

Range = tuple[float, float]
Window = tuple[tuple[int, int], tuple[int, int]]  # (top, bottom), (left, right)


@contextmanager
def open_scene(path: Path) -> Iterator[DatasetReader]:
    """Open a GeoTIFF. Raises ImageError, also for reading from it inside the block, and RequestError without rasterio."""
    rasterio = _rasterio()
    with warnings.catch_warnings():
        # only pixels are used here, so georeferences may be missing
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        try:
            with rasterio.open(path) as scene:
                yield scene
        except rasterio.errors.RasterioError as error:
            raise ImageError(
                f"'{path}' cannot be read as a GeoTIFF ({' '.join(str(error).split())}): get the file again."
            ) from error


def sar_band(scene: DatasetReader) -> tuple[int, ...]:
    """Return the number of the first band, which is VV if there are VV and VH."""
    return scene.indexes[:1]


def optical_bands(scene: DatasetReader) -> tuple[int, ...]:
    """Return the numbers of the first three bands (red, green, blue) or of the only one. Raises ImageError for two."""
    if scene.count == 2:
        raise ImageError(f"'{scene.name}' has two bands: an optical image has one, or at least three (RGB).")
    return scene.indexes[:3]


def decibel_range(scene: DatasetReader, bands: tuple[int, ...], wanted: Range) -> Range:
    """Return the wanted range, after checking that the scene is backscatter in dB.

    Backscatter in dB is not 8-bit and not all positive. The median of a real scene is within some tens of dB of zero,
    which excludes integers in hundredths of dB. Raises ImageError if the check fails.
    """
    values = _sample(scene, bands)
    if scene.dtypes[0] == "uint8" or values.min() >= 0:
        raise ImageError(
            f"'{scene.name}' does not hold backscatter in dB ({scene.dtypes[0]}, lowest value {values.min():g}): "
            "use the file as published, or convert linear power by 10 log10."
        )
    middle = float(np.median(values))
    if not MEDIAN_DECIBEL[0] < middle < MEDIAN_DECIBEL[1]:
        raise ImageError(
            f"'{scene.name}' does not hold backscatter in dB ({scene.dtypes[0]}, median {middle:g}; hundredths of dB?): "
            "convert it, for example by `gdal_calc.py -A IN --calc A/100.0 --type Float32 --outfile OUT`."
        )
    return wanted


def stretch_range(scene: DatasetReader, bands: tuple[int, ...]) -> Range | None:
    """Return the percentiles by which to stretch a scene, over all bands together; None if it is 8-bit already."""
    if {scene.dtypes[band - 1] for band in bands} == {"uint8"}:
        return None
    low, high = np.percentile(_sample(scene, bands), PERCENTILES)
    return float(low), float(high)


def read_eight_bit(
    scene: DatasetReader, bands: tuple[int, ...], scale: Range | None, window: Window | None = None
) -> np.ndarray:
    """Return bands as uint8, [H, W] or [H, W, 3]; ``scale`` is mapped linearly to 0..255, None keeps 8-bit values.

    Values outside of the range are clipped, and pixels without a value (NaN, infinite, no-data) become 0.
    """
    pixels = scene.read(bands, window=window, masked=scale is not None)
    if scale is not None:
        low, high = scale
        unit = np.clip((pixels.data.astype(np.float64) - low) / max(high - low, np.finfo(float).tiny), 0, 1)
        pixels = np.where(_has_value(pixels), np.rint(unit * 255), 0).astype(np.uint8)
    return np.ascontiguousarray(pixels[0] if len(bands) == 1 else pixels.transpose(1, 2, 0))


def _sample(scene: DatasetReader, bands: tuple[int, ...]) -> np.ndarray:
    """Return the valid values of a subsampled scene. Raises ImageError if there are none."""
    shape = (len(bands), min(scene.height, _SAMPLE_SIDE), min(scene.width, _SAMPLE_SIDE))
    pixels = scene.read(bands, out_shape=shape, masked=True)
    values = pixels.data[_has_value(pixels)]
    if not values.size:
        raise ImageError(f"'{scene.name}' has no pixel with a value: remove the scene from both folders.")
    return values


def _has_value(pixels: np.ma.MaskedArray) -> np.ndarray:
    return ~np.ma.getmaskarray(pixels) & np.isfinite(pixels.data)


def _rasterio() -> ModuleType:
    try:
        import rasterio
        import rasterio.errors
    except ImportError as error:
        raise RequestError(
            'Preparing this data set needs rasterio, which is not installed: `pip install "fusionbench-imaging[geo]"`.'
        ) from error
    return rasterio
