"""Read TIFF files as stored: every layout of samples by its tags, or a refusal that says what to save instead.

tifffile decodes strips and tiles to the numbers in the file; what the numbers mean (white is zero, palettes, bands,
alpha) is settled here, after TIFF 6.0. Orientation is not applied, since pairs are registered as stored.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fusionbench.errors import ImageError

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two: BigTIFF
_PNG = "save it as an 8- or 16-bit PNG"

# values of PhotometricInterpretation, and how many samples a pixel's colour has under each
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_COLOR_SAMPLES = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4, _YCBCR: 3}
# compressions that were compared with an independent reader: none, CCITT, LZW, JPEG, deflate, PackBits, LZMA, Zstandard
_NONE, _JPEG = 1, 7
_COMPRESSIONS = frozenset({_NONE, 2, 3, 4, 5, _JPEG, 8, 32946, 32773, 34925, 50000})
_PREDICTED = frozenset(
    {5, 8, 32946, 34925, 50000}
)  # the others have no predictor: readers differ on such files
_UNSIGNED = frozenset({1, 4})  # SampleFormat; 4, "undefined", is to be read like 1


def is_tiff(data: bytes) -> bool:
    """Tell whether a file's content is a TIFF or BigTIFF, of either byte order."""
    return data[:4] in _MAGIC


def read_tiff(path: Path, data: bytes) -> np.ndarray:
    """Return the colours of a TIFF over the full range of uint8 or uint16.

    The shape is [H, W], [H, W, 3], or with a last channel of opaque alpha [H, W, 2] or [H, W, 4]. Depths below 8 bits
    fill uint8 and those below 16 fill uint16, rounded. Raises ImageError for what is damaged or has no such meaning.
    """
    with _only_page(path, data) as page:
        _check_color(page, path)
        samples = _decode(page, path, data)
        photometric = int(page.photometric)
        if photometric == _PALETTE:
            return _palette_colors(samples[..., 0], page, path)
        samples = _full_range(samples, page.bitspersample)
        if photometric == _CMYK:
            return np.array(Image.fromarray(samples, mode="CMYK").convert("RGB"))
        if photometric == _WHITE_IS_ZERO:
            samples[..., 0] = np.iinfo(samples.dtype).max - samples[..., 0]
        _check_alpha(samples, _COLOR_SAMPLES[photometric], path)
        return samples[..., 0] if samples.shape[2] == 1 else samples


def read_tiff_numbers(path: Path, data: bytes) -> np.ndarray:
    """Return the stored integers of a TIFF, [H, W] or [H, W, samples]: class numbers, or indices into a palette.

    Raises ImageError, for floating-point numbers too.
    """
    with _only_page(path, data) as page:
        _check_storage(page, path)
        samples = _decode(page, path, data)
        if samples.dtype.kind not in "bui":
            raise ImageError(
                f"'{path}' stores pixels as '{samples.dtype}': save the class numbers as an 8-bit PNG."
            )
        return samples[..., 0] if samples.shape[2] == 1 else samples


@contextmanager
def _only_page(path: Path, data: bytes) -> Iterator[TiffPage]:
    """Open the file's one image; errors of the decoder become ImageError. Smaller copies of it are passed over."""
    import tifffile  # only for these files; with its codecs it costs as much as reading several images

    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what matters of it is checked here
    try:
        with tifffile.TiffFile(BytesIO(data)) as file:
            _check_one_image(file, path)
            yield file.pages.first
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # decoders raise anything on damaged data
        raise ImageError(
            f"'{path}' is damaged or cut off ({' '.join(str(error).split())}): replace it by the original file."
        ) from error


def _check_one_image(file: TiffFile, path: Path) -> None:
    """Refuse stacks and previews; overviews (NewSubfileType 1) show the same image smaller and do no harm."""
    pages = [file.pages.first, *(page.aspage() for page in file.pages[1:])]
    if pages[0].is_reduced:
        raise ImageError(f"'{path}' begins with a preview of its image: export the image and {_PNG}.")
    images = sum(not page.is_reduced for page in pages)
    if images == 1 and file.series and not file.is_ome:  # ImageJ and MetaMorph: many planes behind one header
        images = max(1, file.series[0].size // max(1, pages[0].size))
    if images > 1:
        raise ImageError(f"'{path}' holds {images} images: save the one that is meant as a file of its own.")


def _check_storage(page: TiffPage, path: Path) -> None:
    """Refuse what is too large, and what two good readers would not decode alike."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and page.imagelength * page.imagewidth > 2 * limit:  # the bound of Pillow's formats
        raise ImageError(f"'{path}' has more pixels than a source image can have: cut it into parts.")
    if page.imagedepth != 1:
        raise ImageError(f"'{path}' is a volume: export the slice that is meant and {_PNG}.")
    if page.compression not in _COMPRESSIONS:
        name = getattr(page.compression, "name", str(page.compression))
        raise ImageError(f"'{path}' is compressed by {name}, which is not read: {_PNG}.")
    if isinstance(page.bitspersample, tuple):
        raise ImageError(f"'{path}' stores its bands in different depths: {_PNG}.")
    predicted = page.predictor != 1
    if predicted and (page.compression not in _PREDICTED or page.bitspersample not in (8, 16, 32, 64)):
        raise ImageError(f"'{path}' names a predictor that its compression does not have: {_PNG}.")


def _check_color(page: TiffPage, path: Path) -> None:
    """Refuse samples without a fixed range and pixels that are neither grey nor colour."""
    _check_storage(page, path)
    formats = np.atleast_1d(page.tags.valueof(339, default=1)).tolist()
    if not set(formats) <= _UNSIGNED or page.bitspersample > 16:
        raise ImageError(
            f"'{path}' stores pixels as '{page.dtype}', which has no fixed range: scale it and save it as an 8- or "
            "16-bit PNG."
        )
    photometric = int(page.photometric)
    if 262 not in page.tags or photometric not in _COLOR_SAMPLES or not _is_supported(page):
        name = getattr(page.photometric, "name", str(photometric)) if 262 in page.tags else "an unnamed kind"
        raise ImageError(f"'{path}' stores its colours as {name}, which is not read in this form: {_PNG}.")
    count, colors = page.samplesperpixel, _COLOR_SAMPLES[photometric]
    has_alpha = count == colors + 1 and tuple(page.extrasamples) in ((1,), (2,)) and colors in (1, 3)
    if count != colors and not (has_alpha and photometric != _PALETTE):
        raise ImageError(_bands(path, count))


def _is_supported(page: TiffPage) -> bool:
    """Tell whether the colours come out of the decoder as they are, or as a CMYK of 8 bits."""
    if page.photometric == _YCBCR:
        return page.compression == _JPEG and page.planarconfig == 1
    if page.photometric == _CMYK:
        plain = page.compression != _JPEG and page.tags.valueof(332, default=1) == 1  # InkSet: CMYK
        return plain and page.bitspersample == 8
    return True


def _bands(path: Path, count: int, marked: str = "") -> str:
    """Word the message for bands that are no grey image and no colour image."""
    if count == 2:
        return f"'{path}' has 2 bands{marked}: save the one that is meant as an 8- or 16-bit PNG."
    unmarked = ", not marked as red, green and blue" if count == 3 else ""
    return (
        f"'{path}' has {count} bands{unmarked}{marked}: save red, green and blue as an 8- or 16-bit PNG, for example "
        "by `gdal_translate -b 1 -b 2 -b 3 -of PNG IN OUT` where they are the first three."
    )


def _decode(page: TiffPage, path: Path, data: bytes) -> np.ndarray:
    """Return the stored numbers [H, W, samples] in native byte order, of separate planes too.

    Raises ImageError where a strip or tile is absent or lies beyond the end: a decoder would fill it in.
    """
    needed = int(np.prod(page.chunked))
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    whole = all(offset > 0 and 0 < count <= len(data) - offset for offset, count in segments)
    if not needed or not whole or (len(segments) != needed and not page.is_contiguous):
        raise ImageError(
            f"'{path}' is damaged or cut off (a part is absent): replace it by the original file."
        )
    planes = page.asarray(squeeze=False)  # [separate samples, depth, H, W, interleaved samples]
    pixels = np.moveaxis(planes[:, 0], 0, -2)
    samples = pixels.reshape(*pixels.shape[:2], -1)
    return np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder("="), copy=False))


def _full_range(samples: np.ndarray, bits: int) -> np.ndarray:
    """Return samples of 1 to 16 bits as uint8 (to 8 bits) or uint16, so that the highest number is the brightest."""
    kind = np.uint8 if bits <= 8 else np.uint16
    if bits in (8, 16):
        return samples if samples.flags.writeable else samples.copy()
    highest = 2**bits - 1
    levels = np.rint(np.arange(highest + 1) * (np.iinfo(kind).max / highest)).astype(kind)
    return levels[samples.astype(np.uint16)]


def _palette_colors(indices: np.ndarray, page: TiffPage, path: Path) -> np.ndarray:
    """Return a palette's colours, 8-bit where all of them are, as one channel where all of them are grey."""
    entries = 2**page.bitspersample
    table = None if page.colormap is None else np.asarray(page.colormap, np.uint16)
    if table is None or table.shape != (3, entries) or 0 < table.max() < 256:
        raise ImageError(f"'{path}' has a palette that is absent, cut off or not of 16 bits: {_PNG}.")
    high = table >> 8
    if np.isin(table & 255, (0,)).all() or (table == high * 257).all():
        table = high.astype(np.uint8)
    colors = table.T[indices.astype(np.uint16)]
    grey = (colors[..., :1] == colors).all()
    return np.ascontiguousarray(colors[..., 0]) if grey else colors


def _check_alpha(samples: np.ndarray, colors: int, path: Path) -> None:
    """Refuse a last channel that is marked as transparency and says something: often it is near infrared."""
    count = samples.shape[2]
    if count > colors and (samples[..., -1] != np.iinfo(samples.dtype).max).any():
        raise ImageError(_bands(path, count, ", the last marked as transparency and not opaque"))
