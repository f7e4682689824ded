"""Reading a TensorFlow checkpoint (the V2 bundle of an index and data shards) with NumPy only.

The index is a sorted string table in LevelDB's format: blocks of entries with shared key prefixes, listed in an index
block to which the last 48 bytes point. Each entry is a protocol-buffer message with a tensor's type, shape and
position. Nothing in such files can run code.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.errors import WeightsError

if TYPE_CHECKING:
    import numpy as np

# the index is a LevelDB table, whose footer of 48 bytes has two handles of blocks, padding and this number
MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
FOOTER = 48
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}  # numbers of tensorflow.DataType
VARINT, FIXED64, MESSAGE, FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers


def is_tensorflow(path: Path) -> bool:
    """Tell whether a file is the index or a data shard of a TensorFlow checkpoint, by its name."""
    return path.name.endswith(".index") or ".data-" in path.name


def read_tensorflow(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors by name of the checkpoint to which an index file or data shard belongs.

    Kernels of convolutions, stored as (height, width, in, out), are returned in torch's order (out, in, height, width).
    Raises WeightsError for files that are missing, damaged or contain anything but numbers.
    """
    index = path if path.suffix == ".index" else path.with_name(f"{path.name.rpartition('.data-')[0]}.index")
    try:
        table = dict(_table(index.read_bytes()))
        shards = _fields(table.pop(b"")).get(1, 1)  # the empty key is that of the header
        return {name.decode(): _tensor(index, _fields(entry), shards) for name, entry in table.items()}
    except OSError as error:
        raise WeightsError(
            f"Weights {index} cannot be read ({error.strerror}): a TensorFlow checkpoint is an index and its data, "
            "so put both into one folder."
        ) from error
    except (
        ValueError,
        IndexError,
        KeyError,
        AttributeError,
        TypeError,
    ) as error:  # truncated, or another format
        raise WeightsError(
            f"Weights {index} are not a complete TensorFlow checkpoint ({type(error).__name__}: {error}): get the files again."
        ) from error


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    footer = data[-FOOTER:]
    if len(footer) < FOOTER or footer[-8:] != MAGIC:
        raise ValueError("its end is not that of a table")
    *_, at = _handle(footer, 0)  # the first handle is that of a block of statistics
    offset, size, _ = _handle(footer, at)
    for _, handle in _block(data, offset, size):
        yield from _block(data, *_handle(handle, 0)[:2])


def _handle(data: bytes, at: int) -> tuple[int, int, int]:
    """Return offset and size of a block, and the position after the handle."""
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return offset, size, at


def _block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    # the byte after a block is its compression, 0 for none
    if data[offset + size] != 0:
        raise ValueError("its blocks are compressed")
    restarts = int.from_bytes(data[offset + size - 4 : offset + size], "little")
    at, end, key = offset, offset + size - 4 * (restarts + 1), b""
    while at < end:
        # LevelDB stores only that part of a key in which it differs from the key before
        shared, at = _varint(data, at)
        own, at = _varint(data, at)
        length, at = _varint(data, at)
        key = key[:shared] + data[at : at + own]
        yield key, data[at + own : at + own + length]
        at += own + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number stored in seven bits per byte, lowest first, and the position after it."""
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def _fields(message: bytes) -> dict[int, Any]:
    """Return the fields of a message by number; nested messages as lists, because they may repeat."""
    fields: dict[int, Any] = {}
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            fields[number], at = _varint(message, at)
        elif wire == MESSAGE:
            length, at = _varint(message, at)
            fields.setdefault(number, []).append(message[at : at + length])
            at += length
        elif wire in (FIXED32, FIXED64):
            # skipped: only checksums are stored in this way
            at += 4 if wire == FIXED32 else 8
        else:
            raise ValueError(f"a message has wire type {wire}")
    return fields


def _tensor(index: Path, entry: dict[int, Any], shards: int) -> np.ndarray:
    import numpy as np  # here rather than above, because this module is imported wherever weights are named

    if entry.get(1) not in DTYPES or 7 in entry:
        raise ValueError(f"a tensor is of type {entry.get(1)} or cut into slices")
    dtype = np.dtype(DTYPES[entry[1]])
    shape = [_fields(dim).get(1, 0) for dim in _fields(entry.get(2, [b""])[0]).get(2, [])]
    if entry.get(5, 0) != prod(shape) * dtype.itemsize:
        raise ValueError("a tensor's size is not that of its shape")
    data = index.with_name(f"{index.stem}.data-{entry.get(3, 0):05d}-of-{shards:05d}")
    values = np.fromfile(data, dtype, prod(shape), offset=entry.get(4, 0)).reshape(shape)
    return np.ascontiguousarray(values.transpose(3, 2, 0, 1) if len(shape) == 4 else values)
