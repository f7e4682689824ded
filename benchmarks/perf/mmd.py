"""Print CPU seconds and peak memory of the maximum mean discrepancy in blocks, beside whole kernel matrices.

    python benchmarks/perf/mmd.py [--sizes 1000 4000 20000] [--dim 1024] [--naive-to 4000] [--resamples 1000] [--json]

"blocks": `mmd`, what the package computes. "with interval": `resampled_mmd`, the same with its bootstrap. "naive":
three whole matrices in float64, up to --naive-to embeddings a side. Each runs in a process of its own, whose peak
memory is told beyond that of the embeddings themselves. CPU seconds, once, on one thread.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read once, when NumPy is loaded

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from fusionbench.metrics.learned.mmd import Kernel, draw_scenes, mmd, resampled_mmd


def main() -> None:
    options = arguments()
    rows = []
    if not options.json:
        print(f"{'embeddings':>14} {'':<15} {'seconds':>9} {'peak MB':>9} {'value':>14}")
    for size in options.sizes:
        for name, work in ways(size, options):
            row = {"size": size, "dim": options.dim, "way": name, **measured(work, size, options.dim)}
            rows.append(row)
            if not options.json:
                print(line_of(row), flush=True)
    if options.json:
        print(json.dumps(rows, indent=2))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1000, 4000, 20000], help="embeddings in each set"
    )
    parser.add_argument("--dim", type=int, default=1024)
    parser.add_argument("--naive-to", type=int, default=4000, help="largest size of the naive way")
    parser.add_argument("--resamples", type=int, default=1000, help="of the interval; 0 leaves it out")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    options = parser.parse_args()
    if min(*options.sizes, options.dim, 2) < 1 or options.resamples < 0:
        parser.error("--sizes and --dim must be at least 1, --resamples at least 0")
    return options


def ways(size: int, options: argparse.Namespace) -> Iterator[tuple[str, Callable[..., float]]]:
    yield "blocks", mmd
    if options.resamples:
        yield "with interval", lambda x, y: resampled_mmd(x, y, draw_scenes(size, options.resamples)).value
    if size <= options.naive_to:
        yield "naive", naive


def naive(x: np.ndarray, y: np.ndarray) -> float:
    """Return the discrepancy from three whole matrices."""
    kernel = Kernel()
    x, y = (
        z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x.astype(np.float64), y.astype(np.float64))
    )

    def mean(p: np.ndarray, q: np.ndarray) -> float:
        squares = (p**2).sum(1)[:, None] + (q**2).sum(1) - 2 * p @ q.T
        return float(np.exp(-squares / (2 * kernel.sigma**2)).mean())

    return kernel.scale * (mean(x, x) + mean(y, y) - 2 * mean(x, y))


def measured(work: Callable[..., float], size: int, dim: int) -> dict[str, Any]:
    """Run one way in a process of its own: memory that was freed does not lower a process's peak."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(work, size, dim, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        raise SystemExit(f"The process for {size} embeddings was killed: memory is short.") from None
    finally:
        process.join()


def _measure(work: Callable[..., float], size: int, dim: int, connection: Connection) -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((size, dim), dtype=np.float32)
    y = random.standard_normal((size, dim), dtype=np.float32)
    before, started = peak(), time.process_time()
    value = work(x, y)
    connection.send({"seconds": time.process_time() - started, "peak_mb": peak() - before, "value": value})


def peak() -> float:
    """Return the peak resident memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def line_of(row: dict[str, Any]) -> str:
    shape = f"{row['size']}x{row['dim']}"
    return f"{shape:>14} {row['way']:<15} {row['seconds']:9.2f} {row['peak_mb']:9.0f} {row['value']:14.9f}"


if __name__ == "__main__":
    main()
