"""Tables of size and cost of methods, with the numbers that papers print beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Any

from fusionbench.tables.grid import Grid
from fusionbench.tables.model import mean_places, one_line

Rows = Mapping[str, Mapping[str, Any]]
HEADER = (
    "Method", "Size", "Parameters", "GMACs", "Latency (ms)", "Quartiles (ms)", "Load (ms)", "Weights (MB)", "Peak (MB)",
)  # fmt: skip
RANKS = ("Size rank", "Speed rank")
UNITS = {
    "params": ("parameters", 1e6, "M"), "macs": ("multiply-accumulates", 1e9, "G"), "latency_ms": ("latency", 1, "ms"),
    "load_ms": ("load time", 1, "ms"), "weights_mb": ("weights", 1, "MB"), "peak_memory_mb": ("peak memory", 1, "MB"),
}  # fmt: skip


def cost_grid(profiles: Rows) -> Grid:
    """Return one row for each method and size; a method that could not be profiled has dashes.

    Two methods or more are ranked by size and by speed.
    """
    ranks = cost_ranks(profiles)
    header = HEADER + (RANKS if ranks else ())
    rows = tuple(
        line + tuple(f"{place:.1f}" for place in ranks.get(name, ()))
        for name, row in profiles.items()
        for line in _lines(row, len(header))
    )
    return Grid("Size and cost of methods", header, rows, " ".join(_caption(profiles)), names=2)


def cost_ranks(profiles: Rows) -> dict[str, tuple[float, float]]:
    """Return, by method, its ranks by size and by speed, 1 being best; empty for fewer than two methods.

    The rank by size is the mean of the rank in parameters and the rank in MACs, averaged over image sizes; the rank by
    speed is the mean rank in latency over image sizes. Equal values share the mean of their ranks. The definition is that
    of RefineFuse's Table 11 (doi 10.1007/s44267-025-00087-w), which prints whole numbers.
    """
    good = {name: row for name, row in profiles.items() if row["status"] == "ok"}
    if len(good) < 2:
        return {}
    sizes = set.intersection(*(set(row["macs"]) for row in good.values()))
    weight = _places({name: row["params"] for name, row in good.items()})
    work = [_places({name: row["macs"][size] for name, row in good.items()}) for size in sizes]
    medians = [{name: row["latency_ms"][size]["median"] for name, row in good.items()} for size in sizes]
    time = [_places(values) for values in medians]
    return {
        name: (
            (weight[name] + fmean(places[name] for places in work)) / 2,
            fmean(places[name] for places in time),
        )
        for name in good
    }


def _places(values: Mapping[str, float]) -> dict[str, float]:
    places = mean_places(list(map(str, values.values())), "lower")
    return {name: place for name, place in zip(values, places, strict=True) if place is not None}


def _lines(row: Mapping[str, Any], columns: int) -> Iterator[tuple[str, ...]]:
    if row["status"] != "ok":
        yield (row["title"], *["–"] * (columns - 1))
        return
    for size, count in row["macs"].items():
        time, peak = row["latency_ms"][size], row["peak_memory_mb"][size]
        yield (
            row["title"], size, f"{row['params']:,}", f"{count / 1e9:.3f}", f"{time['median']:.2f}",
            f"{time['lower_quartile']:.2f} to {time['upper_quartile']:.2f}", f"{row['load_ms']:.1f}",
            f"{row['weights_mb']:.2f}", "–" if peak is None else f"{peak:.0f}",
        )  # fmt: skip


def _caption(profiles: Rows) -> Iterator[str]:
    good = [row for row in profiles.values() if row["status"] == "ok"]
    if good:
        yield f"Batch 1 on {_hardware(good[0]['hardware'])}."
        yield "Latency is the median of one fuse, reading, color, padding and saving excluded."
        yield "Parameters and MACs are counted as each method's paper counts them: " + "; ".join(
            f"{row['title']} {row['macs_count'].replace('conv_linear', 'convolutions and linear layers')}"
            for row in good
        ).replace(" all", " all operators") + "."  # fmt: skip
        if kind := good[0]["memory_of"]:
            yield f"Peak memory is counted in {kind}, with parameters and inputs."
        if len(good) > 1:
            yield "Size rank: mean rank in parameters and MACs. Speed rank: mean rank in latency over the sizes."
    for row in profiles.values():
        if row["status"] != "ok":
            yield f"{row['title']}: {one_line(row['detail'])}"


def _hardware(hardware: Mapping[str, Any]) -> str:
    parts = [hardware["device"]]
    threads = f"{hardware['threads']} thread{'s' if hardware['threads'] > 1 else ''}"
    parts.append(f"driver {hardware['driver']}" if hardware["driver"] else threads)
    return ", ".join([*parts, f"PyTorch {hardware['torch']}"])


def cost_text(profiles: Rows) -> str:
    """Return the table for a terminal, the growth of cost with size, and each printed number beside the measured one."""
    grid = cost_grid(profiles)
    blocks = ["\n".join(_columns([grid.header, *grid.rows], grid.names)), grid.caption]
    growth = [line for row in profiles.values() for line in _growth(row)]
    printed = [line for row in profiles.values() for line in _printed(row)]
    if growth:
        blocks.append("\n".join(["Growth with the number of pixels (1 = linear, 2 = quadratic):", *growth]))
    if printed:
        blocks.append("\n".join(["Beside the papers:", *_columns(printed, 4)]))
    return "\n\n".join(blocks)


def _columns(rows: Any, left: int) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(t.ljust(w) if i < left else t.rjust(w) for i, (t, w) in enumerate(zip(row, widths, strict=True)))
        .rstrip() for row in rows
    ]  # fmt: skip


def _growth(row: Mapping[str, Any]) -> Iterator[str]:
    if row["status"] == "ok" and any(e is not None for e in row["growth"].values()):
        told = (f"{name} {e:.2f}" for name, e in row["growth"].items() if e is not None)
        yield f"  {row['title']}: {', '.join(told)}"


def _printed(row: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for entry in row.get("printed", ()):
        name, factor, unit = UNITS[entry["quantity"]]
        here = "not measured" if entry["measured"] is None else f"{entry['measured'] / factor:.3f} {unit}"
        gap = "" if entry["gap"] is None else f"{entry['gap']:+.1%}"
        yield (
            f"  {row['title']}", name, entry["size"], f"{entry['where']}: {_verdict(entry)}",
            f"{entry['printed'] / factor:g} {unit} printed", here, gap,
        )  # fmt: skip


def _verdict(entry: Mapping[str, Any]) -> str:
    if entry["measured"] is None:
        return f"add --size {entry['size']}"
    if entry["within"] is None:
        return "other hardware"
    bound = f"{entry['bound']:.1%}" if entry["bound"] else "the printed digits"
    return f"within {bound}" if entry["within"] else f"NOT within {bound}"
