"""Tables as a fragment of HTML with its own style, which loads nothing and can be put into any page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from fusionbench.tables.model import Table, one_line

if TYPE_CHECKING:
    from jinja2 import Template


def render(tables: Iterable[Table]) -> str:
    """Return a style and one section for each table, with heading, caption and footnotes.

    All texts are escaped. The best value of a column is in ``<b>``, the second best in ``<u>``.
    """
    return _template().render(tables=list(tables))


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["line"] = one_line
    text = files(__package__).joinpath("table.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text)
