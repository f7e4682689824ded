"""Write the table of quirks into docs/published.md, from the cards: ``python docs/site/quirks.py``."""

from __future__ import annotations

import re
from pathlib import Path

from fusionbench.registry.methods import card, names

PAGE = Path(__file__).parents[1] / "published.md"
BEGIN, END = "<!-- quirks, written by docs/site/quirks.py -->\n", "<!-- end of quirks -->\n"


def table() -> str:
    """Return a row for every quirk of every method, in Markdown."""
    rows = ["| method | what | `@official` | default | differs by |", "| --- | --- | --- | --- | --- |"]
    for name in names():
        for quirk in card(name).quirks:
            cells = (name, quirk["what"], quirk["official"], quirk["default"], quirk.get("effect", ""))
            rows.append(
                "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
            )
    return "\n".join(rows) + "\n"


def with_table(text: str) -> str:
    """Return the page with the table as the cards have it now."""
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{table()}\n{END}", text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
