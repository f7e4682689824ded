"""Write uncompressed TIFF files by hand, bit by bit, independently of every reader under test."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHORT, LONG = 3, 4
_LETTERS = {SHORT: "H", LONG: "I"}


@dataclass(frozen=True)
class TiffKind:
    """How samples are stored; the fields are those of TIFF 6.0, and ``extra`` is ExtraSamples."""

    bits: int = 8
    photometric: int | None = 1
    planar: int = 1
    fill_order: int = 1
    byte_order: str = "<"
    rows_per_strip: int | None = None
    extra: tuple[int, ...] = ()
    more: tuple[tuple[int, int, tuple[int, ...]], ...] = ()  # (tag, type, values)


def write_tiff(path: Path, samples: np.ndarray, kind: TiffKind) -> Path:
    """Write the numbers [H, W, samples] as one image."""
    height, width, count = samples.shape
    rows = kind.rows_per_strip or height
    planes = [samples] if kind.planar == 1 else [samples[..., k : k + 1] for k in range(count)]
    strips = [_packed(plane[y : y + rows], kind) for plane in planes for y in range(0, height, rows)]
    offsets = np.cumsum([8] + [len(strip) for strip in strips])[:-1].tolist()
    tags = [
        (256, LONG, (width,)),
        (257, LONG, (height,)),
        (258, SHORT, (kind.bits,) * count),
        (259, SHORT, (1,)),
        (266, SHORT, (kind.fill_order,)),
        (273, LONG, tuple(offsets)),
        (277, SHORT, (count,)),
        (278, LONG, (rows,)),
        (279, LONG, tuple(map(len, strips))),
        (284, SHORT, (kind.planar,)),
        *([(262, SHORT, (kind.photometric,))] if kind.photometric is not None else []),
        *([(338, SHORT, kind.extra)] if kind.extra else []),
        *kind.more,
    ]
    path.write_bytes(_assembled(b"".join(strips), tags, kind.byte_order))
    return path


def _packed(strip: np.ndarray, kind: TiffKind) -> bytes:
    """Return rows of samples as bytes: 16 and 32 bits in the byte order, all others packed with no gap in a row."""
    rows = strip.reshape(strip.shape[0], -1)
    if kind.bits in (16, 32):
        data = rows.astype(f"{kind.byte_order}u{kind.bits // 8}").tobytes()
    else:
        digits = (rows[..., None] >> np.arange(kind.bits - 1, -1, -1)) & 1
        data = np.packbits(digits.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()
    if kind.fill_order == 1:
        return data
    return np.packbits(np.unpackbits(np.frombuffer(data, np.uint8)).reshape(-1, 8)[:, ::-1]).tobytes()


def _assembled(pixels: bytes, tags: list[tuple[int, int, tuple[int, ...]]], order: str) -> bytes:
    """Put the pixels after the header, then the directory, then the values that do not fit into it."""
    pixels += bytes(len(pixels) % 2)
    directory_at = 8 + len(pixels)
    values_at = directory_at + 2 + 12 * len(tags) + 4
    directory, values = b"", b""
    for tag, kind, numbers in sorted(tags):
        raw = struct.pack(f"{order}{len(numbers)}{_LETTERS[kind]}", *numbers)
        if len(raw) > 4:
            values += bytes(len(values) % 2)
            raw, values = struct.pack(f"{order}I", values_at + len(values)), values + raw
        directory += struct.pack(f"{order}HHI", tag, kind, len(numbers)) + raw.ljust(4, b"\0")
    magic = b"II*\0" if order == "<" else b"MM\0*"
    counted = struct.pack(f"{order}H", len(tags)) + directory + struct.pack(f"{order}I", 0)
    return magic + struct.pack(f"{order}I", directory_at) + pixels + counted + values
