"""The shared statistics: exact sums, windows, and what is computed once."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_samples import texture
from scipy.ndimage import correlate1d

from fusionbench.metrics.formulas.filters import bands, gaussian_weights, smooth
from fusionbench.metrics.image_cache import Image, comoment, histogram, joint_histogram


def sums(*integers: int) -> list[torch.Tensor]:
    return [torch.tensor([integer], dtype=torch.float64) for integer in integers]


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-255, 255), st.integers(-255, 255)), min_size=1, max_size=40),
    st.integers(1, 10**6),
)
def test_comoments_are_exact(pairs, copies):
    pairs, count = pairs + [pairs[0]] * 3, (len(pairs) + 3) * copies
    x, y = (copies * sum(pair[i] for pair in pairs) for i in (0, 1))
    xy = copies * sum(a * b for a, b in pairs)
    expected = xy - Fraction(x * y, count)
    value = comoment(count, *sums(x, y, xy)).item()
    scale = copies * sum((abs(a) + 1) * (abs(b) + 1) for a, b in pairs)
    assert value == pytest.approx(float(expected), rel=1e-12, abs=1e-15 * scale)


def test_a_statistic_is_computed_once_for_each_argument():
    calls = []

    def statistic(image, *arguments):
        calls.append(arguments)
        return len(calls)

    image, other = (Image(torch.zeros(1, 2, 3, dtype=torch.uint8)) for _ in range(2))
    assert [image.of(statistic), image.of(statistic), image.of(statistic, other), other.of(statistic)] == [
        1,
        1,
        2,
        3,
    ]
    assert image.of(statistic, other) == 2
    assert calls == [(), (other,), ()]


def test_histograms_count_the_pixels_of_each_image():
    x, y = (np.stack([texture(seed, 7, 9), texture(seed + 5, 7, 9)]) for seed in range(2))
    image, other = Image(torch.from_numpy(x)), Image(torch.from_numpy(y))
    joint = image.of(joint_histogram, other).view(2, 256, 256)
    for i in range(2):
        assert torch.equal(
            histogram(image)[i], torch.from_numpy(np.bincount(x[i].ravel(), minlength=256)).double()
        )
        expected, *_ = np.histogram2d(y[i].ravel(), x[i].ravel(), bins=256, range=[[0, 256], [0, 256]])
        np.testing.assert_array_equal(joint[i].numpy(), expected)


@pytest.mark.parametrize(("size", "step"), [(17, 1), (9, 2), (3, 2)])
def test_smoothing_is_a_separable_correlation(size, step):
    x = texture(0, 37, 46).astype(np.float64)
    weights, half = gaussian_weights(size, size / 5), size // 2
    full = correlate1d(correlate1d(x, weights, 0), weights, 1)[half:-half, half:-half][::step, ::step]
    np.testing.assert_allclose(smooth(torch.from_numpy(x)[None], weights, step)[0].numpy(), full, rtol=1e-13)
    assert sum(weights) == pytest.approx(1, rel=1e-15)


@pytest.mark.parametrize(("height", "window"), [(17, 17), (200, 3), (2000, 11), (530, 17)])
def test_bands_hold_each_window_once(height, window):
    x = torch.arange(height, dtype=torch.float64).view(1, height, 1).expand(2, height, 700)
    tops = [row for band in bands(x, window) for row in band[0, : band.shape[1] - window + 1, 0].tolist()]
    assert tops == list(range(height - window + 1))
