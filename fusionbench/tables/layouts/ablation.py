"""Ablation tables: variants of one method as rows, with a check mark for each argument left at its default."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fusionbench.errors import FusionbenchError, RequestError
from fusionbench.registry.cards import parsed_source
from fusionbench.tables.cells import Record
from fusionbench.tables.layouts.selection import (
    OFF,
    YES,
    RowHead,
    Selection,
    arguments_of,
    base_of,
    by_method,
    distinct,
    ordered,
    settings_of,
    text_of,
    title_of,
)

DEFAULT = "default"  # printed if the method's source, and so its default, is not available


def select(records: Sequence[Record], _: Sequence[str], order: Sequence[str]) -> list[Selection]:
    """Return one selection for each method with two variants or more. Raises RequestError if there is none.

    An argument has a column if rows differ in it. If it is only switched off, a check mark stands for the method's own
    value; otherwise values are printed.
    """
    kept = [record for record in records if not any(part.startswith("from=") for part in settings_of(record))]
    selections = [
        _selection(rows, order)
        for rows in by_method(kept).values()
        if len({record["method"]["name"] for record in rows}) > 1
    ]
    if not selections:
        raise RequestError(
            "No method has two variants there: run some, as with `--method NAME,NAME@VARIANT` "
            "(`fusionbench info NAME` lists them)."
        )
    return selections


def _selection(records: Sequence[Record], order: Sequence[str]) -> Selection:
    base = base_of(records[0])
    own = next((arguments_of(record) for record in records if record["method"]["name"] == base), {})
    full = constructor_defaults(base) | own
    rows = {record["method"]["name"]: arguments_of(record) for record in records}
    names = [name for name in _arguments(rows, full) if _varies(name, rows, full)]
    lines = {
        name: RowHead(
            name.partition("@")[2] or title_of(records),
            tuple(_mark(argument, rows[name], rows, full) for argument in names),
            name,
        )
        for name in ordered(rows, order)
    }
    marked = any(YES in line.leads for line in lines.values())
    said = "A check mark: the row has it; an empty place: it is left out." if marked else ""
    return Selection(f"{title_of(records)}, ablation", "Variant", tuple(names), tuple(records), lines, said)


def _arguments(rows: Mapping[str, Mapping[str, Any]], full: Mapping[str, Any]) -> list[str]:
    """Return the names of all arguments, those of the constructor in its order, then others."""
    return list(dict.fromkeys([*full, *(argument for name in sorted(rows) for argument in rows[name])]))


def _values(argument: str, rows: Mapping[str, Mapping[str, Any]], full: Mapping[str, Any]) -> list[Any]:
    return [row.get(argument, full.get(argument, DEFAULT)) for row in rows.values()]


def _varies(argument: str, rows: Mapping[str, Mapping[str, Any]], full: Mapping[str, Any]) -> bool:
    return len(list(distinct(_values(argument, rows, full)))) > 1


def _mark(
    argument: str, row: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]], full: Mapping[str, Any]
) -> str:
    usual = full.get(argument, DEFAULT)
    value = row.get(argument, usual)
    others = [other for other in distinct(_values(argument, rows, full)) if other != usual]
    if usual not in OFF and all(other in OFF for other in others):
        return "" if value in OFF else YES
    if usual in OFF and others == [True]:
        return YES if value is True else ""
    return text_of(value)


def constructor_defaults(method: str) -> dict[str, Any]:
    """Return the literal defaults of a method's constructor, empty if the method is not usable on this machine."""
    from fusionbench.registry.arguments import method_files
    from fusionbench.registry.methods import spec

    try:
        nodes = [node for path in method_files(spec(method).source) for node in parsed_source(path).body]
    except FusionbenchError:
        return {}
    defaults: dict[str, Any] = {}
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            defaults |= dict(_defaults(node))
    return defaults


def _defaults(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    for function in node.body:
        if isinstance(function, ast.FunctionDef) and function.name == "__init__":
            for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
                if default is None:
                    continue
                try:
                    yield argument.arg, ast.literal_eval(default)
                except ValueError:
                    continue  # a default that is computed
