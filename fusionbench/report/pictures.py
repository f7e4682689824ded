"""Pictures of the page: images reduced in size and encoded with loss, which the page states."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image, features

from fusionbench.data.images import eight_bit, read_image
from fusionbench.errors import ImageError

FORMAT = "webp" if features.check("webp") else "jpeg"


class Encoding(NamedTuple):
    """The form of a picture: longest side in pixels, and the encoder's quality in 0..100."""

    side: int
    quality: int


# from the size of a large screen down to the smallest useful one
FORMS = (
    Encoding(1280, 90),
    Encoding(960, 86),
    Encoding(640, 82),
    Encoding(512, 78),
    Encoding(448, 74),
    Encoding(384, 70),
    Encoding(320, 64),
)


class Picture(NamedTuple):
    """An encoded image; ``size`` is its width and height, ``native`` that of the original file."""

    data: bytes
    size: tuple[int, int]
    native: tuple[int, int]

    @property
    def text(self) -> str:
        return base64.b64encode(self.data).decode()


def text_length(data: bytes) -> int:
    """Return the number of characters of ``data`` in base64."""
    return 4 * ((len(data) + 2) // 3)


def encode(path: Path | None, form: Encoding) -> Picture | None:
    """Return a file as WebP (JPEG if Pillow has no WebP), never enlarged; None if it cannot be read."""
    image = load_pixels(path)
    return compress(image, form) if image else None


def load_pixels(path: Path | None) -> Image.Image | None:
    """Return a file's pixels, reduced to 8 bits; None if it cannot be read."""
    if path is None:
        return None
    try:
        return Image.fromarray(eight_bit(read_image(path)))
    except ImageError:
        return None


def compress(image: Image.Image, form: Encoding) -> Picture:
    """Return an image encoded in a form; ``image`` itself is not changed."""
    small = image.copy()
    small.thumbnail((form.side, form.side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = BytesIO()
    # method 2 takes a third of the default's time and gives a few per cent more bytes
    options = {"method": 2} if FORMAT == "webp" else {"optimize": True}
    small.save(buffer, FORMAT.upper(), quality=form.quality, **options)
    return Picture(buffer.getvalue(), small.size, image.size)
