"""Noise on sources: its statistics, and that a pair always gets the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionbench.data.noise import KINDS, add_noise, gaussian, gaussian_poisson, stripe
from fusionbench.errors import UnknownNameError


def gray(level: float, *shape: int) -> np.ndarray:
    return np.full(shape, level / 255, np.float32)


def levels_added(noisy: np.ndarray, level: float) -> np.ndarray:
    return noisy.astype(np.float64) * 255 - level


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_gaussian_noise_has_its_variance_in_grey_levels_and_no_bias() -> None:
    added = levels_added(gaussian(gray(128, 300, 400), rng()), 128)
    assert added.var() == pytest.approx(25, rel=0.02)
    assert added.mean() == pytest.approx(0, abs=0.05)


def test_gaussian_noise_is_independent_from_channel_to_channel() -> None:
    added = levels_added(gaussian(gray(128, 200, 200, 3), rng()), 128)
    assert np.abs(np.corrcoef(added.reshape(-1, 3).T) - np.eye(3)).max() < 0.03


def test_stripes_are_columns_with_their_variance() -> None:
    added = levels_added(stripe(gray(128, 3, 20_000), rng()), 128)
    np.testing.assert_allclose(added, added[:1].repeat(3, axis=0), atol=1e-4)
    assert added[0].var() == pytest.approx(5, rel=0.05)
    assert np.corrcoef(added[0, 1:], added[0, :-1])[0, 1] == pytest.approx(0, abs=0.03)


def test_stripes_are_the_same_in_all_channels() -> None:
    noisy = stripe(gray(128, 4, 50, 3), rng())
    np.testing.assert_array_equal(noisy, noisy[..., :1].repeat(3, axis=2))
    np.testing.assert_array_equal(noisy[..., 0], stripe(gray(128, 4, 50), rng()))


@pytest.mark.parametrize("level", [60, 180])
def test_gaussian_poisson_noise_grows_with_the_level(level: int) -> None:
    added = levels_added(gaussian_poisson(gray(level, 300, 400), rng()), level)
    assert added.var() == pytest.approx(level + 25, rel=0.02)
    assert added.mean() == pytest.approx(0, abs=0.15)


def test_other_variances_can_be_asked_for() -> None:
    assert levels_added(gaussian(gray(128, 200, 200), rng(), 100), 128).var() == pytest.approx(100, rel=0.05)
    assert levels_added(stripe(gray(128, 1, 20_000), rng(), 50), 128).var() == pytest.approx(50, rel=0.05)
    np.testing.assert_allclose(gaussian(gray(128, 4, 4), rng(), 0), gray(128, 4, 4))


@given(st.sampled_from(sorted(KINDS)), st.integers(0, 2**32), st.text(max_size=8), st.sampled_from("ab"))
def test_a_pair_always_gets_the_same_noise_in_the_images_range(
    kind: str, seed: int, pair: str, source: str
) -> None:
    image = np.linspace(0, 1, 24, dtype=np.float32).reshape(4, 6)
    before = image.copy()
    first = add_noise(image, kind, seed=seed, pair=pair, source=source)
    np.testing.assert_array_equal(first, add_noise(image, kind, seed=seed, pair=pair, source=source))
    np.testing.assert_array_equal(image, before)
    assert first.dtype == np.float32
    assert first.shape == image.shape
    assert 0 <= first.min() <= first.max() <= 1


def test_seed_pair_source_and_kind_each_change_the_draw() -> None:
    base = {"kind": "gaussian", "seed": 0, "pair": "00638D", "source": "a"}
    changes = [{}, {"seed": 1}, {"pair": "00639D"}, {"source": "b"}, {"kind": "stripe"}]
    drawn = [add_noise(gray(128, 8, 8), **(base | change)) for change in changes]
    assert len({noisy.tobytes() for noisy in drawn}) == len(changes)


def test_the_draw_is_the_same_on_every_machine() -> None:
    noisy = add_noise(gray(128, 1, 3), "stripe", seed=0, pair="x", source="a")
    np.testing.assert_allclose(levels_added(noisy, 128)[0], [0.0395, 1.4642, -1.7217], atol=1e-3)


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'gaussian'"):
        add_noise(gray(0, 2, 2), "gausian", seed=0, pair="x", source="a")
