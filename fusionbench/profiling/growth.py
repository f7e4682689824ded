"""How a cost grows with the number of pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping


def exponent(costs: Mapping[str, float]) -> float | None:
    """Fit cost = c * pixels ** e by least squares on logarithms and return e; keys are sizes such as "640x480".

    1 is linear in the pixels, 2 what plain attention over all pixels costs. None below two sizes with different
    numbers of pixels, or where nothing is counted.
    """
    points = [(math.log(_pixels(size)), math.log(cost)) for size, cost in costs.items() if cost > 0]
    if len({x for x, _ in points}) < 2:
        return None
    mean_x, mean_y = (math.fsum(axis) / len(points) for axis in zip(*points, strict=True))
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in points)
    return slope / math.fsum((x - mean_x) ** 2 for x, _ in points)


def _pixels(size: str) -> int:
    width, height = size.split("x")
    return int(width) * int(height)
