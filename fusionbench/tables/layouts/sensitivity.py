"""Sensitivity tables: values of one or several arguments as rows, to show how scores depend on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fusionbench.data.noise.setting import noise_from
from fusionbench.errors import RequestError
from fusionbench.tables.cells import Record
from fusionbench.tables.layouts.ablation import constructor_defaults
from fusionbench.tables.layouts.selection import (
    RowHead,
    Selection,
    arguments_of,
    base_of,
    by_method,
    distinct,
    frozen,
    settings_of,
    text_of,
    title_of,
)

ABSENT = "default"  # the value of an argument that neither the record nor the method's source states


def select(records: Sequence[Record], arguments: Sequence[str], _: Sequence[str]) -> list[Selection]:
    """Return one selection for each method, argument and setting of all other arguments with two values or more.

    ``arguments`` are varied together; without any, each number that varies is taken on its own. A name with a dot is a
    key of the configuration, such as stages.fuse.epochs, any other name an argument. Raises RequestError if nothing
    varies.
    """
    selections: list[Selection] = []
    for base, rows in by_method(records).items():
        configs = _configs(base, rows)
        keys = [_key(name) for name in arguments]
        for varied in [keys] if keys else [[key] for key in _numbers(configs)]:
            selections += _selections(rows, configs, varied)
    if not selections:
        what = ", ".join(arguments) or "a number"
        raise RequestError(
            f"No two runs of a method differ only in {what}: run a sweep with a grid over it, "
            "or name the arguments that are varied."
        )
    return selections


def _key(name: str) -> str:
    return name if "." in name else f"args.{name}"


def _configs(base: str, records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return each record's configuration by dotted key, with the constructor's defaults for missing arguments."""
    defaults = constructor_defaults(base)
    return [
        dict(_flat({**(record.get("config") or {}), "args": defaults | arguments_of(record)}))
        for record in records
    ]


def _flat(config: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _numbers(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the arguments that are numbers and vary."""
    keys = dict.fromkeys(key for config in configs for key in config if key.startswith("args."))
    return [
        key
        for key in keys
        if all(_is_number(c[key]) for c in configs if key in c)
        and len({c.get(key, ABSENT) for c in configs}) > 1
    ]


def _is_number(value: Any) -> bool:
    # a bool is an int in Python
    return isinstance(value, int | float) and not isinstance(value, bool)


def _selections(
    records: Sequence[Record], configs: Sequence[Mapping[str, Any]], varied: Sequence[str]
) -> Iterator[Selection]:
    """Yield one selection for each group of records that differ only in the varied keys and have two values or more."""
    groups: dict[tuple, list[int]] = {}
    for i, (record, config) in enumerate(zip(records, configs, strict=True)):
        groups.setdefault(_rest(record, config, varied), []).append(i)
    varying = {}
    for rest, members in groups.items():
        rows = [(tuple(configs[i].get(key, ABSENT) for key in varied), records[i]) for i in members]
        if len(list(distinct(values for values, _ in rows))) > 1:
            varying[rest] = rows
    settings = _telling(varying)
    yield from (_selection(rows, varied, settings[rest]) for rest, rows in varying.items())


def _rest(record: Record, config: Mapping[str, Any], varied: Sequence[str]) -> tuple:
    args = {k: v for k, v in config.items() if k.startswith("args.") and k not in varied}
    source = [part for part in settings_of(record) if part.startswith("from=")]
    identity = record["identity"]
    return frozen(args | {"seed": identity.get("seed"), "from": source, "noise": str(noise_from(identity))})


def _telling(groups: Mapping[tuple, Any]) -> dict[tuple, str]:
    """Return, for each group of one method, the settings in which it differs from the others; empty for a single one."""
    if not groups:
        return {}
    common = set.intersection(*(set(rest) for rest in groups))
    return {
        rest: ", ".join(
            f"{key.removeprefix('args.')}={_plain(value)}"
            for key, value in rest
            if (key, value) not in common
        )
        for rest in groups
    }


def _plain(value: Any) -> str:
    return text_of(value[0] if isinstance(value, tuple) and len(value) == 1 else value)


def _selection(rows: Sequence[tuple[tuple, Record]], varied: Sequence[str], setting: str) -> Selection:
    names = tuple(key.removeprefix("args.") for key in varied)
    renamed, lines = [], {}
    for values, record in sorted(rows, key=lambda row: [_place(value) for value in row[0]]):
        texts = [text_of(value) for value in values]
        told = "+".join(f"{name}={text}" for name, text in zip(names, texts, strict=True))
        # two runs of one method that differ in this argument are two rows, so they need different names
        name = f"{base_of(record)}@{told}"
        renamed.append({**record, "method": {**record["method"], "name": name}})
        lines[name] = RowHead(texts[0], tuple(texts[1:]), record["method"]["name"])
    title = f"{title_of(renamed)}, sensitivity to {' and '.join(names)}" + (
        f" ({setting})" if setting else ""
    )
    return Selection(title, names[0], names[1:], tuple(renamed), lines)


def _place(value: Any) -> tuple:
    """Return a sort key: numbers by value, then all other values by their text."""
    return (0, value, "") if _is_number(value) else (1, 0, text_of(value))
