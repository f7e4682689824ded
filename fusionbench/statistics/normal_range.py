"""The range of k independent standard normal variables, on which Nemenyi's test rests.

It is SciPy's ``studentized_range`` for infinitely many degrees of freedom, whose import with ``scipy.stats`` took a third of the
CPU time of ``figure ranks``.
"""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
from numpy import ndarray

# of the largest variable; its density is below 1e-18 outside for any q <= LONGEST
STEP, LOWEST, HIGHEST = 1 / 16, -9.0, 45.0
LONGEST = 70.0  # the chance of a longer range is below 1e-500 for any k
TOGETHER = 1000  # lengths at a time, which bounds the memory


def chance_of_longer(lengths: ndarray, k: int) -> ndarray:
    """Return the probability that the range of k standard normal variables exceeds each length [n] >= 0.

    With z the largest of them, it is k times the integral of phi(z) (Phi(z)^(k - 1) - (Phi(z) - Phi(z - q))^(k - 1)). The
    trapezoidal rule converges exponentially for such integrands.
    """
    parts = [lengths[start : start + TOGETHER] for start in range(0, len(lengths), TOGETHER)]
    return np.concatenate([_chance(part, k) for part in parts]) if parts else np.empty(0)


def _chance(lengths: ndarray, k: int) -> ndarray:
    from scipy.special import log_ndtr

    z = np.arange(LOWEST, HIGHEST, STEP)
    below = log_ndtr(z)
    largest = k * STEP / sqrt(2 * pi) * np.exp(-(z**2) / 2 + (k - 1) * below)
    with np.errstate(divide="ignore"):  # at a length of 0 no other variable is within the range
        within = np.log1p(-np.exp(np.minimum(log_ndtr(z - lengths[:, None]) - below, 0.0)))
    return np.minimum(-np.expm1((k - 1) * within) @ largest, 1.0)


def length_exceeded_with(chance: float, k: int) -> float:
    """Return the length that the range of k standard normal variables exceeds with the given probability, by bisection."""
    low, high = 0.0, LONGEST
    while low < (middle := (low + high) / 2) < high:
        if chance_of_longer(np.array([middle]), k)[0] > chance:
            low = middle
        else:
            high = middle
    return high
