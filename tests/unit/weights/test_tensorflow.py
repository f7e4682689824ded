"""TensorFlow checkpoints are read with NumPy alone; damaged ones are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fusionbench.errors import WeightsError
from fusionbench.registry.methods import spec
from fusionbench.weights.checkpoints import read_state
from fusionbench.weights.convert import convert_weights
from fusionbench.weights.tensorflow import MAGIC, read_tensorflow

VALUES = {
    "net/conv/bias": np.arange(4, dtype="<f4"),
    "net/conv/kernel": np.arange(2 * 3 * 5 * 4, dtype="<f4").reshape(2, 3, 5, 4),
    "step": np.array(7, dtype="<i8"),
}
TYPES = {"<f4": 1, "<i8": 9}


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def entry(values: np.ndarray, offset: int) -> bytes:
    shape = b"".join(message(2, varint(1 << 3) + varint(side)) for side in values.shape)
    head = varint(1 << 3) + varint(TYPES[values.dtype.str]) + message(2, shape)
    place = varint(4 << 3) + varint(offset) + varint(5 << 3) + varint(values.nbytes)
    return head + place + varint(6 << 3 | 5) + bytes(4)


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Write entries, each with the prefix that it shares with the one before left out, and one restart."""
    out, before = b"", b""
    for key, value in entries:
        shared = next(
            (n for n, (x, y) in enumerate(zip(key, before, strict=False)) if x != y),
            min(len(key), len(before)),
        )
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return out + bytes(4) + (1).to_bytes(4, "little")


def write(path: Path, compressed: bool = False) -> Path:
    """Write a checkpoint of one shard and return its index."""
    data, entries = b"", [(b"", varint(1 << 3) + varint(1))]
    for name in sorted(VALUES):
        entries.append((name.encode(), entry(VALUES[name], len(data))))
        data += VALUES[name].tobytes()
    content = block(entries)
    handle = varint(0) + varint(len(content))
    listing = block([(b"z", handle)])
    table = content + bytes([compressed]) + bytes(4)
    footer = varint(0) + varint(0) + varint(len(table)) + varint(len(listing))
    index = path / "model.ckpt.index"
    index.write_bytes(table + listing + bytes(5) + footer.ljust(40, b"\0") + MAGIC)
    (path / "model.ckpt.data-00000-of-00001").write_bytes(data)
    return index


def test_reads_every_tensor_and_gives_kernels_in_torchs_order(tmp_path: Path) -> None:
    index = write(tmp_path)
    for path in (index, tmp_path / "model.ckpt.data-00000-of-00001"):
        tensors = read_tensorflow(path)
        assert list(tensors) == sorted(VALUES)
        assert tensors["net/conv/kernel"].shape == (4, 5, 2, 3)
        assert np.array_equal(tensors["net/conv/kernel"].transpose(2, 3, 1, 0), VALUES["net/conv/kernel"])
        assert np.array_equal(tensors["net/conv/bias"], VALUES["net/conv/bias"])
        assert tensors["step"] == 7
    assert set(read_state(index)) == set(VALUES)


@pytest.mark.parametrize("keep", [0, 20, 100, -60, -1])
def test_a_torn_index_is_refused(keep: int, tmp_path: Path) -> None:
    index = write(tmp_path)
    index.write_bytes(index.read_bytes()[:keep])
    with pytest.raises(WeightsError, match="not a complete TensorFlow checkpoint"):
        read_tensorflow(index)


def test_torn_missing_and_compressed_data_is_refused(tmp_path: Path) -> None:
    index = write(tmp_path)
    data = tmp_path / "model.ckpt.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="not a complete TensorFlow checkpoint"):
        read_tensorflow(index)
    data.unlink()
    with pytest.raises(WeightsError, match="so put both into one folder"):
        read_tensorflow(index)
    with pytest.raises(WeightsError, match="compressed"):
        read_tensorflow(write(tmp_path, compressed=True))


def test_converts_what_u2fusions_authors_published(shared_baselines: Path, tmp_path: Path) -> None:
    folder = shared_baselines / "u2fusion" / "weights"
    converted = convert_weights(folder / "model.ckpt.index", "u2fusion", tmp_path / "u2fusion.safetensors")
    assert converted.tensors == 20
    # the data file is nothing but the tensors in the order of their names
    values = np.fromfile(folder / "model.ckpt.data-00000-of-00001", "<f4")
    tensors = read_tensorflow(folder / "model.ckpt.index")
    stored = [t.transpose(2, 3, 1, 0) if t.ndim == 4 else t for _, t in sorted(tensors.items())]
    assert np.array_equal(np.concatenate([t.ravel() for t in stored]), values)
    assert len(values) == spec("u2fusion").card.expect["parameters"]
