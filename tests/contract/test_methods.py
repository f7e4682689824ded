"""Every registered method and every variant keeps the contract; its card is whole."""

from __future__ import annotations

import hashlib
import json

import pytest

from fusionbench.checks import CHECKS, base_arguments, run_checks
from fusionbench.providers import share
from fusionbench.registry.methods import names, spec

# a step and a fused pair of every variant are in each method's own tests
REFERENCES = [
    reference
    for name in names()
    for reference in (
        name,
        *(
            pytest.param(f"{name}@{variant}", marks=pytest.mark.slow)
            for variant, layer in spec(name).known_variants().items()
            if "args" in layer
        ),
    )
]


@pytest.mark.parametrize("reference", REFERENCES)
def test_keeps_the_contract(reference: str) -> None:
    verdicts = list(run_checks(spec(reference)))
    assert [v for v in verdicts if v.outcome == "failed"] == []
    assert {v.check for v in verdicts} == set(CHECKS)


@pytest.mark.parametrize("name", names())
def test_card_says_what_a_reader_needs(name: str) -> None:
    card = spec(name).card
    assert card.summary
    assert card.kind == "trivial" or card.doi
    if card.kind == "learned":
        assert card.bibtex
        assert card.licence
        # the size that the paper states, or an open point that says what ours rests on
        assert card.expect.get("parameters") or any("width" in point["what"] for point in card.open)
        assert all({"what", "choice", "why"} <= point.keys() for point in card.open)


LARGEST, ALL = 80_000_000, 190_000_000  # bytes of a file of weights, and of all that are committed


def test_all_shipped_weights_together_stay_small() -> None:
    assert 0 < sum(path.stat().st_size for path in share("methods").glob("*/weights/*.safetensors")) < ALL


@pytest.mark.parametrize("name", [n for n in names() if spec(n).card.weights])
def test_shipped_weights_are_what_their_json_says(name: str) -> None:
    method = spec(name)
    for file in set(method.card.weights.values()):
        path = method.source / "weights" / file
        about = json.loads(path.with_suffix(".json").read_text())
        assert hashlib.sha256(path.read_bytes()).hexdigest() == about["sha256"]
        assert path.stat().st_size <= LARGEST
        assert about.get("stands_for", about["arguments"]) == base_arguments(method)
