"""Weighted means in sliding windows, one row of windows at a time.

Rows of pixels are added first, so that a row's data stay in the processor's cache. A function that adds several rows at once
rounds as the functions for fewer rows do one after the other.
"""

from __future__ import annotations

import numpy as np

from fusionbench.metrics.compiled.jit import compiled


@compiled
def add_eight(
    out: np.ndarray, w: np.ndarray, x0: np.ndarray, x1: np.ndarray, x2: np.ndarray, x3: np.ndarray,
    x4: np.ndarray, x5: np.ndarray, x6: np.ndarray, x7: np.ndarray,
) -> None:  # fmt: skip
    """Add eight weighted rows to a row; each pass reads and writes the whole row."""
    w0, w1, w2, w3, w4, w5, w6, w7 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
    for j in range(len(out)):
        first = out[j] + ((w0 * x0[j] + w1 * x1[j]) + (w2 * x2[j] + w3 * x3[j]))
        out[j] = first + ((w4 * x4[j] + w5 * x5[j]) + (w6 * x6[j] + w7 * x7[j]))


@compiled
def add_four(
    out: np.ndarray, w: np.ndarray, x0: np.ndarray, x1: np.ndarray, x2: np.ndarray, x3: np.ndarray
) -> None:
    """Add four weighted rows to a row."""
    w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
    for j in range(len(out)):
        out[j] += (w0 * x0[j] + w1 * x1[j]) + (w2 * x2[j] + w3 * x3[j])


@compiled
def add_three(out: np.ndarray, w: np.ndarray, x0: np.ndarray, x1: np.ndarray, x2: np.ndarray) -> None:
    """Add three weighted rows to a row."""
    w0, w1, w2 = w[0], w[1], w[2]
    for j in range(len(out)):
        out[j] = ((out[j] + w0 * x0[j]) + w1 * x1[j]) + w2 * x2[j]


@compiled
def add_one(out: np.ndarray, w: float, x: np.ndarray) -> None:
    """Add a weighted row to a row."""
    for j in range(len(out)):
        out[j] += w * x[j]


@compiled
def along(out: np.ndarray, row: np.ndarray, weights: np.ndarray) -> None:
    """Compute out[j] = sum over k of weights[k] row[j + k] in place."""
    size, taps = len(out), len(weights)
    out[:] = 0.0
    k = 0
    while k + 8 <= taps:
        add_eight(
            out, weights[k : k + 8], row[k : k + size], row[k + 1 : k + 1 + size], row[k + 2 : k + 2 + size],
            row[k + 3 : k + 3 + size], row[k + 4 : k + 4 + size], row[k + 5 : k + 5 + size],
            row[k + 6 : k + 6 + size], row[k + 7 : k + 7 + size],
        )  # fmt: skip
        k += 8
    if k + 4 <= taps:
        add_four(
            out, weights[k : k + 4], row[k : k + size], row[k + 1 : k + 1 + size],
            row[k + 2 : k + 2 + size], row[k + 3 : k + 3 + size],
        )  # fmt: skip
        k += 4
    if k + 3 == taps:
        add_three(
            out, weights[k:taps], row[k : k + size], row[k + 1 : k + 1 + size], row[k + 2 : k + 2 + size]
        )
        k = taps
    for rest in range(k, taps):
        add_one(out, weights[rest], row[rest : rest + size])


@compiled
def mean_row(out: np.ndarray, down: np.ndarray, rows: np.ndarray, top: int, weights: np.ndarray) -> None:
    """Compute the weighted means of the windows whose upper row is ``top`` in place; ``down`` is scratch space.

    Row i of the image is ``rows[i % len(rows)]``, so that ``rows`` may also be a ring buffer of the latest rows.
    """
    taps, held = len(weights), len(rows)
    down[:] = 0.0
    k = 0
    while k + 8 <= taps:
        i = top + k
        add_eight(
            down, weights[k : k + 8], rows[i % held], rows[(i + 1) % held], rows[(i + 2) % held], rows[(i + 3) % held],
            rows[(i + 4) % held], rows[(i + 5) % held], rows[(i + 6) % held], rows[(i + 7) % held],
        )  # fmt: skip
        k += 8
    if k + 4 <= taps:
        i = top + k
        add_four(
            down, weights[k : k + 4], rows[i % held], rows[(i + 1) % held], rows[(i + 2) % held], rows[(i + 3) % held]
        )  # fmt: skip
        k += 4
    if k + 3 == taps:
        i = top + k
        add_three(down, weights[k:taps], rows[i % held], rows[(i + 1) % held], rows[(i + 2) % held])
        k = taps
    for rest in range(k, taps):
        add_one(down, weights[rest], rows[(top + rest) % held])
    along(out, down, weights)


@compiled
def multiply(latest: np.ndarray, x: np.ndarray, y: np.ndarray, top: int) -> None:
    """Add the products of two images to the ring buffer ``latest``, up to the last row of the windows at ``top``.

    Windows at ``top - 1`` must have been computed before, so that only one new row is needed.
    """
    held = len(latest)
    for i in range(0 if top == 0 else top + held - 1, top + held):
        row, first, second = latest[i % held], x[i], y[i]
        for j in range(len(row)):
            row[j] = first[j] * second[j]


@compiled
def product_row(
    out: np.ndarray,
    down: np.ndarray,
    latest: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    top: int,
    weights: np.ndarray,
) -> None:
    """Compute the weighted means of the products of two images in place; ``latest`` has as many rows as a window."""
    multiply(latest, x, y, top)
    mean_row(out, down, latest, top, weights)
