"""The exponent with which a cost grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionbench.profiling.measure import exponent

SIZES = ("64x64", "128x96", "640x480")


@given(st.floats(0.1, 3), st.floats(1e-3, 1e6))
def test_a_power_law_is_recovered(power: float, factor: float) -> None:
    pixels = {size: int(size.split("x")[0]) * int(size.split("x")[1]) for size in SIZES}
    assert exponent({size: factor * n**power for size, n in pixels.items()}) == pytest.approx(power, abs=1e-9)


def test_attention_over_all_pixels_is_quadratic() -> None:
    assert exponent({"16x16": 256**2, "32x32": 1024**2}) == pytest.approx(2)


@pytest.mark.parametrize(
    "costs", [{}, {"64x64": 1.0}, {"64x32": 1.0, "32x64": 2.0}, {"64x64": 0, "32x32": 0}]
)
def test_too_little_to_fit_has_no_exponent(costs: dict[str, float]) -> None:
    assert exponent(costs) is None
