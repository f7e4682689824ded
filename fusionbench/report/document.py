"""One HTML file with everything in it: it sends no requests, and its policy allows only the report's own script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fusionbench import __version__
from fusionbench.errors import RequestError
from fusionbench.report.bars import LEFT, ROW, WIDTH, Figure, metric_figures
from fusionbench.report.chosen_images import choose_images
from fusionbench.report.embedding import Embedded, Shelf, embedding_sentence, encode_images, wanted_images
from fusionbench.report.facts import doi_link, method_facts, metric_facts, web_link
from fusionbench.report.gallery import gallery
from fusionbench.report.groups import Group
from fusionbench.report.overlays import Overlays, make_overlays, tested_images
from fusionbench.report.predictions import prediction_figures
from fusionbench.report.ranking import Ranking, make_ranking
from fusionbench.tables.board import Board
from fusionbench.tables.model import one_line
from fusionbench.tables.source_pairs import find_sources

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FAMILIES = {"ir-vis": "Infrared–visible", "medical": "Medical", "sar-opt": "SAR–optical"}
STYLES = ("base.css", "tables.css", "figures.css", "viewer.css", "print.css")
SCRIPTS = ("dom.js", "tables.js", "view.js", "panes.js", "wipe.js", "scores.js", "gallery.js", "start.js")


@dataclass(frozen=True)
class PageOptions:
    """Options of a page.

    ``images`` is the number of pairs to embed for each data set (None: `DEFAULT_IMAGES`), ``max_mb`` the largest size
    of the file in 10^6 bytes.
    """

    title: str | None = None
    data_root: str | None = None
    images: int | None = None
    max_mb: float = 15.0


@dataclass(frozen=True)
class Page:
    """The text of a page, and the notes on the images of each group."""

    text: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class BoardView:
    """A board with its figures, ranking and observations."""

    board: Board
    figures: Sequence[Figure]
    ranking: Ranking | None
    lessons: tuple[str, ...]


def make_page(groups: Sequence[Group], options: PageOptions) -> Page:
    """Return the page of some groups. Raises RequestError if it exceeds ``max_mb`` even without images."""
    shelves = [
        Shelf(
            group,
            find_sources(group.first, options.data_root),
            choose_images(group.first, wanted, tested_images(group)),
        )
        for group in groups
        for wanted in [wanted_images(options.images, group)]
    ]
    context = _context(groups, options)
    limit = int(options.max_mb * 1e6)
    room = limit - _bare_size(context, shelves, options)
    if room < 0:
        raise RequestError(
            f"The page takes {(limit - room) / 1e6:.1f} MB without any image, --max-mb allows {options.max_mb:g}: "
            "raise it, or choose fewer data sets with --dataset."
        )
    overlays = _overlays(shelves, room)
    room -= sum(entry.length for entries in overlays.values() for entry in entries)
    embedded = encode_images(shelves, room, options.images)
    return Page(
        _render(context, embedded, options, overlays),
        tuple(embedding_sentence(entry, options.max_mb) for entry in embedded),
    )


def _overlays(shelves: Sequence[Shelf], room: int) -> dict[str, list[Overlays]]:
    """Return the overlays of each group's images; none if they would take more than a third of the room."""
    overlays = {
        shelf.group.key: make_overlays(
            shelf.group, shelf.sources.pairs, [chosen.id for chosen in shelf.chosen]
        )
        for shelf in shelves
    }
    total = sum(entry.length for entries in overlays.values() for entry in entries)
    return overlays if total <= room / 3 else {}


def _bare_size(context: Mapping[str, Any], shelves: Sequence[Shelf], options: PageOptions) -> int:
    """Return the size of the page with the scores of all chosen images and empty pictures."""
    from fusionbench.report.pictures import FORMS, Picture

    empty = Picture(b"", (99999, 99999), (99999, 99999))
    full = [
        Embedded(
            shelf,
            FORMS[0],
            options.images,
            {c.id: [empty] * (2 + len(shelf.group.first.runs)) for c in shelf.chosen},
        )
        for shelf in shelves
    ]
    return len(_render(context, full, options).encode()) + 500 * len(shelves)


def _context(groups: Sequence[Group], options: PageOptions) -> dict[str, Any]:
    boards = [board for group in groups for board in group.boards]
    return {
        "title": one_line(options.title) if options.title else _title(groups),
        "version": __version__,
        "families": _families(groups),
        "views": {group.key: [_view(board, group) for board in group.boards] for group in groups},
        "profiles": list(dict.fromkeys(board.table.profile for board in boards)),
        "methods": method_facts(groups),
        "metrics": metric_facts(boards),
        "counts": _counts(groups),
        "predictions": list(prediction_figures(groups, options.data_root)),
        "doi_link": doi_link,
        "web_link": web_link,
        "layout": {"left": LEFT, "width": WIDTH, "row": ROW},
    }


def _view(board: Board, group: Group) -> BoardView:
    from fusionbench.statistics.lessons import lessons

    others = [other for other in group.boards if other is not board]
    return BoardView(board, metric_figures(board), make_ranking(board), lessons(board, others))


def _title(groups: Iterable[Group]) -> str:
    titles = list(dict.fromkeys(one_line(group.first.table.title) for group in groups))
    return f"Image fusion: {', '.join(titles[:3])}{' and others' if len(titles) > 3 else ''}"


def _families(groups: Iterable[Group]) -> list[tuple[str, list[Group]]]:
    by_family: dict[str, list[Group]] = {}
    for group in groups:
        by_family.setdefault(FAMILIES.get(group.family, group.family), []).append(group)
    return list(by_family.items())


def _counts(groups: Sequence[Group]) -> str:
    methods = {run.record["method"]["name"] for group in groups for run in group.first.runs}
    pairs = sum(len(group.first.images) for group in groups)
    parts = [(len(groups), "data set"), (pairs, "image pair"), (len(methods), "method")]
    return ", ".join(f"{count} {noun}{'s' if count != 1 else ''}" for count, noun in parts)


def _render(
    context: Mapping[str, Any],
    embedded: Sequence[Embedded],
    options: PageOptions,
    overlays: Mapping[str, Sequence[Overlays]] | None = None,
) -> str:
    drawn = overlays or {}
    script = _joined("scripts", SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = _environment().get_template("page.html.j2").render(
        **context,
        style=_joined("styles", STYLES),
        script=script,
        script_hash=f"sha256-{digest}",
        notes={entry.shelf.group.key: _notes(entry, options) for entry in embedded},
        galleries={
            key: to_script(gallery(entry, drawn.get(key, ()))) for entry in embedded for key in [entry.shelf.group.key]
        },
    )  # fmt: skip
    # a record's JSON may contain lone surrogates, which cannot be encoded as UTF-8
    return text.encode("utf-8", "replace").decode()


def _notes(entry: Embedded, options: PageOptions) -> list[str]:
    return [note for note in (embedding_sentence(entry, options.max_mb), entry.shelf.sources.note) if note]


def to_script(document: Any) -> str:
    """Return JSON for a script element: no string in it can close the element, because "<" is escaped."""
    text = json.dumps(document, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("fusionbench.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = mark_code
    return environment


def mark_code(text: object) -> Markup:
    """Return a text as escaped HTML, with its parts in backticks as ``code`` elements."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@cache
def _joined(folder: str, names: tuple[str, ...]) -> str:
    """Return the files of a folder in one text; scripts share the scope of one function."""
    place = files("fusionbench.report") / folder
    text = "\n".join((place / name).read_text(encoding="utf-8").strip() for name in names)
    return f'"use strict";\n(() => {{\n{text}\n}})();' if folder == "scripts" else text
