"""Reading TIFF files as stored, each layout of samples by its tags, or refusing them with a remedy.

tifffile decodes strips and tiles to the numbers in the file; their meaning (white is zero, palettes, bands, alpha) is
interpreted here according to TIFF 6.0. Orientation is not applied, because pairs are registered as stored.
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

# values of PhotometricInterpretation, and the number of samples of a pixel's colour for each
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_COLOR_SAMPLES = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4, _YCBCR: 3}
# the compressions whose decoding was compared with an independent reader: none, CCITT, LZW, JPEG, deflate, PackBits,
# LZMA, Zstandard
_NONE, _JPEG = 1, 7
_COMPRESSIONS = frozenset({_NONE, 2, 3, 4, 5, _JPEG, 8, 32946, 32773, 34925, 50000})
_PREDICTED = frozenset(
    {5, 8, 32946, 34925, 50000}
)  # other compressions have no predictor, and readers differ on files that name one
_UNSIGNED = frozenset({1, 4})  # SampleFormat; 4, "undefined", is read like 1


def is_tiff(data: bytes) -> bool:
    """Tell whether a file's content is a TIFF or BigTIFF of either byte order."""
    return data[:4] in _MAGIC


def read_tiff(path: Path, data: bytes) -> np.ndarray:
    """Return the colours of a TIFF over the full range of uint8 or uint16.

    The shape is [H, W], [H, W, 3], or with a last channel of opaque alpha [H, W, 2] or [H, W, 4]. Depths below 8 bits
    are scaled to uint8 and those below 16 to uint16, rounded. Raises ImageError for files that are damaged or are no
    image in grey or colour.
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

    Raises ImageError for damaged files and for floating-point numbers.
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
    """Yield the only image of a file, ignoring reduced copies of it; errors of the decoder become ImageError."""
    import tifffile  # here rather than above, because its import takes as long as reading several images

    # its warnings are replaced by the checks below
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
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
    """Raise ImageError for stacks and previews; overviews (NewSubfileType 1), reduced copies of the image, are allowed."""
    pages = [file.pages.first, *(page.aspage() for page in file.pages[1:])]
    if pages[0].is_reduced:
        raise ImageError(f"'{path}' begins with a preview of its image: export the image and {_PNG}.")
    images = sum(not page.is_reduced for page in pages)
    if images == 1 and file.series and not file.is_ome:  # ImageJ and MetaMorph: many planes behind one header
        images = max(1, file.series[0].size // max(1, pages[0].size))
    if images > 1:
        raise ImageError(f"'{path}' holds {images} images: save the intended one as a separate file.")


def _check_storage(page: TiffPage, path: Path) -> None:
    """Raise ImageError for files that are too large, or that two correct readers would decode differently."""
    limit = Image.MAX_IMAGE_PIXELS
    # the limit that Pillow has for other formats
    if limit is not None and page.imagelength * page.imagewidth > 2 * limit:
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
    """Raise ImageError for samples without a fixed range and for pixels that are neither grey nor colour."""
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
    """Tell whether the decoder returns the colours themselves, or a CMYK of 8 bits."""
    if page.photometric == _YCBCR:
        return page.compression == _JPEG and page.planarconfig == 1
    if page.photometric == _CMYK:
        plain = page.compression != _JPEG and page.tags.valueof(332, default=1) == 1  # InkSet: CMYK
        return plain and page.bitspersample == 8
    return True


def _bands(path: Path, count: int, marked: str = "") -> str:
    """Return the message for bands that form neither a grey nor a colour image."""
    if count == 2:
        return f"'{path}' has 2 bands{marked}: save the one that is meant as an 8- or 16-bit PNG."
    unmarked = ", not marked as red, green and blue" if count == 3 else ""
    return (
        f"'{path}' has {count} bands{unmarked}{marked}: save red, green and blue as an 8- or 16-bit PNG, for example "
        "by `gdal_translate -b 1 -b 2 -b 3 -of PNG IN OUT` where they are the first three."
    )


def _decode(page: TiffPage, path: Path, data: bytes) -> np.ndarray:
    """Return the stored numbers, [H, W, samples] in native byte order, also for separate planes.

    Raises ImageError if a strip or tile is missing or beyond the end of the file, where decoders would fill in zeros.
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
    """Return samples of 1 to 16 bits as uint8 (up to 8 bits) or uint16, scaled to the full range."""
    kind = np.uint8 if bits <= 8 else np.uint16
    if bits in (8, 16):
        return samples if samples.flags.writeable else samples.copy()
    highest = 2**bits - 1
    # a table of all levels, smaller than a conversion of every pixel
    levels = np.rint(np.arange(highest + 1) * (np.iinfo(kind).max / highest)).astype(kind)
    return levels[samples.astype(np.uint16)]


def _palette_colors(indices: np.ndarray, page: TiffPage, path: Path) -> np.ndarray:
    """Return the colours of indices into a palette, as uint8 if 8 bits suffice, as one channel if all are grey."""
    entries = 2**page.bitspersample
    table = None if page.colormap is None else np.asarray(page.colormap, np.uint16)
    if table is None or table.shape != (3, entries) or 0 < table.max() < 256:
        raise ImageError(f"'{path}' has a palette that is absent, cut off or not of 16 bits: {_PNG}.")
    # palettes have 16 bits; 8-bit colours are stored as v * 256 or as v * 257, depending on the writer
    high = table >> 8
    if np.isin(table & 255, (0,)).all() or (table == high * 257).all():
        table = high.astype(np.uint8)
    colors = table.T[indices.astype(np.uint16)]
    grey = (colors[..., :1] == colors).all()
    return np.ascontiguousarray(colors[..., 0]) if grey else colors


def _check_alpha(samples: np.ndarray, colors: int, path: Path) -> None:
    """Raise ImageError for a last channel marked as alpha that is not opaque: often it is in fact near infrared."""
    count = samples.shape[2]
    if count > colors and (samples[..., -1] != np.iinfo(samples.dtype).max).any():
        raise ImageError(_bands(path, count, ", the last marked as transparency and not opaque"))
