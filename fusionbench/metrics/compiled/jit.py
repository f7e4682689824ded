"""Compiler settings, and exponentials, logarithms and arc tangents written so that loops over rows are vectorised.

Calls of the C library's functions would keep the compiler from using the processor's vector units.
"""

from __future__ import annotations

import math
from functools import partial

import numba
import numpy as np

# "contract" allows fused multiply-add, which rounds once; sums keep their order. error_model "numpy" makes 0 / 0 NaN as
# in torch instead of an exception
compiled = partial(numba.njit, cache=True, nogil=True, error_model="numpy", fastmath={"contract"})

# with one rounding per operation as in torch, for code in which rounding decides whether two numbers are equal
compiled_exactly = partial(numba.njit, cache=True, nogil=True, error_model="numpy")

LOG2_E = 1 / math.log(2)
# ln 2 in two parts (Cody and Waite): the last 21 bits of the first are 0, so its products with exponents are exact
LN2_HIGH = 0.693147180369123816490
LN2_LOW = math.log(2) - LN2_HIGH + 2.3190468138462996e-17
ROUNDING = 1.5 * 2.0**52  # adding and subtracting it rounds a double to the nearest integer
EXPONENT_BITS = 52  # position of the exponent in the bits of a double
EXP = tuple(1 / math.factorial(k) for k in range(12))  # Taylor coefficients, for arguments up to ln(2) / 2
ATAN = tuple(
    (-1.0) ** k / (2 * k + 1) for k in range(18)
)  # Taylor coefficients of the odd powers, for arguments up to tan(pi / 8)
ODD = tuple(1 / (2 * k + 1) for k in range(10))  # log(x) / 2 as a series in odd powers of (x - 1) / (x + 1)
HALF_OCTAVE = 0x3FF0000000000000 - 0x3FE6A09E667F3BCD  # distance of the bits of 1/sqrt(2) and of 1
# up to here the series of the arc tangent is used directly
EIGHTH = math.tan(math.pi / 8)


@compiled
def exponentials(x: np.ndarray, scratch: np.ndarray, bits: np.ndarray) -> None:
    """Replace the values of a row, within -700..700, by their exponentials with a relative error below 1e-14.

    exp(x) = 2^k exp(r) with x = k ln 2 + r; exp(r) is a polynomial and 2^k is added to the exponent bits. ``scratch`` is
    a row of int64 of the same length, ``bits`` is the row itself viewed as int64.
    """
    for j in range(len(x)):
        # separate loops, because each is simple enough to be vectorised
        shifted = x[j] * LOG2_E + ROUNDING
        whole = shifted - ROUNDING
        x[j] = (x[j] - whole * LN2_HIGH) - whole * LN2_LOW
        scratch[j] = np.int64(whole)
    for j in range(len(x)):
        r = x[j]
        p = EXP[11]
        p = p * r + EXP[10]
        p = p * r + EXP[9]
        p = p * r + EXP[8]
        p = p * r + EXP[7]
        p = p * r + EXP[6]
        p = p * r + EXP[5]
        p = p * r + EXP[4]
        p = p * r + EXP[3]
        p = p * r + EXP[2]
        p = p * r + 1.0
        x[j] = p * r + 1.0
    for j in range(len(x)):
        bits[j] += scratch[j] << EXPONENT_BITS


@compiled
def arc_tangent(y: float, x: float) -> float:
    """Return atan(y / x) with an error below 1e-15, pi / 2 where x is 0.

    Arguments are reduced to tan(pi / 8) by atan(1/t) = pi/2 - atan(t) and atan(t) = pi/4 + atan((t - 1) / (t + 1)). It has
    only conditional values, no branches, so that a loop over it is vectorised.
    """
    rise, run = abs(y), abs(x)
    large, small = max(rise, run), min(rise, run)
    beyond = small > EIGHTH * large
    above = small - large if beyond else small
    below = small + large if beyond else large
    z = above / (below if below > 0 else 1.0)
    u = z * z
    p = ATAN[17]
    p = p * u + ATAN[16]
    p = p * u + ATAN[15]
    p = p * u + ATAN[14]
    p = p * u + ATAN[13]
    p = p * u + ATAN[12]
    p = p * u + ATAN[11]
    p = p * u + ATAN[10]
    p = p * u + ATAN[9]
    p = p * u + ATAN[8]
    p = p * u + ATAN[7]
    p = p * u + ATAN[6]
    p = p * u + ATAN[5]
    p = p * u + ATAN[4]
    p = p * u + ATAN[3]
    p = p * u + ATAN[2]
    p = p * u + ATAN[1]
    angle = (p * u + ATAN[0]) * z + (math.pi / 4 if beyond else 0.0)
    angle = math.pi / 2 - angle if rise > run else angle
    angle = -angle if (y < 0) != (x < 0) else angle
    return math.pi / 2 if x == 0 else angle


@compiled
def logarithms(x: np.ndarray, bits: np.ndarray, scratch: np.ndarray) -> None:
    """Replace the values of a row, positive normal numbers, by their natural logarithms.

    The error is below 1e-15, absolute or relative. log(x) = k ln 2 + log(m) with the mantissa m in 1/sqrt(2)..sqrt(2).
    ``bits`` is the row itself viewed as int64, ``scratch`` a row of doubles of the same length.
    """
    for j in range(len(x)):
        # the exponent after adding half an octave, so that the mantissa is in 1/sqrt(2)..sqrt(2) instead of 1..2
        exponent = (bits[j] + HALF_OCTAVE >> EXPONENT_BITS) - 1023
        scratch[j] = np.float64(exponent)
        bits[j] -= exponent << EXPONENT_BITS
    for j in range(len(x)):
        # log(m) = 2 artanh(s), a series of odd powers that converges fast for |s| below 0.18
        s = (x[j] - 1.0) / (x[j] + 1.0)
        u = s * s
        p = ODD[9]
        p = p * u + ODD[8]
        p = p * u + ODD[7]
        p = p * u + ODD[6]
        p = p * u + ODD[5]
        p = p * u + ODD[4]
        p = p * u + ODD[3]
        p = p * u + ODD[2]
        p = p * u + ODD[1]
        x[j] = (p * u * s + s) * 2.0 + scratch[j] * math.log(2.0)
