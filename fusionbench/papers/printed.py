"""Reading the numbers that papers print: ``leaderboards/reported/<paper>.csv`` and ``<paper>.yaml``.

Nothing here is measured. This module loads neither torch nor pandas.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from fusionbench.config import read_yaml, unknown_key
from fusionbench.errors import ConfigError, RequestError, UnknownNameError
from fusionbench.metrics.registry import spelled
from fusionbench.providers import share


@dataclass(frozen=True)
class Number:
    """One printed number; the fields are the columns of the CSV file.

    ``value`` has the digits as printed. ``dataset`` is a name in the catalog, empty if the paper names none.
    ``train_dataset`` is empty if it is the paper's usual one. ``setting`` is the variant in an ablation.
    """

    paper: str
    table: int
    kind: str
    dataset: str
    train_dataset: str
    method: str
    setting: str
    metric: str
    value: str
    direction: str
    own_method: bool
    note: str

    @property
    def number(self) -> float:
        return float(self.value)

    @property
    def decimals(self) -> int:
        return len(self.value.partition(".")[2])


@dataclass(frozen=True)
class Paper:
    """A paper with printed numbers, and what is known of their computation; the fields are the keys of the YAML file.

    ``profile`` is the paper's set of metric definitions, and ``convention`` says how certain that is. ``undecided`` adds
    metrics that the profile does not have. ``pairs`` is the number of test pairs of each data set, and ``other_pairs``
    says why they cannot be those of the split here. ``aliases`` maps printed names to methods with other names here, and
    ``differs`` says how such a method may differ. ``settings`` maps printed settings to variants, ``recipes`` maps data
    sets to the variant with the paper's recipe for them.
    """

    name: str
    title: str
    citation: str
    doi: str
    bibtex: str
    profile: str
    convention: str
    undecided: Mapping[str, str] = field(default_factory=dict)
    pairs: Mapping[str, int] = field(default_factory=dict)
    other_pairs: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    differs: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    recipes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    numbers: tuple[Number, ...] = ()


def papers() -> dict[str, Paper]:
    """Return every paper by name. Raises ConfigError for an invalid file."""
    return dict(_papers())


@cache
def _papers() -> dict[str, Paper]:
    files = sorted(share("leaderboards/reported").glob("*.yaml"))
    return {file.stem: read_paper(file) for file in files}


def read_paper(file: Path) -> Paper:
    """Return the paper in a YAML file and the CSV file beside it. Raises ConfigError for invalid content."""
    about = read_yaml(file)
    keys = {f.name: f.default is f.default_factory is MISSING for f in fields(Paper)}
    keys = {key: needed for key, needed in keys.items() if key not in ("name", "numbers")}
    for key in about:
        if key not in keys:
            raise ConfigError(f"{file}: {unknown_key(key, keys)}")
    if missing := [key for key, needed in keys.items() if needed and not about.get(key)]:
        raise ConfigError(f"{file} lacks {', '.join(missing)}: add it.")
    about["notes"] = tuple(about.get("notes", ()))
    return Paper(name=file.stem, numbers=_read_numbers(file.with_suffix(".csv")), **about)


def _read_numbers(file: Path) -> tuple[Number, ...]:
    with file.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream, strict=True)
        columns = [f.name for f in fields(Number)]
        if reader.fieldnames != columns:
            raise ConfigError(f"{file} has the columns {reader.fieldnames}: write {columns}.")
        return tuple(_number(row, f"{file} line {reader.line_num}") for row in reader)


def _number(row: Mapping[str, str], where: str) -> Number:
    try:
        facts: dict[str, Any] = {
            **row,
            "table": int(row["table"]),
            "own_method": bool(int(row["own_method"])),
        }
        number = Number(**facts)
        float(number.value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where} is not a printed number: {error}; fix that line.") from error
    return number


def plain(name: str) -> str:
    """Return the form in which names of methods are compared: letters and digits only, case folded."""
    return "".join(char for char in name.casefold() if char.isalnum())


def called(paper: Paper, number: Number) -> str:
    """Return the plain name of the method here that corresponds to a printed row."""
    return plain(paper.aliases.get(number.method, number.method))


def select_numbers(
    *,
    papers: Iterable[str] = (),
    datasets: Iterable[str] = (),
    methods: Iterable[str] = (),
    metrics: Iterable[str] = (),
    kinds: Iterable[str] = (),
) -> list[Number]:
    """Return the printed numbers that match all of the given names, in the papers' order; no name matches all.

    Case is ignored, and hyphens equal underscores; methods may have their printed or registered names. Raises
    UnknownNameError for a name that no paper prints, and RequestError if no number is left.
    """
    numbers = [number for paper in _papers().values() for number in paper.numbers]
    wanted = [
        _wanted(papers, "paper with printed numbers", _papers(), lambda n: n.paper),
        _wanted(datasets, "data set with printed numbers", _values(numbers, "dataset"), lambda n: n.dataset),
        _wanted(metrics, "printed metric", _values(numbers, "metric"), lambda n: n.metric),
        _wanted(kinds, "kind of table", _values(numbers, "kind"), lambda n: n.kind),
        _wanted_methods(methods, numbers),
    ]
    selected = [number for number in numbers if all(test(number) for test in wanted)]
    if not selected:
        raise RequestError(
            "No paper prints numbers for all of these options together: leave one of them out."
        )
    return selected


Test = Callable[[Number], bool]


def _values(numbers: Iterable[Number], name: str) -> list[str]:
    return list(dict.fromkeys(value for n in numbers if (value := getattr(n, name))))


def _wanted(asked: Iterable[str], kind: str, known: Iterable[str], of: Callable[[Number], str]) -> Test:
    names = {spelled(name, known, kind) for name in asked}
    return lambda number: not names or of(number) in names


def _wanted_methods(asked: Iterable[str], numbers: Iterable[Number]) -> Test:
    known = {plain(number.method): number.method for number in numbers}
    for paper in _papers().values():
        known |= {plain(name): name for name in paper.aliases.values()}
    names = {plain(name): name for name in asked}
    for name, given in names.items():
        if name not in known:
            raise UnknownNameError("method with printed numbers", given, known.values())
    return lambda number: (
        not names or bool({plain(number.method), called(_papers()[number.paper], number)} & names.keys())
    )
