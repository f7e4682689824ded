"""Configurations of methods in three layers: constructor defaults, config.yaml, key=value; later layers win."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.errors import ConfigError, hint

if TYPE_CHECKING:
    from omegaconf.errors import OmegaConfBaseException

PRECISIONS = ("32-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true", "64-true")


@dataclass
class OptimizerConfig:
    """An optimizer; ``name`` is sgd, adam or adamw. ``momentum`` is used by sgd, ``betas`` by the others."""

    name: str = "adam"
    lr: float = 1e-4
    momentum: float = 0.9
    betas: list[float] = field(default_factory=lambda: [0.9, 0.999])
    weight_decay: float = 0.0


@dataclass
class ScheduleConfig:
    """A learning-rate schedule, stepped once per batch; ``name`` is constant, poly or cosine.

    During the first ``warmup_steps`` batches the rate rises exponentially from ``warmup_from`` to the optimizer's lr,
    then it falls to ``min_lr`` at the last batch. ``power`` is the exponent of poly.
    """

    name: str = "constant"
    power: float = 0.9
    min_lr: float = 0.0
    warmup_steps: int = 0
    warmup_from: float = 1e-5


@dataclass
class StageRecipe:
    """The recipe of one training stage.

    ``crop`` is the side of a square crop in pixels. ``augment`` mirrors the crop and turns it by multiples of 90 degrees.
    ``clip`` limits the norm of the gradient (0: no limit). ``validation`` is the fraction of the training pairs held out
    to draw a validation curve; no checkpoint is selected by it. The default is 0, because papers train on all pairs.
    """

    epochs: int = 100
    batch_size: int = 8
    crop: int = 256
    augment: bool = True
    clip: float = 0.0
    validation: float = 0.0
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)


@dataclass
class TrainerConfig:
    """Arguments passed unchanged to Lightning's Trainer; ``workers`` is the number of the data loader's processes."""

    devices: Any = 1
    strategy: str = "auto"
    precision: str = "32-true"
    workers: int = 0


@dataclass
class MethodConfig:
    """A resolved configuration: constructor arguments, one recipe per stage, and the trainer."""

    args: dict[str, Any] = field(default_factory=dict)
    stages: dict[str, StageRecipe] = field(default_factory=dict)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def resolve_config(
    layers: Iterable[Mapping[str, Any]], overrides: Iterable[str], stages: tuple[str, ...]
) -> MethodConfig:
    """Merge YAML layers, then ``key=value`` strings, and return the configuration; later layers win.

    Every stage gets a recipe. Raises ConfigError for an unknown key (naming the nearest known one), a value of the wrong
    type or out of range, and for interpolation.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    base = MethodConfig(stages={stage: StageRecipe() for stage in stages})
    merged = OmegaConf.structured(base)
    for layer in [*layers, *map(parse_override, overrides)]:
        refuse_interpolation(layer, "The configuration")
        _check_keys(layer, base, path="")
        try:
            merged = OmegaConf.merge(merged, OmegaConf.create(dict(layer)))
        except OmegaConfBaseException as error:
            raise ConfigError(
                f"Configuration value not allowed in {dict(layer)}: {wrong_type(error)}"
            ) from error
    try:
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"Configuration cannot be resolved: {reason}; interpolation and ??? are not allowed."
        ) from error
    assert isinstance(config, MethodConfig)  # the merge began with one, and OmegaConf keeps its type
    for stage, recipe in config.stages.items():
        _check_ranges(stage, recipe)
    if config.trainer.workers < 0:
        raise ConfigError(f"trainer.workers is {config.trainer.workers}: use 0 or more.")
    if config.trainer.precision not in PRECISIONS:
        raise ConfigError(
            f"trainer.precision is '{config.trainer.precision}': use one of {', '.join(PRECISIONS)}."
        )
    return config


def wrong_type(error: OmegaConfBaseException) -> str:
    """Return the end of the message for a value of the wrong type: its key and OmegaConf's reason."""
    reason = str(error).splitlines()[0].rstrip(".")
    if "ListConfig" in reason.partition(" is not a ")[2]:
        reason = "a list is needed"
    return f"{error.full_key + ': ' if error.full_key else ''}{reason}; give a value of that type."


def refuse_interpolation(value: Any, where: str) -> None:
    """Raise ConfigError for ``${...}`` anywhere in a value.

    OmegaConf would fill it in from the environment or another key, and the record would no longer say what was run.
    """
    members = (
        [*value, *value.values()] if isinstance(value, Mapping) else value if isinstance(value, list) else []
    )
    for member in members:
        refuse_interpolation(member, where)
    if isinstance(value, str) and "${" in value:
        raise ConfigError(f"{where} holds '{value}': interpolation is not allowed, write the value itself.")


def _check_ranges(stage: str, recipe: StageRecipe) -> None:
    rules = {
        "epochs": (recipe.epochs, recipe.epochs >= 1, "1 or more"),
        "batch_size": (recipe.batch_size, recipe.batch_size >= 1, "1 or more"),
        "crop": (recipe.crop, recipe.crop >= 1, "1 or more"),
        "clip": (recipe.clip, recipe.clip >= 0, "0 (no limit) or more"),
        "validation": (recipe.validation, 0 <= recipe.validation < 1, "0 (none) or a fraction below 1"),
        "optimizer.lr": (recipe.optimizer.lr, recipe.optimizer.lr > 0, "more than 0"),
        "optimizer.betas": (recipe.optimizer.betas, len(recipe.optimizer.betas) == 2, "two numbers"),
    }
    for key, (value, holds, wanted) in rules.items():
        if not holds:
            raise ConfigError(f"stages.{stage}.{key} is {value}: use {wanted}.")


def check_variants(
    method: str, variants: Mapping[str, Mapping[str, Any]], overrides: Iterable[str] = ()
) -> None:
    """Raise ConfigError if two variants set one key to different values and no ``key=value`` override decides."""
    decided = {text.partition("=")[0].strip() for text in overrides}
    first: dict[str, tuple[str, Any]] = {}
    for variant, layer in variants.items():
        for key, value in _flat(layer):
            other, before = first.setdefault(key, (variant, value))
            if before != value and key not in decided:
                raise ConfigError(
                    f"Variants '{other}' and '{variant}' of {method} set {key} to {before} and {value}: "
                    f"leave one of them out, or say which by {key}=VALUE."
                )


def _flat(layer: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in layer.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def parse_override(text: str) -> dict[str, Any]:
    """Return ``key.key=value`` as nested mappings, the value read as YAML. Raises ConfigError."""
    import yaml

    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise ConfigError(f"'{text}' is not an override: write key=value, for example stages.fuse.epochs=10.")
    try:
        nested: Any = _numbers(yaml.safe_load(value))
    except yaml.YAMLError as error:
        raise ConfigError(
            f"The value of '{text}' is not valid YAML: quote it or close its brackets."
        ) from error
    parts = key.strip().split(".")
    if not all(parts):
        raise ConfigError(f"'{text}' has an empty part in its key: write for example args.levels=3.")
    for part in reversed(parts):
        nested = {part: nested}
    return nested


def _numbers(value: Any) -> Any:
    """Return texts that are numbers, such as 1e-4, as numbers; lists are searched. Raises ConfigError for NaN, infinity.

    YAML 1.1 reads 1e-4 as text, because it has no decimal point.
    """
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"The value {value} is not a finite number: give one.")
    return value


def _check_keys(layer: Mapping[str, Any], node: Any, path: str) -> None:
    """Raise ConfigError for a key of ``layer`` that the dataclass ``node`` lacks, or one without the keys below it.

    ``args`` is checked by the registry.
    """
    if path == "args.":
        return
    known = {f.name: getattr(node, f.name) for f in fields(node)} if is_dataclass(node) else dict(node)
    for key, value in layer.items():
        if key not in known:
            raise ConfigError(unknown_key(f"{path}{key}", [f"{path}{name}" for name in known]))
        if is_dataclass(known[key]) or isinstance(known[key], dict):
            if not isinstance(value, Mapping):
                raise ConfigError(
                    f"Configuration value not allowed: {path}{key} is {value!r}; write {path}{key}.KEY=VALUE."
                )
            _check_keys(value, known[key], f"{path}{key}.")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file. Raises ConfigError for a missing file, invalid YAML or another type."""
    import yaml

    try:
        # libyaml's loader is several times faster than the one in Python, and lists read every card
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing: add it.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} is not valid YAML: {' '.join(str(error).split())}; fix that line."
        ) from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} must be a mapping of keys to values, found {type(data).__name__}.")
    return data


def unknown_key(asked: str, known: Iterable[str]) -> str:
    """Return the message for an unknown key."""
    return f"Unknown configuration key '{asked}': {hint(asked, sorted(known))}"
