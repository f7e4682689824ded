"""Image towers of CLIP models, built by open_clip from local files only."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from fusionbench.errors import ConfigError
from fusionbench.method.arithmetic import full_float32
from fusionbench.metrics.learned.sets_options import TOWERS, FoundTower, TowerSpec, folder
from fusionbench.weights.checkpoints import check_fit, is_torchscript, read_state, read_torchscript, unwrapped

# open_clip always builds a text tower, which is discarded here, so it is as small as possible
NO_TEXT = {"context_length": 2, "vocab_size": 2, "width": 8, "heads": 1, "layers": 1}


def embed(tower: FoundTower, levels: np.ndarray, device: str = "cpu") -> np.ndarray:
    """Return the embedding of one image, uint8 [H, W] or [H, W, 3], as float32 [D], not normalised.

    Images are embedded one at a time, so that digits do not depend on a batch. Raises WeightsError if the file belongs to
    another network.
    """
    what = json.dumps([tower.digest, tower.layout, vars(tower.spec)])
    module = _load(tower.name, tower.path, what, tower.vouched, device)
    with torch.inference_mode(), full_float32():
        return module(preprocessed(levels, tower.spec).to(device))[0].float().cpu().numpy()


def preprocessed(levels: np.ndarray, spec: TowerSpec) -> Tensor:
    """Return the central square, float32 [1, 3, side, side], resized by Pillow's bicubic filter and normalised."""
    image = Image.fromarray(levels).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side)).resize(
        (spec.side, spec.side), Image.Resampling.BICUBIC
    )
    unit = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    mean, std = (torch.tensor(values)[:, None, None] for values in (spec.mean, spec.std))
    return ((unit - mean) / std)[None]


def build_tower(spec: TowerSpec) -> nn.Module:
    """Return the image tower without weights. Raises ConfigError if open_clip cannot build the model."""
    from open_clip import CLIP

    config = _config(spec.model)
    try:
        return CLIP(
            config["embed_dim"],
            {**config["vision_cfg"], "image_size": spec.side, "timm_model_pretrained": False},
            NO_TEXT,
            quick_gelu=config.get("quick_gelu", False),
        ).visual
    except Exception as error:  # of any kind, because the configuration can be a file of the user
        said = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"Tower model '{spec.model}' cannot be built by open_clip: {said}; correct it."
        ) from error


def _config(model: str) -> dict[str, Any]:
    if model.endswith(".json"):
        path = folder() / model
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{path} is not a model configuration of open_clip ({error}): correct it."
            ) from error
    from open_clip import get_model_config, list_models

    if model not in list_models():  # open_clip would look up other names on the network
        raise ConfigError(f"open_clip has no model '{model}': `open_clip.list_models()` names those it has.")
    return get_model_config(model)


@lru_cache(maxsize=3)  # towers have up to 1.2 GB each
def _load(name: str, path: Path, what: str, vouched: bool, device: str) -> nn.Module:
    spec = TowerSpec(**json.loads(what)[-1])
    return _filled(path, spec, name, vouched).requires_grad_(False).eval().to(device)


def _filled(path: Path, spec: TowerSpec, name: str, vouched: bool) -> nn.Module:
    """Return a tower with its weights; an archive with code is read only if its hash or the user vouches for it."""
    tower = build_tower(spec)
    whole = read_torchscript(path) if vouched and is_torchscript(path) else read_state(path)
    state = _image_part(path, whole)
    check_fit(path, _but_counters(tower.state_dict()), state, f"the image tower {name}")
    tower.load_state_dict(state)
    return tower


def check_rn50(path: Path) -> None:
    """Raise WeightsError unless a file, trusted before, contains the image tower of a CLIP RN50."""
    _filled(path, TOWERS["remoteclip-rn50"], "of a CLIP RN50", vouched=True)


def check_vit_l_14_336(path: Path) -> None:
    """Raise WeightsError unless a file, trusted before, contains the image tower of a CLIP ViT-L/14 at 336 pixels."""
    _filled(path, TOWERS["clip-vit-l-14-336"], "of a CLIP ViT-L/14 at 336 pixels", vouched=True)


def _image_part(path: Path, whole: dict[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of the image tower from the state of a whole CLIP or of an image tower alone."""
    state = unwrapped(path, whole, "state_dict")
    state = {key.removeprefix("module."): value for key, value in state.items()}
    part = {key.removeprefix("visual."): value for key, value in state.items() if key.startswith("visual.")}
    return _but_counters(part or state)


def _but_counters(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the state without counters of training batches, which nothing uses and not every file has."""
    return {key: value for key, value in state.items() if not key.endswith(".num_batches_tracked")}
