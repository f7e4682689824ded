"""Recipes of downstream networks and their training, by name, with ``key=value`` overrides. Loads no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from fusionbench.config import OptimizerConfig, ScheduleConfig, parse_override, unknown_key
from fusionbench.errors import ConfigError, UnknownNameError, WeightsError
from fusionbench.weights.checkpoints import file_hash

Task = Literal["segment", "detect"]
TASKS: tuple[Task, ...] = ("segment", "detect")
DEFAULTS: dict[Task, str] = {"segment": "deeplabv3plus", "detect": "fasterrcnn"}
FILE = Path(__file__).with_name("recipes.yaml")
# torchvision and timm end file names with the first digits of the SHA-256
HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.(?:pth|pt|safetensors)$")


@dataclass
class Recipe:
    """A network and its training.

    Images are resized to ``height`` x ``width``; detectors keep the aspect ratio and fit one side. ``encoder`` and the
    decoder's ``channels`` are those of segmentation_models_pytorch. ``backbone`` is a file of pretrained weights, "" for
    training from scratch; with a file, the backbone is frozen in the first ``frozen_epochs``, whose batches have
    ``frozen_batch_size`` images. For segmentation, ``loss`` is ce or ce+dice, and ``class_weights`` is none or enet,
    with which rare classes weigh more in the cross entropy. ``flip`` mirrors a random half of the images. Detections
    with a score below ``min_score`` are dropped. ``workers`` is the number of loader processes.
    """

    library: str
    network: str
    encoder: str = ""
    channels: int = 256
    backbone: str = ""
    height: int = 480
    width: int = 640
    epochs: int = 100
    batch_size: int = 4
    frozen_epochs: int = 0
    frozen_batch_size: int = 0
    loss: str = "ce"
    class_weights: str = "none"
    flip: bool = True
    min_score: float = 0.001
    workers: int = 0
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)


@dataclass(frozen=True)
class TaskNetwork:
    """The network of a task: a named recipe with the user's overrides.

    ``backbone_hash`` is the SHA-256 of the backbone's file, or "".
    """

    task: Task
    name: str
    recipe: Recipe
    backbone_hash: str = ""

    @property
    def identity(self) -> dict[str, Any]:
        """Return all settings that affect the trained network, except for data and seed; paths are not included."""
        facts = asdict(self.recipe) | {"backbone": self.backbone_hash}
        del facts["workers"]
        return facts

    @property
    def title(self) -> str:
        """Return the network in words, such as "DeepLabV3Plus (resnet50, from scratch), 640x480, 340 epochs"."""
        recipe = self.recipe
        start = f"backbone {self.backbone_hash[:8]}" if self.backbone_hash else "from scratch"
        encoder = f"{recipe.encoder}, " if recipe.encoder else ""
        frozen = self.frozen_epochs
        epochs = f"{recipe.epochs} epochs" + (
            f", the first {frozen} with the backbone frozen" if frozen else ""
        )
        licence = ", AGPL-3.0" if recipe.library == "ultralytics" else ""
        return f"{recipe.network} ({encoder}{start}{licence}), {recipe.width}x{recipe.height}, {epochs}"

    @property
    def frozen_epochs(self) -> int:
        """Return the number of epochs in which the backbone is frozen: 0 if it is trained from scratch."""
        return self.recipe.frozen_epochs if self.backbone_hash else 0


def choose_recipe(task: Task, name: str | None, overrides: Sequence[str] = ()) -> TaskNetwork:
    """Return the task's recipe of this name (None: the default), changed by ``key=value`` overrides.

    Raises UnknownNameError for an unknown name, ConfigError for keys and values that are not allowed, and WeightsError
    for a backbone's file that does not exist or does not have the hash in its name.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    known = recipes()[task]
    name = (name or DEFAULTS[task]).lower()
    if name not in known:
        raise UnknownNameError(f"network to {task}", name, known)
    merged: Any = OmegaConf.structured(Recipe(library="", network=""))
    for layer in [known[name], *map(parse_override, overrides)]:
        _check_keys(layer)
        try:
            merged = OmegaConf.merge(merged, OmegaConf.create(dict(layer)))
        except OmegaConfBaseException as error:
            reason = str(error).splitlines()[0]
            raise ConfigError(
                f"Value not allowed in {dict(layer)}: {reason}; give one of that type."
            ) from error
    recipe = OmegaConf.to_object(merged)
    assert isinstance(recipe, Recipe)  # OmegaConf returns the type that the merge started with
    _check_ranges(recipe)
    return TaskNetwork(task, name, replace(recipe, backbone=recipe.backbone), _backbone_hash(recipe.backbone))


@cache
def recipes() -> dict[Task, dict[str, dict[str, Any]]]:
    """Return the named recipes by task, as they are in ``recipes.yaml``."""
    by_task: dict[Task, dict[str, dict[str, Any]]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return by_task


def _check_keys(layer: Mapping[str, Any]) -> None:
    inside = {"optimizer": OptimizerConfig, "schedule": ScheduleConfig}
    known = {f.name for f in fields(Recipe)}
    for key, value in layer.items():
        if key not in known:
            raise ConfigError(unknown_key(key, known))
        if key in inside and isinstance(value, Mapping):
            names = {f.name for f in fields(inside[key])}
            for name in value:
                if name not in names:
                    raise ConfigError(unknown_key(f"{key}.{name}", [f"{key}.{other}" for other in names]))


def _check_ranges(recipe: Recipe) -> None:
    at_least = {
        "height": 32,
        "width": 32,
        "epochs": 1,
        "batch_size": 1,
        "workers": 0,
        "frozen_epochs": 0,
        "channels": 1,
    }
    for key, least in at_least.items():
        if getattr(recipe, key) < least:
            raise ConfigError(f"{key} is {getattr(recipe, key)}: use {least} or more.")
    if recipe.loss not in ("ce", "ce+dice"):
        raise ConfigError(f"loss is '{recipe.loss}': use ce or ce+dice.")
    if recipe.class_weights not in ("none", "enet"):
        raise ConfigError(f"class_weights is '{recipe.class_weights}': use none or enet.")
    if not 0 <= recipe.min_score < 1:
        raise ConfigError(f"min_score is {recipe.min_score}: use a number in [0, 1).")
    if recipe.library == "ultralytics" and recipe.backbone:
        raise ConfigError(
            "Weight files of ultralytics are pickles that hold code, which is not run here: leave backbone out, the network "
            "is trained from scratch."
        )
    if recipe.optimizer.lr <= 0:
        raise ConfigError(f"optimizer.lr is {recipe.optimizer.lr}: use more than 0.")


def _backbone_hash(backbone: str) -> str:
    if not backbone:
        return ""
    path = Path(backbone).expanduser()
    if not path.is_file():
        raise WeightsError(
            f"Backbone file '{backbone}' does not exist: nothing is downloaded, so name a file that is here, or leave "
            "backbone out to train from scratch."
        )
    digest = file_hash(path)
    said = HASH_IN_NAME.search(path.name)
    if said and not digest.startswith(said[1]):
        raise WeightsError(
            f"Backbone file '{path.name}' has the SHA-256 {digest[:12]}..., its name says {said[1]}: get it again."
        )
    return digest
