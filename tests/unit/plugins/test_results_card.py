"""A card beside a folder of fused images names it in records."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionbench.errors import ConfigError
from fusionbench.registry.method_spec import check_family
from fusionbench.registry.methods import spec

EXAMPLE = Path(__file__).parents[3] / "docs/examples/their_results"


def test_the_example_is_read() -> None:
    method = spec(f"images:{EXAMPLE}")
    assert (method.name, method.external) == ("images-their_results", True)
    card = method.card
    assert (card.title, card.families, card.color) == ("Their method", ("ir-vis",), "luma")
    assert card.paper.startswith("Someone and Else")
    assert "@article{Someone2026" in card.bibtex


def test_a_folder_without_a_card_is_of_every_family(tmp_path: Path) -> None:
    card = spec(f"images:{tmp_path}").card
    assert (card.title, card.kind, len(card.families)) == (tmp_path.name, "external", 3)
    check_family(spec(f"images:{tmp_path}"), "demo", "ir-vis")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("titel: X", "did you mean 'title'"),
        ("families: [infra]", "family 'infra'"),
        ("families: ir-vis", "a list"),
        ("color: gray", "neither luma nor rgb"),
        ("command: [x]", "Unknown configuration key 'command'"),
        ("- a", "must be a mapping"),
    ],
)
def test_what_a_card_cannot_say_is_told(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "card.yaml").write_text(text)
    with pytest.raises(ConfigError, match=word):
        spec(f"images:{tmp_path}")
