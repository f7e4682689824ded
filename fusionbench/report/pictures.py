"""One image as the browser gets it: small, compressed with loss, and said to be so."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image, features

from fusionbench.data.images import eight_bit, read_image
from fusionbench.errors import ImageError

FORMAT = "webp" if features.check("webp") else "jpeg"


class Form(NamedTuple):
    """The longest side in pixels, and the encoder's quality."""

    side: int
    quality: int


# from what a large screen can show down to what is still worth a look
FORMS = (
    Form(1280, 90),
    Form(960, 86),
    Form(640, 82),
    Form(512, 78),
    Form(448, 74),
    Form(384, 70),
    Form(320, 64),
)


class Picture(NamedTuple):
    """An encoded image; ``size`` is its width and height, ``native`` that of the file it was made from."""

    data: bytes
    size: tuple[int, int]
    native: tuple[int, int]

    @property
    def text(self) -> str:
        return base64.b64encode(self.data).decode()


def text_length(data: bytes) -> int:
    """Return the number of characters that bytes take in the page."""
    return 4 * ((len(data) + 2) // 3)


def encode(path: Path | None, form: Form) -> Picture | None:
    """Return a file as WebP (JPEG where Pillow has no WebP), never enlarged; None where it cannot be read."""
    image = load(path)
    return compress(image, form) if image else None


def load(path: Path | None) -> Image.Image | None:
    """Return a file's pixels in 8 bits; None where it cannot be read."""
    if path is None:
        return None
    try:
        return Image.fromarray(eight_bit(read_image(path)))
    except ImageError:
        return None


def compress(image: Image.Image, form: Form) -> Picture:
    """Return an image in a form; it is left as it is."""
    small = image.copy()
    small.thumbnail((form.side, form.side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = BytesIO()
    # method 2: a third of the time of the default for some per cent more bytes
    options = {"method": 2} if FORMAT == "webp" else {"optimize": True}
    small.save(buffer, FORMAT.upper(), quality=form.quality, **options)
    return Picture(buffer.getvalue(), small.size, image.size)
