"""Reading source images at full depth, and writing results so that no incomplete file is ever seen."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from fusionbench.data.color import luma
from fusionbench.data.formats.tiff import is_tiff, read_tiff, read_tiff_numbers
from fusionbench.errors import ImageError
from fusionbench.files import write_through
from fusionbench.types import Pair

_REPLACE = "replace it by the original file"
# Pillow's modes with a fixed range of 8 bits, and the modes to which they are converted
_CONVERSIONS = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "RGB": "RGB",
    "RGBA": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
}


@dataclass(frozen=True)
class PairImages:
    """The two sources of a pair: ``a`` [H, W], ``b`` [H, W] or [H, W, 3], float32 in [0, 1]."""

    a: np.ndarray
    b: np.ndarray


def load_pair(pair: Pair) -> PairImages:
    """Return both sources of a pair; ``b`` keeps its number of channels, ``a`` is converted to one channel.

    An ``a`` stored as RGB with equal channels becomes that channel, one in true colour its luma. Values of 8- and 16-bit
    files are divided by 255 and 65535. Raises ImageError for a file that cannot be used and for different sizes.
    """
    a, b = read_pair(pair)
    return PairImages(one_channel(unit(a)), unit(b))


def read_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Return both sources as stored, uint8 or uint16. Raises ImageError for unreadable files and different sizes."""
    a, b = read_image(pair.a), read_image(pair.b)
    check_same_size(a, pair.a, b, pair.b)
    return drop_equal_channels(a), b


def read_image(path: str | Path) -> np.ndarray:
    """Return an image as uint8 or uint16, [H, W] or [H, W, 3] in RGB order.

    Palettes are expanded (to one channel if all colours are grey) and CMYK is converted; an opaque alpha channel is
    dropped. EXIF orientation is ignored, because pairs are registered as stored. Raises ImageError for files that are
    missing, damaged, of an unsupported kind or transparent.
    """
    path = Path(path)
    data = _bytes(path)
    if is_tiff(data):
        return _split_alpha(read_tiff(path, data), path)
    with _open(path, data) as image:
        # Pillow silently reduces 16-bit RGB and 16-bit grey with alpha; byte 24 of a PNG is its bit depth
        if image.format == "PNG" and data[24] == 16 and image.mode in _CONVERSIONS:
            return _split_alpha(_decode_16_bit(path, data), path)
        return _split_alpha(_to_array(image, path), path)


def read_label(path: str | Path) -> np.ndarray:
    """Return a map of class numbers, uint8 [H, W]; for a palette image the indices, not the colours. Raises ImageError."""
    path = Path(path)
    data = _bytes(path)
    if is_tiff(data):
        numbers = read_tiff_numbers(path, data)
    else:
        with _open(path, data) as image:
            numbers = np.array(image) if image.mode in ("P", "L", "1", "I;16") else _to_array(image, path)
    numbers = drop_equal_channels(numbers)
    if numbers.ndim != 2 or numbers.min() < 0 or numbers.max() > 255:
        raise ImageError(
            f"'{path}' is not a label map: it must have one class number from 0 to 255 per pixel."
        )
    return numbers.astype(np.uint8)


def unit(image: np.ndarray) -> np.ndarray:
    """Return a uint8 or uint16 image as float32 in [0, 1]."""
    return image.astype(np.float32) / np.float32(np.iinfo(image.dtype).max)


def eight_bit(image: np.ndarray) -> np.ndarray:
    """Return a uint8 image unchanged and a uint16 image as round(v / 257), uint8, as metrics take them."""
    return image if image.dtype == np.uint8 else ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)


def one_channel(image: np.ndarray) -> np.ndarray:
    """Return a float image [H, W] unchanged, and the luma of an image [H, W, 3]."""
    return image if image.ndim == 2 else luma(image[..., 0], image[..., 1], image[..., 2])


def drop_equal_channels(image: np.ndarray) -> np.ndarray:
    """Return a single channel of an RGB image with R = G = B, any other image unchanged."""
    if image.ndim == 3 and (image[..., :1] == image).all():
        return np.ascontiguousarray(image[..., 0])
    return image


def check_same_size(first: np.ndarray, first_path: Path, second: np.ndarray, second_path: Path) -> None:
    """Raise ImageError, naming both files and sizes, if height or width differ."""
    if first.shape[:2] != second.shape[:2]:
        raise ImageError(
            f"The images of a pair must have one size: '{first_path}' is {_size(first)} and '{second_path}' "
            f"is {_size(second)}; register and cut them to the same field of view."
        )


FAST = 1  # zlib level of stored images: higher levels take several times longer for little smaller files


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Write uint8 [H, W] or [H, W, 3] as PNG, as `write_through` does, creating missing folders.

    Raises OutputError if the folder cannot be written or the disk is full, ValueError for another type or shape.
    """
    if image.dtype != np.uint8 or image.ndim < 2 or image.shape[2:] not in ((), (3,)):
        raise ValueError(
            f"write_image takes uint8 [H, W] or [H, W, 3], not {image.dtype} {list(image.shape)}"
        )
    picture = Image.fromarray(image)
    write_through(Path(path), lambda partial: picture.save(partial, format="PNG", compress_level=FAST))


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(
            f"'{path}' cannot be read ({error.strerror}): restore it or check its permissions."
        ) from error
    if not data:
        raise ImageError(f"'{path}' is empty (0 bytes): {_REPLACE}.")
    return data


def _open(path: Path, data: bytes) -> Image.Image:
    """Return an image, decoded completely so that damage is found here. Raises ImageError."""
    # other packages (pyiqa) switch this on for the whole process, and missing rows would silently become grey
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        image = Image.open(BytesIO(data))
        image.load()
    except MemoryError:
        raise
    except Image.UnidentifiedImageError as error:
        raise ImageError(
            f"'{path}' is not an image in a format that can be read: {_REPLACE}, or save it as an 8- or 16-bit "
            "PNG."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(
            f"'{path}' has more pixels than a source image can have: cut it into parts ({error})."
        ) from error
    except Exception as error:  # decoders can raise anything for damaged data
        raise ImageError(f"'{path}' is damaged or cut off ({error}): {_REPLACE}.") from error
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        raise ImageError(
            f"'{path}' holds {getattr(image, 'n_frames', 1)} images: save the intended one as a separate file."
        )
    return image


def _decode_16_bit(path: Path, data: bytes) -> np.ndarray:
    import cv2  # here rather than above, because the import takes longer than reading an image

    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint16:
        raise ImageError(f"'{path}' is a 16-bit image that cannot be read: save it as a 16-bit PNG.")
    if image.ndim == 3:  # blue, green, red, alpha; OpenCV returns grey with alpha as four channels too
        equal = (image[..., :1] == image[..., :3]).all()
        image = image[..., [0, 3] if equal and image.shape[2] == 4 else [2, 1, 0, 3][: image.shape[2]]]
    return np.ascontiguousarray(image)


def _to_array(image: Image.Image, path: Path) -> np.ndarray:
    """Return an image as [H, W], [H, W, 2] (grey, alpha), [H, W, 3] or [H, W, 4] (RGB, alpha)."""
    if image.mode in ("P", "PA"):
        return _expand_palette(image)
    if image.mode.startswith("I;16"):
        levels = np.array(image).astype(np.uint16)
        unseen = image.info.get("transparency")
        opacity = np.where(levels == unseen, 0, 65535).astype(np.uint16)
        return levels if unseen is None else np.dstack([levels, opacity])
    mode = _CONVERSIONS.get(image.mode)
    if mode is None:
        raise ImageError(
            f"'{path}' stores pixels as '{image.mode}', which has no fixed range: scale it and save it as an "
            "8- or 16-bit PNG."
        )
    if "transparency" in image.info:  # a PNG may declare one colour to be transparent
        mode = {"L": "LA", "RGB": "RGBA"}.get(mode, mode)
    return np.array(image.convert(mode))


def _expand_palette(image: Image.Image) -> np.ndarray:
    """Return the colours of a palette image, as one channel if all are grey."""
    rgba = np.asarray(image.convert("RGBA"))
    color = drop_equal_channels(rgba[..., :3])
    return color if (rgba[..., 3] == 255).all() else rgba


def _split_alpha(array: np.ndarray, path: Path) -> np.ndarray:
    """Return the image without an opaque alpha channel. Raises ImageError for transparent pixels."""
    if array.ndim == 2 or array.shape[2] == 3:
        return array
    if (array[..., -1] != np.iinfo(array.dtype).max).any():
        raise ImageError(
            f"'{path}' has transparent pixels: what they should look like is not defined; save it "
            "without an alpha channel."
        )
    color = array[..., 0] if array.shape[2] == 2 else array[..., :3]
    return np.ascontiguousarray(color)
