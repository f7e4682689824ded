"""The towers and the kernel of set-level metrics: defaults, and the file ``cmmd.yaml`` that overrides them.

A tower is the image network of a CLIP model. The file is in the sub-folder ``metrics`` of the weights folder, beside
the towers' weights, see docs/metrics.md. This module does not load torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from fusionbench.errors import ConfigError, UnknownNameError, WeightsError
from fusionbench.metrics.learned.weight_files import find_weights, hash_of
from fusionbench.weights.checkpoints import METRICS_FOLDER, weights_folder

FILE = "cmmd.yaml"
# OpenAI's statistics, with which most CLIP models were trained
CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
HALF = [0.5, 0.5, 0.5]


@dataclass
class TowerSpec:
    """An image tower; ``model`` is open_clip's name of its architecture, or a JSON file in open_clip's format.

    Images are cropped to their central square, resized to ``side`` pixels and normalised by ``mean`` and ``std``.
    ``file`` has the weights; its SHA-256 must be ``sha256`` if that is given, which is required for an archive with
    code. Without ``file``, the tower's name is that of a file in `fusionbench.metrics.learned.weight_files`.
    """

    model: str
    side: int = 224
    mean: list[float] = field(default_factory=lambda: list(CLIP_MEAN))
    std: list[float] = field(default_factory=lambda: list(CLIP_STD))
    file: str | None = None
    sha256: str | None = None


@dataclass
class SetOptions:
    """The names of the towers for source a and for source b, and the kernel as in `fusionbench.metrics.learned.mmd`.

    With ``luma_a`` the tower of source a gets the luma (BT.601) of the fused image instead of its colours.
    """

    a: str
    b: str
    sigma: float = 10.0
    scale: float = 1000.0
    normalize: bool = True
    unbiased: bool = False
    luma_a: bool = False


@dataclass(frozen=True)
class FoundTower:
    """A tower whose weights are present.

    ``digest`` is the SHA-256 of the weights, ``layout`` that of the JSON file of the model, empty for a model that
    open_clip knows. ``vouched`` means that ``digest`` was compared with a stated hash.
    """

    name: str
    spec: TowerSpec
    path: Path
    digest: str
    layout: str = ""
    vouched: bool = False

    @property
    def title(self) -> str:
        """Everything that determines its embeddings, in words; settings equal to the built-in ones are not mentioned."""
        layout = f", layout {self.layout[:8]}" if self.layout else ""
        return f"{self.name} (SHA-256 {self.digest[:8]}{self._changes()}{layout})"

    def _changes(self) -> str:
        known = TOWERS.get(self.name)
        names = ("model", "side", "mean", "std")
        settings = {name: getattr(self.spec, name) for name in names}
        changed = [name for name in names if known is None or getattr(known, name) != settings[name]]
        return "".join(f", {name} {settings[name]}" for name in changed)


TOWERS = {
    "clip-vit-l-14-336": TowerSpec("ViT-L-14-336-quickgelu", 336),
    "clip-rn50": TowerSpec("RN50-quickgelu"),
    "remoteclip-rn50": TowerSpec("RN50"),
    # the normalisation with which SARCLIP was trained; the paper of CMMDF does not state it
    "sarclip-rn50": TowerSpec("RN50", mean=HALF, std=HALF),
}
OPTIONS = {
    "CMMD": SetOptions("clip-vit-l-14-336", "clip-vit-l-14-336"),
    "CMMDF": SetOptions("sarclip-rn50", "remoteclip-rn50"),
}


def folder() -> Path:
    """Return the folder of the towers' weights and of ``cmmd.yaml``."""
    return weights_folder() / METRICS_FOLDER


def options_of(metric: str) -> SetOptions:
    """Return the towers and the kernel of a metric. Raises ConfigError for errors in ``cmmd.yaml``."""
    return _read()[1][metric]


def tower_of(name: str) -> FoundTower:
    """Return a tower with its weights.

    Raises WeightsError, with the remedy, if they are missing or have another hash than stated.
    """
    spec = _read()[0][name]
    path = find_weights(name) if spec.file is None else folder() / spec.file
    if not path.is_file():
        raise WeightsError(f"Tower '{name}' has no file {path}: put it there, or correct {folder() / FILE}.")
    digest = hash_of(path)
    if spec.sha256 is not None and digest != spec.sha256.strip().lower():
        raise WeightsError(
            f"{path} of tower '{name}' has SHA-256 {digest[:10]}, not {spec.sha256[:10]}: get the file again, or "
            f"correct {folder() / FILE}."
        )
    layout = hash_of(folder() / spec.model) if spec.model.endswith(".json") else ""
    return FoundTower(name, spec, path, digest, layout, spec.file is None or spec.sha256 is not None)


def kernel_text(options: SetOptions) -> str:
    """Return the description of the kernel in captions."""
    parts = [f"Gaussian kernel with sigma {options.sigma:g}", f"times {options.scale:g}"]
    parts += ["unbiased" if options.unbiased else "biased"]
    return ", ".join(parts + ([] if options.normalize else ["embeddings not normalized"]))


def setting_of(metric: str) -> str:
    """Return the towers and the kernel of a metric in words; values of different settings cannot be compared.

    Raises WeightsError if weights are missing, ConfigError for errors in ``cmmd.yaml``.
    """
    options = options_of(metric)
    a, b = tower_of(options.a), tower_of(options.b)
    towers = f"{a.title} for both sources" if a == b else f"{a.title} for source a, {b.title} for source b"
    shown = ", fused images as luma beside source a" if options.luma_a else ""
    return f"{towers}{shown}, {kernel_text(options)}"


def _read() -> tuple[dict[str, TowerSpec], dict[str, SetOptions]]:
    path = folder() / FILE
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return TOWERS, OPTIONS
    if not path.is_file():
        raise ConfigError(f"{path} is not a file: write the options into a file of that name, or remove it.")
    return _merged(path, status.st_mtime_ns, status.st_size)


@cache
def _merged(path: Path, changed: int, size: int) -> tuple[dict[str, TowerSpec], dict[str, SetOptions]]:
    from fusionbench.config import read_yaml

    data = read_yaml(path)
    _check_keys(path, data, ["towers", *OPTIONS])
    towers = _towers(path, data.get("towers") or {})
    options = {name: _fill(path, known, data.get(name) or {}) for name, known in OPTIONS.items()}
    for chosen in options.values():
        for name in (chosen.a, chosen.b):
            if name not in towers:
                raise UnknownNameError(f"tower in {path}", name, towers)
        if not (0 < chosen.sigma < inf and 0 < chosen.scale < inf):
            raise ConfigError(f"{path}: sigma and scale must be finite and more than 0.")
    return towers, options


def _towers(path: Path, entries: Any) -> dict[str, TowerSpec]:
    if not isinstance(entries, Mapping):
        raise ConfigError(f"{path}: towers must be a mapping of names to towers, found {entries!r}.")
    towers = dict(TOWERS)
    for name, entry in ((str(name), entry) for name, entry in entries.items()):
        if not re.fullmatch(r"[\w.-]+", name):
            raise ConfigError(
                f"{path}: '{name}' names no tower: use letters, digits, hyphens and underscores."
            )
        towers[name] = _fill(path, towers.get(name, TowerSpec), entry)
        if name not in TOWERS and towers[name].file is None:
            raise ConfigError(f"{path}: tower '{name}' has no file: add one, `file: NAME`.")
    return towers


def _fill(path: Path, known: Any, entry: Any) -> Any:
    """Return an entry merged over its defaults. Raises ConfigError for unknown keys and wrong types."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if not isinstance(entry, Mapping):
        raise ConfigError(f"{path}: '{entry}' must be a mapping of keys to values.")
    _check_keys(path, entry, [f.name for f in fields(known)])
    try:
        merged = OmegaConf.to_object(
            OmegaConf.merge(OmegaConf.structured(known), OmegaConf.create(dict(entry)))
        )
    except OmegaConfBaseException as error:
        raise ConfigError(f"{path}: {str(error).splitlines()[0]}; correct that entry.") from error
    if isinstance(merged, TowerSpec) and (merged.side < 1 or not len(merged.mean) == len(merged.std) == 3):
        raise ConfigError(f"{path}: a tower needs a side of at least 1, and mean and std of 3 numbers each.")
    return merged


def _check_keys(path: Path, data: Mapping[str, Any], known: list[str]) -> None:
    from fusionbench.config import unknown_key

    for key in data:
        if key not in known:
            raise ConfigError(f"{path}: {unknown_key(str(key), known)}")
