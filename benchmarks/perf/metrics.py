"""Print CPU seconds per image triple of every metric and of the default set, on one thread.

    python benchmarks/perf/metrics.py [--size 640x480 ...] [--metrics VIF,SSIM] [--repeats 7] [--no-plain] [--json]

"cold": `score`, nothing is known of the sources. "kept": `score_fused` on another fused image of a pair whose
statistics `sources` keeps. "plain": NumPy and SciPy code of the same definitions (metrics_plain*.py here), which
takes turns with ours. Medians of process_time. Quick metrics are repeated more often and slow ones less, as their
lines say; the set is repeated as asked.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read once, when NumPy and torch are loaded

import argparse
import json
import math
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import metrics_timing as timing
import numpy as np
import scipy
import torch

import fusionbench
from fusionbench.errors import FusionbenchError
from fusionbench.metrics import DEFAULT, cards, resolve

SMALLEST = max(cards()[name].smallest for name in resolve("all"))
SET = f"the set of {len(DEFAULT)}"


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    report: dict[str, Any] = {"machine": machine(), "default": list(DEFAULT), "costs": {}}
    say = (lambda line: None) if options.json else (lambda line: print(line, flush=True))
    say("  ".join(f"{name} {version}" for name, version in report["machine"].items()))
    for size in options.size:
        say(f"\n{name_of(size)}: CPU seconds per triple and thread, medians of n\n{HEADER}")
        costs = report["costs"][name_of(size)] = {}
        for row in rows(size, options):
            costs[row["name"]] = row
            say(line_of(row))
    report["growth"] = timing.growth(options.size[0], options.repeats)
    report["gpu"] = gpu(options)
    for line in closing(report):
        say(line)
    if options.json:
        print(json.dumps(report, indent=2))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--size", type=parsed_size, nargs="+", default=[(640, 480), (1024, 768)], metavar="WxH"
    )
    parser.add_argument("--metrics", default="all", help="names with commas between, 'default' or 'all'")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--no-plain", action="store_true", help="leave out the comparison")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")
    try:
        options.metrics = resolve(options.metrics, "canonical")
    except FusionbenchError as error:
        parser.error(str(error))
    return options


def parsed_size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()) or min(int(width), int(height)) < SMALLEST:
        message = f"'{text}' is no size like 640x480 with sides of at least {SMALLEST} pixels"
        raise argparse.ArgumentTypeError(message)
    return int(width), int(height)


def name_of(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def machine() -> dict[str, str]:
    """Return versions and the processor's name."""
    versions = {"fusionbench": fusionbench.__version__, "python": platform.python_version()}
    versions |= {module.__name__: module.__version__ for module in (torch, np, scipy)}
    information = Path("/proc/cpuinfo")
    text = information.read_text() if information.exists() else ""
    models = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return versions | {"cpu": models[0] if models else platform.processor() or platform.machine()}


def rows(size: tuple[int, int], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure each metric by itself, then the default set beside each way to filter in the plain code."""
    images = timing.triple(size)
    plain = {} if options.no_plain else timing.VARIANTS
    full = dict(list(plain.items())[:1])
    for name in options.metrics:
        beside = full if name in timing.PLAIN else {}  # of the rest, the reference is MATLAB code
        yield from rows_of(name, timing.costs(images, [name], beside, options.repeats))
    yield from rows_of(SET, timing.costs(images, DEFAULT, plain, options.repeats, math.inf))


def rows_of(name: str, costs: timing.Costs) -> Iterator[dict[str, Any]]:
    """Turn costs to a row for each plain variant, or one row where there is none."""
    cold, kept = costs.seconds["cold"], costs.seconds["kept"]
    row = {"name": name, "repeats": costs.repeats, "cold": cold, "kept": kept}
    variants = [title for title in costs.seconds if title in timing.VARIANTS]
    for title in variants:
        seconds = costs.seconds[title]
        ratios = {"plain/cold": seconds / cold, "plain/kept": seconds / kept}
        agreement = timing.difference({mode: costs.results[mode] for mode in ("kept", title)})
        shown = name if len(variants) == 1 else f"{name}, {title}"
        yield {**row, "name": shown, "plain": seconds, **ratios, "difference": agreement}
    if not variants:
        yield row


HEADER = f"{'':<40} {'cold':>8} {'kept':>8} {'plain':>8} {'plain/cold':>11} {'plain/kept':>11} {'differ by':>10} {'n':>3}"


def line_of(row: dict[str, Any]) -> str:
    text = f"{row['name']:<40} {row['cold']:8.4f} {row['kept']:8.4f} "
    if "plain" in row:
        text += f"{row['plain']:8.4f} {row['plain/cold']:11.1f} {row['plain/kept']:11.1f} {row['difference']:10.0e}"
    else:
        text += " " * 43
    return f"{text} {row['repeats']:3}"


def gpu(options: argparse.Namespace) -> dict[str, Any] | None:
    """Measure triples per second on the GPU; None where there is none."""
    if not torch.cuda.is_available():
        return None
    speeds = {
        name_of(size): timing.triples_per_second(size, "cuda", options.repeats) for size in options.size
    }
    return {"device": torch.cuda.get_device_name(), "batch": timing.BATCH, "triples per second": speeds}


def closing(report: dict[str, Any]) -> Iterator[str]:
    """Say how cost grows, and what a GPU does."""
    yield "\nHow the cost of the default set grows (1 is linear in the number of pixels)"
    for mode, cost_of in report["growth"].items():
        seconds = ", ".join(f"{size} {cost:.4f} s" for size, cost in cost_of.items() if size != "exponent")
        yield f"{mode}: pixels to the power {cost_of['exponent']:.2f} ({seconds})"
    if report["gpu"] is None:
        yield "\nGPU: there is none here, so no throughput."
        return
    yield f"\nGPU: {report['gpu']['device']}, default set, batches of {report['gpu']['batch']}"
    for size, speed in report["gpu"]["triples per second"].items():
        yield f"{size}: {speed:.0f} triples per second"


if __name__ == "__main__":
    main()
