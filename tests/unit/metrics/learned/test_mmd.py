"""The maximum mean discrepancy: golden values, a direct computation, what it promises, and its memory."""

import csv
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench.errors import RequestError
from fusionbench.metrics.learned import mmd as module
from fusionbench.metrics.learned.mmd import Kernel, draw_scenes, interval, mmd, resampled_mmd

ANY = settings(derandomize=True, max_examples=30, deadline=None)
PLAIN = Kernel(normalize=False)


def direct(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> float:
    """Return the discrepancy from whole kernel matrices and differences of vectors."""
    x, y = (np.asarray(z, dtype=np.float64) for z in (x, y))
    if kernel.normalize:
        x, y = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))

    def mean(p, q, within):
        values = np.exp(-((p[:, None] - q) ** 2).sum(-1) / (2 * kernel.sigma**2))
        if within and kernel.unbiased:
            return (values.sum() - np.trace(values)) / (len(p) * (len(p) - 1))
        return values.mean()

    return kernel.scale * (mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False))


def sample(seed: int, n: int, dim: int = 12, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, dim)).astype(np.float32)


SIZES = st.tuples(st.integers(2, 20), st.integers(2, 20))
KERNELS = st.builds(
    Kernel,
    sigma=st.sampled_from([0.3, 1.0, 10.0]),
    scale=st.sampled_from([1.0, 1000.0]),
    normalize=st.booleans(),
    unbiased=st.booleans(),
)


def test_the_golden_values_of_the_reference(shared_golden):
    folder = shared_golden / "cmmd"
    with (folder / "cmmd_golden.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 7
    for row in rows:
        x, y = (np.load(folder / f"{row['case']}_{side}.npy") for side in "xy")
        distance = mmd(x, y, PLAIN)  # the reference takes embeddings as they are
        assert distance == pytest.approx(float(row["mmd_float32_cmmd_pytorch"]), abs=2e-4), row
        assert distance == pytest.approx(float(row["mmd_float64_same_formula"]), abs=1e-10), row
        assert distance == pytest.approx(direct(x, y, PLAIN), abs=1e-10), row
        if row["normalised"] == "True":  # to the digits of float32
            assert mmd(x, y) == pytest.approx(distance, abs=1e-5), row


@ANY
@given(st.integers(0, 999), SIZES, KERNELS)
def test_it_equals_the_direct_computation(seed, sizes, kernel):
    x, y = sample(seed, sizes[0]), sample(seed + 1, sizes[1], shift=0.3)
    assert mmd(x, y, kernel) == pytest.approx(direct(x, y, kernel), abs=1e-10)


@ANY
@given(st.integers(0, 999), SIZES, KERNELS)
def test_it_is_symmetric_and_no_order_matters(seed, sizes, kernel):
    x, y = sample(seed, sizes[0]), sample(seed + 1, sizes[1], shift=0.3)
    distance, random = mmd(x, y, kernel), np.random.default_rng(seed)
    assert mmd(y, x, kernel) == pytest.approx(distance, abs=1e-10)
    assert mmd(random.permutation(x), random.permutation(y), kernel) == pytest.approx(distance, abs=1e-10)


@ANY
@given(st.integers(0, 999), st.integers(1, 20), st.sampled_from([0.3, 10.0]))
def test_equal_sets_are_at_no_distance_and_biased_values_never_negative(seed, n, sigma):
    x, kernel = sample(seed, n), Kernel(sigma)
    same = [mmd(x, x[::-1], kernel), resampled_mmd(x, x[::-1].copy()[::-1], draw_scenes(n, 3), kernel).value]
    assert same == pytest.approx([0, 0], abs=1e-10)
    assert min(*same, mmd(x, sample(seed + 1, n + 3), kernel)) >= 0


def test_unbiased_values_average_to_zero_for_one_distribution_and_biased_ones_do_not():
    pairs = [(sample(2 * i, 20), sample(2 * i + 1, 20)) for i in range(200)]
    biased, unbiased = (
        np.array([mmd(*pair, Kernel(1.0, 1.0, True, u)) for pair in pairs]) for u in (False, True)
    )
    assert abs(unbiased.mean()) < 3 * unbiased.std() / np.sqrt(len(pairs))
    assert biased.min() > 0
    assert biased.mean() > 10 * abs(unbiased.mean())


def test_a_longer_way_is_a_larger_distance():
    x = sample(0, 50)
    distances = [mmd(x, x + np.float32(shift), PLAIN) for shift in (0.1, 0.5, 2)]
    assert distances == sorted(distances)


@pytest.mark.parametrize("block", [1, 7, 64])
@pytest.mark.parametrize("unbiased", [False, True])
def test_blocks_change_no_value(block, unbiased, monkeypatch):
    x, y, draws = sample(0, 30), sample(1, 30, shift=0.5), draw_scenes(30, 20)
    kernel = Kernel(1.0, unbiased=unbiased)
    whole, resampled = mmd(x, y[:23], kernel), resampled_mmd(x, y, draws, kernel)
    monkeypatch.setattr(module, "BLOCK", block)
    assert mmd(x, y[:23], kernel) == pytest.approx(whole, abs=1e-10)
    measured = resampled_mmd(x, y, draws, kernel)
    assert measured.value == pytest.approx(resampled.value, abs=1e-10)
    np.testing.assert_allclose(measured.resamples, resampled.resamples, atol=1e-9)


def test_memory_does_not_grow_with_the_square_of_the_set(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 128)
    n = 3000  # its kernel matrix would take 72 MB
    x, y, draws = sample(0, n), sample(1, n), draw_scenes(n, 50)
    tracemalloc.start()
    try:
        resampled_mmd(x, y, draws)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12e6


@pytest.mark.parametrize("unbiased", [False, True])
def test_resampling_weights_is_redrawing_scenes(unbiased):
    x, draws = sample(0, 25), draw_scenes(25, 4000)
    y = x + 0.7 * sample(1, 25) + np.float32(0.2)
    kernel = Kernel(1.0, 1.0, unbiased=unbiased)
    measured = resampled_mmd(x, y, draws, kernel)
    assert measured.value == pytest.approx(mmd(x, y, kernel), abs=1e-12)
    assert measured.resamples.mean() == pytest.approx(
        measured.value, abs=4 * measured.resamples.std() / np.sqrt(4000)
    )
    # a resample as such is the discrepancy of the redrawn scenes, but for one shift of all
    drawn = [np.repeat(np.arange(25), counts) for counts in draws[:5]]
    redrawn = np.array([mmd(x[i], y[i], Kernel(1.0, 1.0)) for i in drawn])
    np.testing.assert_allclose(np.diff(redrawn), np.diff(measured.resamples[:5]), atol=1e-12)


def test_the_interval_is_repeatable_and_narrows_with_more_scenes():
    widths = []
    for n in (30, 480):
        x = sample(0, n)
        y = x + 0.5 * sample(1, n) + np.float32(0.5)
        low, high = interval(resampled_mmd(x, y, draw_scenes(n)).resamples)
        assert low < mmd(x, y) < high
        assert (low, high) == interval(resampled_mmd(x, y, draw_scenes(n)).resamples)
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_draws_hold_every_resample_to_the_size_of_the_set():
    draws = draw_scenes(9, 50, seed=3)
    assert draws.shape == (50, 9)
    assert (draws.sum(axis=1) == 9).all()
    assert not np.array_equal(draws, draw_scenes(9, 50, seed=4))


@pytest.mark.parametrize(
    ("x", "y", "kernel", "says"),
    [
        (np.ones((3, 4)), np.ones((3, 5)), Kernel(), r"\[3, 4\] and \[3, 5\]"),
        (np.ones((0, 4)), np.ones((3, 4)), Kernel(), "0 and 3 embeddings"),
        (np.ones((1, 4)), np.ones((3, 4)), Kernel(unbiased=True), "needs at least 2"),
        (np.zeros((3, 4)), np.ones((3, 4)), Kernel(), "has no direction"),
        (np.full((3, 4), np.inf), np.ones((3, 4)), PLAIN, "not finite"),
        (np.ones((3, 4)), np.full((3, 4), np.nan), Kernel(), "not finite"),
    ],
)
def test_what_has_no_discrepancy_is_refused(x, y, kernel, says):
    with pytest.raises(RequestError, match=says):
        mmd(x, y, kernel)


@pytest.mark.parametrize(
    "wrong", [{"sigma": 0}, {"sigma": -1}, {"scale": 0}, {"sigma": np.nan}, {"scale": np.inf}]
)
def test_a_kernel_has_a_width_and_a_scale(wrong):
    with pytest.raises(RequestError, match="more than 0"):
        Kernel(**wrong)
