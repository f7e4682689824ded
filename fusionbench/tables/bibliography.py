"""BibTeX entries of the methods, data sets and metrics in a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from textwrap import dedent
from typing import Any

from fusionbench.errors import FusionbenchError
from fusionbench.tables.cells import Record
from fusionbench.tables.model import Table

_START = re.compile(r"^\s*@(\w+)\s*\{\s*([^,\s]+)\s*,", re.MULTILINE)
_BEFORE = re.compile(r"^(?=\s*@\w+\s*\{)", re.MULTILINE)
_DOI = re.compile(r"\bdoi\s*=\s*[{\"]([^}\"]+)", re.IGNORECASE)
_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    char: f"\\{char}" for char in "&%$#_{}"
}


@dataclass
class Bibliography:
    """BibTeX entries by key, the key by which to cite each method, and phrases on what has no entry."""

    entries: dict[str, str] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return the entries sorted by key, as the content of a .bib file."""
        return "\n".join(self.entries[key] for key in sorted(self.entries, key=str.casefold))

    def add(self, entry: str, owner: str) -> str:
        """Add an entry and return the key by which to cite it, an existing one if the same work is present."""
        start = _START.search(entry)
        assert start is not None  # cards are checked to have an entry
        key = start[2]
        for known, other in self.entries.items():
            if other == entry or (_doi(entry) and _doi(other) == _doi(entry)):
                return known
        if key in self.entries:  # two works with one key: that of the later one gets the name of its owner
            key = f"{key}-{owner}"
            entry = _START.sub(lambda match: match[0].replace(match[2], key), entry, count=1)
        self.entries[key] = entry
        return key


def bibliography(records: Iterable[Record], metrics: Sequence[str], cards: Mapping[str, Any]) -> Bibliography:
    """Return the entries of the records' methods and data sets, and of metrics by the DOI in their cards.

    An entry is taken verbatim from a method's card, a data set's catalog entry or ``metrics/references.bib``; if only a
    DOI is known, it is a ``@misc`` entry with the key ``doi:<DOI>``. A work that is cited twice has one entry. The result
    does not depend on the order of the records.
    """
    works = Bibliography()
    records = sorted(records, key=lambda record: (record["method"]["name"], record["dataset"]["name"]))
    for name, record in {record["method"]["name"].partition("@")[0]: record for record in records}.items():
        if record["method"]["kind"] != "trivial":
            _add_method(works, name, record)
    for name in sorted({record["dataset"]["name"] for record in records}):
        _add(works, _dataset_text(name), name, f"data set {name}")
    for doi, names in _by_doi(metrics, cards).items():
        text = metric_entry(doi) or (_misc(doi, f"Definition of {', '.join(names)}") if doi else "")
        _add(works, text, names[0], f"metric {', '.join(names)}")
    return works


def cited(table: Table, works: Bibliography) -> Table:
    """Return the table with the citation key of each row's method, if there is one."""
    keys = {row.method: works.methods.get(row.method.partition("@")[0], "") for row in table.rows if row.run}
    rows = tuple(replace(row, cite=keys[row.method]) if row.run else row for row in table.rows)
    return replace(table, rows=rows)


def _by_doi(metrics: Sequence[str], cards: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the names of metrics by the DOI of the work that defines them; columns without a card are left out."""
    metrics_of: dict[str, list[str]] = {}
    for name in sorted(set(metrics) & set(cards)):
        metrics_of.setdefault(cards[name].doi, []).append(name)
    return metrics_of


def _add_method(works: Bibliography, name: str, record: Record) -> None:
    title, doi = record["method"].get("title") or name, record["method"].get("doi")
    text = _method_text(name) or (_misc(doi, title) if doi else "")
    keys = _add(works, text, name, f"method {title}")
    if keys:
        works.methods[name] = keys[0]


def _add(works: Bibliography, text: str, owner: str, what: str) -> list[str]:
    keys = [works.add(entry, owner) for entry in split_entries(text)]
    if not keys:
        works.missing.append(what)
    return keys


def _method_text(name: str) -> str:
    from fusionbench.registry.methods import card

    try:
        return card(name).bibtex or ""
    except FusionbenchError:  # a local file, or a method that is not installed on this machine
        return ""


def metric_entry(doi: str) -> str:
    """Return the entry of the work with this DOI, from ``metrics/references.bib`` or the card of a method."""
    if not doi:
        return ""
    return next((entry for entry in _works() if _doi(entry) == doi.lower()), "")


@cache
def _works() -> tuple[str, ...]:
    from fusionbench.registry.methods import names

    text = files("fusionbench.metrics").joinpath("references.bib").read_text(encoding="utf-8")
    return tuple(entry for part in (text, *map(_method_text, names())) for entry in split_entries(part))


def _dataset_text(name: str) -> str:
    from fusionbench.data.registry import datasets

    known = datasets().get(name)
    return (known.citation or "") if known else ""


def split_entries(text: str) -> Iterator[str]:
    """Yield each BibTeX entry of a text, without text between entries."""
    for part in _BEFORE.split(dedent(text)):
        if _START.match(part):
            yield part.strip() + "\n"


def _misc(doi: str, title: str) -> str:
    key = re.sub(r"[^A-Za-z0-9.:/-]", "-", f"doi:{doi}")
    fields = {"title": f"{{{_escaped(title)}}}", "doi": doi, "howpublished": f"DOI {_escaped(doi)}"}
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items()]
    return f"@misc{{{key},\n" + ",\n".join(lines) + "\n}\n"


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(char, char) for char in text)


def _doi(entry: str) -> str:
    match = _DOI.search(entry)
    return match[1].strip().lower() if match else ""
