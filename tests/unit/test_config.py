"""Layers and overrides of a recipe."""

from __future__ import annotations

import pytest

from fusionbench.config import resolve_config
from fusionbench.errors import ConfigError


def test_later_layers_win() -> None:
    layers = [{"stages": {"fuse": {"epochs": 5, "crop": 64}}}, {"stages": {"fuse": {"epochs": 7}}}]
    config = resolve_config(layers, ["stages.fuse.crop=32", "stages.fuse.optimizer.lr=1e-3"], ("fuse",))
    assert (config.stages["fuse"].epochs, config.stages["fuse"].crop) == (7, 32)
    assert config.stages["fuse"].optimizer.lr == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("args.x=3", 3),
        ("args.x=1e-4", 1e-4),
        ("args.x=true", True),
        ("args.x=a b", "a b"),
        ("args.x=[1, 2]", [1, 2]),
    ],
)
def test_values_are_read_as_yaml(override: str, value: object) -> None:
    assert resolve_config([], [override], ("fuse",)).args == {"x": value}


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("stages.fuse.epoch=3", r"did you mean 'stages\.fuse\.epochs'"),
        ("stages.fuze.epochs=3", r"did you mean 'stages\.fuse'"),
        ("trainer.device=2", r"did you mean 'trainer\.devices'"),
        ("stages.fuse.epochs=many", "many"),
        ("epochs", "key=value"),
    ],
)
def test_what_nothing_reads_is_an_error(override: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        resolve_config([], [override], ("fuse",))
