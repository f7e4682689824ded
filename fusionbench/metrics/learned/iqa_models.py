"""pyiqa's LIQE and CLIP-IQA, built from local files only, without downloads and without running code in files.

pyiqa itself loads OpenAI's base model by its hash and its own checkpoints by their address, both with unrestricted
pickle. Its loading functions are replaced while a model is built; its computations are unchanged.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from functools import cache, lru_cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch
from platformdirs import user_cache_dir
from safetensors import SafetensorError
from torch import Tensor, nn

from fusionbench.errors import OutputError, WeightsError
from fusionbench.files import write_through
from fusionbench.metrics.learned.weight_files import find_weights, hash_of
from fusionbench.weights.checkpoints import check_fit, is_torchscript, read_state, read_torchscript, unwrapped

WINDOW = 224  # side of LIQE's windows in pixels
PREFIX = "clip_model."


def model(name: str, weights: str, device: torch.device) -> nn.Module:
    """Return pyiqa's metric ``name`` (liqe, liqe_mix or clipiqa) with the file of weights named ``weights``.

    It maps float32 [B, 3, H, W] in [0, 1] to [B, 1]. Raises WeightsError if the file or pyiqa cannot be used.
    """
    path = find_weights(weights)
    return _loaded(name, path, hash_of(path), device)


@lru_cache(maxsize=3)  # models have up to 600 MB each
def _loaded(name: str, path: Path, digest: str, device: torch.device) -> nn.Module:
    # constructors compute the features of the prompts
    with torch.no_grad():
        built = _clip_iqa(path, device) if name == "clipiqa" else _liqe(path, name == "liqe_mix", digest)
    return built.eval().requires_grad_(False).to(device)


def check_liqe(path: Path) -> None:
    """Raise WeightsError unless a file contains LIQE."""
    _liqe_network(_liqe_state(path), path)


def check_clip_iqa(path: Path) -> None:
    """Raise WeightsError unless a file, trusted before, contains a CLIP with a residual network."""
    _clip_iqa_network(path)


def _liqe(path: Path, mix: bool, digest: str) -> nn.Module:
    """Return LIQE around a CLIP of the checkpoint's shape; the weights of OpenAI's file would be overwritten anyway."""
    arch, state = _arch("liqe_arch"), _liqe_state(path)
    network = _liqe_network(state, path)

    class Remembering(arch.LIQE):  # type: ignore[name-defined, misc]  # the module is found at run time
        def get_text_features(self, texts: Tensor) -> Tensor:
            name = f"{digest[:16]}-{sha256(texts.numpy().tobytes()).hexdigest()[:16]}"
            return _remembered(name, lambda: super(Remembering, self).get_text_features(texts))

    def fill(model: nn.Module, *_: Any) -> None:
        check_fit(path, model.state_dict(), state, "LIQE")
        model.load_state_dict(state)

    # pyiqa caches text features in one file for all weights, so it gets an empty folder and `_remembered` caches instead
    with TemporaryDirectory(prefix="fusionbench-") as folder, _quiet(), patch.multiple(
        arch, load=lambda *_: network, load_pretrained_network=fill, DEFAULT_CACHE_DIR=folder
    ):  # fmt: skip
        return Remembering(pretrained="mix" if mix else "koniq", pretrained_model_path=str(path))


def _liqe_state(path: Path) -> dict[str, Tensor]:
    state = unwrapped(path, read_state(path), "params")
    state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    if others := sorted(name for name in state if not name.startswith(PREFIX)):
        raise WeightsError(
            f"Weights {path} hold '{others[0]}', which LIQE does not have: get pyiqa's file of it."
        )
    return state


def _liqe_network(state: Mapping[str, Tensor], path: Path) -> nn.Module:
    network = _clip({name.removeprefix(PREFIX): tensor for name, tensor in state.items()}, path)
    resolution = getattr(network.visual, "input_resolution", None)
    if not hasattr(network.visual, "transformer") or resolution != WINDOW:
        raise WeightsError(f"Weights {path} hold no CLIP ViT for {WINDOW}x{WINDOW}: get LIQE's file.")
    return network


def _clip_iqa(path: Path, device: torch.device) -> nn.Module:
    arch, network = _arch("clipiqa_arch"), _clip_iqa_network(path)
    with _quiet(), patch.multiple(arch, load=lambda *_: network):
        built = arch.CLIPIQA()
    network.to(device)
    features = network.encode_text(built.prompt_pairs.to(device))  # type: ignore[operator]
    network.encode_text = lambda _: features  # type: ignore[assignment]  # pyiqa encodes the same ten prompts for every image
    return built


def _clip_iqa_network(path: Path) -> nn.Module:
    state = read_torchscript(path) if is_torchscript(path) else read_state(path)
    if "visual.proj" in state:
        raise WeightsError(f"Weights {path} hold a CLIP ViT, and CLIP-IQA needs RN50: get that file.")
    return _clip(state, path)


def _clip(state: Mapping[str, Tensor], path: Path) -> nn.Module:
    """Return pyiqa's CLIP in the shape of a state dict, rounded to half precision as pyiqa does, then in float32."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _arch("clip_model").build_model(dict(state)).float()
    except Exception as error:  # of any kind, because names and shapes come from the file
        raise WeightsError(
            f"Weights {path} do not hold the tensors of CLIP ({' '.join(str(error).split())[:200]}): get the file again."
        ) from error


def _remembered(name: str, compute: Any) -> Tensor:
    """Return text features from the cache folder, computed if absent: LIQE-mix needs minutes for its 495 prompts."""
    from safetensors.torch import load, save

    place = (
        Path(os.environ.get("FUSIONBENCH_CACHE") or user_cache_dir("fusionbench"))
        / "text"
        / f"{name}.safetensors"
    )
    with suppress(OSError, SafetensorError, KeyError):  # absent or damaged: they are computed again
        return load(place.read_bytes())["features"]
    features = compute()
    with suppress(OutputError):  # the cache only saves time
        write_through(place, lambda partial: partial.write_bytes(save({"features": features.contiguous()})))
    return features


@cache
def _arch(name: str) -> ModuleType:
    """Import and return a module of pyiqa, which loads all of pyiqa and takes seconds."""
    try:
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")
            return import_module(f"pyiqa.archs.{name}")
    except ImportError as error:
        raise WeightsError(
            f"pyiqa cannot be imported ({error}): `fusionbench doctor` says what is missing."
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Discard what pyiqa prints, because standard output may be one JSON document."""
    with redirect_stdout(io.StringIO()):
        yield
