"""``key=value`` on the command line: what is read, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench.config import MethodConfig, resolve_config
from fusionbench.errors import ConfigError

scalars = st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
keys = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)


def parsed(override: str) -> MethodConfig:
    return resolve_config([], [override], ("fuse",))


@settings(deadline=None)
@given(keys, scalars | st.lists(st.booleans() | st.integers(), max_size=3))
def test_a_value_written_as_json_arrives_as_it_was(key: str, value: object) -> None:
    arguments = parsed(f"args.{key}={json.dumps(value)}").args
    assert arguments == {key: value}
    assert type(arguments[key]) is type(value)


def test_a_number_in_a_list_may_be_written_in_any_notation() -> None:
    assert parsed("args.x=[1e-4, 1]").args == {"x": [1e-4, 1]}


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-9, 1e9))
def test_a_rate_may_be_written_in_any_notation(rate: float) -> None:
    for text in (repr(rate), f"{rate:e}", f"{rate:E}"):
        assert parsed(f"stages.fuse.optimizer.lr={text}").stages["fuse"].optimizer.lr == pytest.approx(rate)


def test_a_value_may_hold_an_equals_sign() -> None:
    assert parsed("args.x=a=b").args == {"x": "a=b"}


def test_without_layers_the_defaults_count() -> None:
    assert resolve_config([], [], ("fuse", "refine")).as_dict() == {
        "args": {},
        "stages": {name: parsed("args.x=1").as_dict()["stages"]["fuse"] for name in ("fuse", "refine")},
        "trainer": {"devices": 1, "strategy": "auto", "precision": "32-true", "workers": 0},
    }


def test_layers_merge_key_by_key_in_order() -> None:
    layers = [
        {"args": {"x": 1, "y": 1, "z": 1}, "stages": {"fuse": {"optimizer": {"name": "sgd", "lr": 1.0}}}},
        {"args": {"y": 2, "z": 2}, "stages": {"fuse": {"optimizer": {"lr": 2.0}}}},
    ]
    config = resolve_config(layers, ["args.z=3", "args.z=4"], ("fuse",))
    assert config.args == {"x": 1, "y": 2, "z": 4}
    assert (config.stages["fuse"].optimizer.name, config.stages["fuse"].optimizer.lr) == ("sgd", 2.0)


def test_resolving_leaves_the_layers_as_they_were() -> None:
    layer = {"args": {"sizes": [1, 2]}}
    resolve_config([layer], ["args.sizes=[3]"], ("fuse",)).args["sizes"].append(4)
    assert layer == {"args": {"sizes": [1, 2]}}


@pytest.mark.parametrize(
    "override",
    [
        "stages.fuse.epochs=2.5",
        "stages.fuse.epochs=true",
        "stages.fuse.epochs=",
        "stages.fuse.augment=maybe",
        "stages.fuse.optimizer.lr=fast",
        "stages.fuse.optimizer.betas=0.9",
        "stages.fuse=3",
        "stages=3",
        "args=3",
        "args=[a]",
        "stages=[a]",
    ],
)
def test_a_value_of_the_wrong_type_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="not allowed"):
        parsed(override)


def test_a_precision_lightning_does_not_know_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"trainer\.precision is '12-bit': use one of 32-true, 16-mixed"):
        parsed("trainer.precision=12-bit")


@pytest.mark.parametrize("override", ["=3", " =3", "stages.fuse.epochs", ""])
def test_what_has_no_key_or_no_value_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="write key=value"):
        parsed(override)


@pytest.mark.parametrize("override", ["args.x=[1,", "args.x=a: b: c", "args.x=${foo}", "args.x=???"])
def test_text_that_is_no_value_is_refused(override: str) -> None:
    with pytest.raises(ConfigError):
        parsed(override)
