"""With which towers and which kernel the set-level metrics are computed: defaults, and ``cmmd.yaml`` over them.

The file lies beside the towers' weights, in the sub-folder ``metrics`` of the weights folder, see docs/metrics.md.
Loads no torch.
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
from fusionbench.metrics.learned.files import find_weights, hash_of
from fusionbench.weights.checkpoints import METRICS_FOLDER, weights_folder

FILE = "cmmd.yaml"
CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
HALF = [0.5, 0.5, 0.5]


@dataclass
class TowerSpec:
    """An image tower: ``model`` is open_clip's name of its architecture, or a JSON file in open_clip's form.

    Images are cropped to their central square, resized to ``side`` and normalized by ``mean`` and ``std``. ``file``
    holds the weights and must have ``sha256`` where that is given, which an archive with code needs; without a file
    the tower's name is that of one in `fusionbench.metrics.learned.files`.
    """

    model: str
    side: int = 224
    mean: list[float] = field(default_factory=lambda: list(CLIP_MEAN))
    std: list[float] = field(default_factory=lambda: list(CLIP_STD))
    file: str | None = None
    sha256: str | None = None


@dataclass
class SetOptions:
    """The towers that see source a and source b with the fused image, and the kernel as in `fusionbench.metrics.learned.mmd`.

    With ``luma_a`` the tower of source a is shown the fused image's luma (BT.601) in place of its colours.
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
    """A tower whose weights are here.

    ``digest`` is the SHA-256 of the file, ``layout`` that of the JSON file that the model is told in, "" for a model
    of open_clip's; ``vouched`` says that the weights' hash was compared with one that somebody stated.
    """

    name: str
    spec: TowerSpec
    path: Path
    digest: str
    layout: str = ""
    vouched: bool = False

    @property
    def title(self) -> str:
        """Return in words everything that decides its embeddings; what is as built in goes without saying."""
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
    # the normalization that SARCLIP was trained with; the paper of CMMDF does not say
    "sarclip-rn50": TowerSpec("RN50", mean=HALF, std=HALF),
}
OPTIONS = {
    "CMMD": SetOptions("clip-vit-l-14-336", "clip-vit-l-14-336"),
    "CMMDF": SetOptions("sarclip-rn50", "remoteclip-rn50"),
}


def folder() -> Path:
    return weights_folder() / METRICS_FOLDER


def options_of(metric: str) -> SetOptions:
    """Return what a metric is computed with. Raises ConfigError where ``cmmd.yaml`` is wrong."""
    return _read()[1][metric]


def tower_of(name: str) -> FoundTower:
    """Return a tower with its weights.

    Raises WeightsError, with what to do, where they are not here or not what they should be.
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
    """Return what a caption says of the kernel."""
    parts = [f"Gaussian kernel with sigma {options.sigma:g}", f"times {options.scale:g}"]
    parts += ["unbiased" if options.unbiased else "biased"]
    return ", ".join(parts + ([] if options.normalize else ["embeddings not normalized"]))


def setting_of(metric: str) -> str:
    """Return in words what a value of the metric is computed with: two of another setting cannot be compared.

    Raises WeightsError where weights are missing, ConfigError where ``cmmd.yaml`` is wrong.
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
        raise ConfigError(f"{path} is no file: write the options into a file of that name, or remove it.")
    return _merged(path, status.st_mtime_ns, status.st_size)


@cache
def _merged(path: Path, changed: int, size: int) -> tuple[dict[str, TowerSpec], dict[str, SetOptions]]:
    from fusionbench.registry.cards import read_yaml

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
    """Merge an entry over what is known, strictly."""
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
