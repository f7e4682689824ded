"""What `run` and `sweep` are both told is declared once, and each of it arrives."""

from __future__ import annotations

from dataclasses import fields

import pytest

from fusionbench.cells.planned import RunOptions
from fusionbench.cli.options import OF_THE_MACHINE, RunArguments
from fusionbench.cli.verbs import built

SHARED = {field.name for field in fields(RunArguments)}
SAID_OTHERWISE = {"no_baselines", "dry_run", "json"}


@pytest.mark.parametrize("verb", ["run", "sweep"])
def test_both_verbs_have_every_shared_option(verb: str) -> None:
    assert {parameter.name for parameter in built(verb).params} >= SHARED


def test_shared_options_are_those_of_a_run() -> None:
    known = {field.name for field in fields(RunOptions)}
    assert known >= SHARED - SAID_OTHERWISE
    assert set(OF_THE_MACHINE) <= SHARED


def test_what_was_not_given_is_left_to_the_run_or_the_file() -> None:
    given = RunArguments(seed=3, train_within=None).given("seed", "split", "train_within", "no_train")
    assert given == {"seed": 3, "no_train": False}
