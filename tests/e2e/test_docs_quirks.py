"""The table of quirks in docs/published.md is what the cards say."""

import runpy
from pathlib import Path


def test_the_table_is_that_of_the_cards() -> None:
    script = runpy.run_path(str(Path(__file__).parents[2] / "docs/site/quirks.py"))
    page = script["PAGE"].read_text(encoding="utf-8")
    assert script["with_table"](page) == page, "run python docs/site/quirks.py"
    assert page.count("| seafusion |") == 4
