"""Files of weights in the formats of other programs: their folder, their SHA-256, and reading without running code."""

from __future__ import annotations

import functools
import hashlib
import os
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from platformdirs import user_data_dir

from fusionbench.errors import WeightsError
from fusionbench.weights.tensorflow import is_tensorflow, read_tensorflow

if TYPE_CHECKING:
    from torch import Tensor

METRICS_FOLDER = "metrics"  # weights of metrics, beside the folders of the methods' imported weights


# keys under which checkpoints of other programs have the state dict
WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net", "params")


def weights_folder() -> Path:
    """Return the folder of imported weights: FUSIONBENCH_WEIGHTS, else ``weights`` in the user's data folder."""
    given = os.environ.get("FUSIONBENCH_WEIGHTS")
    return Path(given).expanduser() if given else Path(user_data_dir("fusionbench")) / "weights"


def file_hash(path: Path) -> str:
    """Return a file's SHA-256. Raises WeightsError if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"Weights {path} cannot be read ({error.strerror}): check the file.") from error


def known_hash(path: Path) -> str:
    """Return a file's SHA-256, read again only after it changed, because a sweep asks for the same file in each cell."""
    try:
        status = path.stat()
    except OSError as error:
        raise WeightsError(f"Weights {path} cannot be read ({error.strerror}): check the file.") from error
    return _hash_once(path, status.st_size, status.st_mtime_ns)


@functools.cache
def _hash_once(path: Path, size: int, changed: int) -> str:
    return file_hash(path)


def is_torchscript(path: Path) -> bool:
    """Tell whether a file is a TorchScript archive, which contains code besides tensors."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except Exception:  # of any kind: no archive, or a damaged one
        return False


def read_state(path: Path) -> dict[str, Any]:
    """Return the content of a safetensors file or checkpoint, on the CPU, without running code in the file.

    Raises WeightsError for files that are missing, damaged or contain more than plain tensors and containers.
    """
    if not path.is_file():
        raise WeightsError(f"'{path}' is not a file of weights: check the path.")
    if is_torchscript(path):
        raise WeightsError(
            f"Weights {path} are a TorchScript archive, and code in files is never run: save its state dict."
        )
    try:
        state = _load(path)
    except WeightsError:
        raise
    # torch's own message recommends weights_only=False, which runs code in the file
    except UnpicklingError as error:
        raise WeightsError(
            f"Weights {path} are not a checkpoint of plain tensors, and code in files is never run: save its state dict."
        ) from error
    except Exception as error:
        raise WeightsError(
            f"Weights {path} cannot be read: {' '.join(str(error).split())[:300]}; get the file again."
        ) from error
    if not isinstance(state, dict):
        raise WeightsError(
            f"Weights {path} hold a {type(state).__name__}, not a state dict: save the state dict."
        )
    return state


def unwrapped(path: Path, state: Mapping[str, Any], wrapper: str) -> dict[str, Any]:
    """Return the mapping in ``state`` under the key ``wrapper``, or all of ``state`` without that key.

    Raises WeightsError if it is not a mapping with names as keys.
    """
    inner = state.get(wrapper, state)
    if not isinstance(inner, Mapping) or not all(isinstance(name, str) for name in inner):
        raise WeightsError(f"Weights {path} hold no tensors by their names: save the state dict alone.")
    return dict(inner)


def state_for(path: Path, state: Mapping[str, Any], expected: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return a checkpoint's tensors under the names of ``expected``, without wrappers and prefixes.

    Mappings under the keys of WRAPPERS are opened up to two levels deep, and prefixes that all tensors share are removed,
    such as ``module.`` of DataParallel. If the names still differ, the innermost mapping is returned unchanged. Raises
    WeightsError if that is not a mapping with names as keys.
    """
    inner: Mapping[str, Any] = state
    for _ in range(2):
        wrapper = next((key for key in WRAPPERS if isinstance(inner.get(key), Mapping)), None)
        inner = inner[wrapper] if wrapper and not inner.keys() >= expected.keys() else inner
    tensors = unwrapped(path, inner, "state_dict")
    bare, own = _without_prefix(tensors), _without_prefix(expected)
    if tensors.keys() != expected.keys() and bare.keys() == own.keys():
        return {own[name]: tensors[bare[name]] for name in bare}
    return tensors


def _without_prefix(names: Iterable[str]) -> dict[str, str]:
    """Return the names by their remainders without the dotted prefix that all of them share."""
    parts = [name.split(".") for name in names]
    # in sorted order all names are between these two, so a prefix of both is one of all
    first, last = min(parts, default=[]), max(parts, default=[])
    shared = 0
    while shared < min(len(first), len(last)) - 1 and first[shared] == last[shared]:
        shared += 1
    return {".".join(part[shared:]): ".".join(part) for part in parts}


def check_values(path: Path, expected: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
    """Raise WeightsError for tensors that could be loaded but are not weights: NaN, infinite, complex, without values.

    Infinity is allowed where the model has it initially too, as in attention masks.
    """
    for name, tensor in state.items():
        wrong = _wrong_values(tensor, expected[name])
        if wrong:
            raise WeightsError(f"Weights {path} cannot be used: '{name}' {wrong}; get a sound checkpoint.")


def _wrong_values(tensor: Tensor, expected: Tensor) -> str | None:
    import torch

    if tensor.is_meta or tensor.layout != torch.strided or tensor.is_quantized:
        return "holds no plain values (a meta, sparse or quantized tensor)"
    if (
        tensor.is_complex() != expected.is_complex()
        or tensor.is_floating_point() != expected.is_floating_point()
    ):
        return f"is {tensor.dtype} instead of {expected.dtype}".replace("torch.", "")
    if not tensor.is_floating_point() or bool(torch.isfinite(tensor).all()):
        return None
    if bool(torch.isnan(tensor).any()):
        return "holds NaN"
    return None if bool(torch.isinf(expected).any()) else "holds infinity"


def check_fit(path: Path, expected: Mapping[str, Tensor], state: Mapping[str, Any], name: str) -> None:
    """Raise WeightsError unless a file's ``state`` has exactly the expected tensors with their shapes."""
    missing, surplus = sorted(expected.keys() - state.keys()), sorted(state.keys() - expected.keys())
    shapes = [
        k for k in expected.keys() & state.keys() if expected[k].shape != getattr(state[k], "shape", None)
    ]
    if missing or surplus or shapes:
        raise WeightsError(
            f"Weights {path} do not fit {name}: {len(missing)} tensors missing {missing[:2]}, {len(surplus)} unknown "
            f"{surplus[:2]}, {len(shapes)} of another shape {shapes[:2]}; use the file and arguments of this model, or "
            "rename by `fusionbench weights convert`."
        )


def _load(path: Path) -> Any:
    if is_tensorflow(path):
        import torch

        return {name: torch.from_numpy(values) for name, values in read_tensorflow(path).items()}
    if _is_safetensors(path):
        from safetensors.torch import load_file

        return load_file(path)
    import torch

    return torch.load(path, map_location="cpu", weights_only=True)


def _is_safetensors(path: Path) -> bool:
    """Tell whether a file is safetensors, by suffix or content: 8 bytes of length, then JSON."""
    with path.open("rb") as stream:
        head = stream.read(9)
    return path.suffix == ".safetensors" or (head[4:8] == bytes(4) and head[8:] == b"{")


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """Return the parameters of a TorchScript archive, on the CPU. Raises WeightsError if it cannot be read.

    Loading may run code in the archive, so callers must know its SHA-256 or have the user's trust.
    """
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch deprecates the format
            return dict(torch.jit.load(path, map_location="cpu").state_dict())
    except Exception as error:  # of any kind, from a damaged archive
        raise WeightsError(
            f"Weights {path} cannot be read: {' '.join(str(error).split())[:300]}; get the file again."
        ) from error
