"""A resolved method with card, recipe, variants and files. Its class is imported only when it is built."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.config import check_variants, read_yaml, resolve_config
from fusionbench.errors import ConfigError, RequestError, UnknownNameError
from fusionbench.registry.cards import Card, literal
from fusionbench.registry.command import command_hash

if TYPE_CHECKING:
    from fusionbench.config import MethodConfig
    from fusionbench.method import FusionMethod

ABOUT_VARIANT = ("about", "xfail")  # keys of a variant that are not configuration


@dataclass(frozen=True)
class MethodSpec:
    """A resolved reference: everything about a method that is known without importing it.

    ``name`` is the one used in runs/ and tables. ``source`` is its folder or file, ``target`` what to import (a module,
    a module with ``:Class``, or a file with ``:Class``).
    """

    reference: str
    name: str
    card: Card
    source: Path
    target: str
    variants: tuple[str, ...] = ()

    @property
    def external(self) -> bool:
        return self.card.kind == "external"

    @property
    def has_class(self) -> bool:
        """Whether there is a class to construct; a command or a folder of images has none."""
        return not (self.external or self.card.command)

    def require_class(self) -> None:
        """Raise RequestError if there is no class."""
        if not self.has_class:
            what = "a folder of images" if self.external else "a command"
            raise RequestError(f"'{self.name}' is {what} without a class: name a method that has one.")

    def recipe_file(self) -> dict[str, Any]:
        """Return config.yaml of a folder or the literal CONFIG of a file, empty if there is none."""
        if self.source.is_file():
            config = literal(self.source, "CONFIG") or {}
            if not isinstance(config, dict):
                raise ConfigError(f"{self.source}: CONFIG must be a mapping, found {type(config).__name__}.")
            return config
        path = self.source / "config.yaml"
        return read_yaml(path) if path.exists() else {}

    def known_variants(self) -> dict[str, dict[str, Any]]:
        """Return the variants of the recipe by name."""
        return self.recipe_file().get("variants", {})

    def training_sets(self) -> dict[str, dict[str, Any]]:
        """Return, by data set, the changes to the recipe for training on that data set."""
        return self.recipe_file().get("datasets", {})

    def config(self, overrides: tuple[str, ...] = (), training_set: str | None = None) -> MethodConfig:
        """Return the configuration from recipe, its changes for ``training_set``, variants and overrides; later ones win.

        Raises UnknownNameError for a variant that the recipe does not have, ConfigError for unknown keys, and for a key
        that two variants set to different values without an override that decides.
        """
        recipe = self.recipe_file()
        of_training_set = recipe.pop("datasets", {}).get(training_set or "", {})
        known = recipe.pop("variants", {})
        chosen: dict[str, dict[str, Any]] = {}
        for variant in self.variants:
            if variant not in known:
                raise UnknownNameError(f"variant of {self.name.partition('@')[0]}", variant, known)
            chosen[variant] = {k: v for k, v in known[variant].items() if k not in ABOUT_VARIANT}
        check_variants(self.name, chosen, overrides)
        stages = tuple(recipe.get("stages", {"fuse": {}}))
        resolved = resolve_config([recipe, of_training_set, *chosen.values()], overrides, stages)
        if resolved.args and self.card.command:
            raise ConfigError(
                f"'{self.name}' is a command and takes no args: write what it needs into its card's command."
            )
        return resolved

    def files_hash(self) -> str:
        """Return the SHA-256 of the method's own code, which is part of the identity of its cells.

        For a folder these are its Python files, not the card, whose text does not affect images.
        """
        if self.card.command:
            return command_hash(self.source, self.card.command)
        digest = hashlib.sha256()
        files = sorted(self.source.glob("*.py")) if self.source.is_dir() else [self.source]
        for path in files:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def build(self, arguments: dict[str, Any]) -> FusionMethod:
        """Import the class and return an instance in eval mode. Raises PluginError, ConfigError or RequestError."""
        self.require_class()
        from fusionbench.registry.construct import find_class, instantiate  # loads torch

        return instantiate(self, find_class(self), arguments)


def check_family(method: MethodSpec, dataset: str, family: str) -> None:
    """Raise RequestError if a method does not support a data set's family."""
    if family not in method.card.families:
        raise RequestError(
            f"Method '{method.name}' fuses {', '.join(method.card.families)}, data set '{dataset}' is {family}: "
            f"choose another method or data set (`fusionbench list methods` shows the families)."
        )
