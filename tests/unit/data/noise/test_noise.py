"""Noise on sources: its statistics, and that a pair always gets the same."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionbench.data.images import load_pair, write_image
from fusionbench.data.noise.adding import (
    KINDS,
    add_noise,
    gaussian_noise,
    gaussian_poisson,
    load_noisy_pair,
    stripe,
)
from fusionbench.data.noise.setting import Noise, SourceNoise, noise_from, read_noise, spread_noise
from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.types import Pair


def gray(level: float, *shape: int) -> np.ndarray:
    return np.full(shape, level / 255, np.float32)


def levels_added(noisy: np.ndarray, level: float) -> np.ndarray:
    return noisy.astype(np.float64) * 255 - level


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_gaussian_noise_has_its_variance_in_grey_levels_and_no_bias() -> None:
    added = levels_added(gaussian_noise(gray(128, 300, 400), rng()), 128)
    assert added.var() == pytest.approx(25, rel=0.02)
    assert added.mean() == pytest.approx(0, abs=0.05)


def test_gaussian_noise_is_independent_from_channel_to_channel() -> None:
    added = levels_added(gaussian_noise(gray(128, 200, 200, 3), rng()), 128)
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
    assert levels_added(gaussian_noise(gray(128, 200, 200), rng(), 100), 128).var() == pytest.approx(
        100, rel=0.05
    )
    assert levels_added(stripe(gray(128, 1, 20_000), rng(), 50), 128).var() == pytest.approx(50, rel=0.05)
    np.testing.assert_allclose(gaussian_noise(gray(128, 4, 4), rng(), 0), gray(128, 4, 4))


@given(st.sampled_from(sorted(KINDS)), st.integers(0, 2**32), st.text(max_size=8), st.sampled_from("ab"))
def test_a_pair_always_gets_the_same_noise_in_the_images_range(
    kind: str, seed: int, pair: str, source: str
) -> None:
    image, noise = np.linspace(0, 1, 24, dtype=np.float32).reshape(4, 6), Noise(kind, 30)
    before = image.copy()
    first = add_noise(image, noise, seed=seed, pair=pair, source=source)
    np.testing.assert_array_equal(first, add_noise(image, noise, seed=seed, pair=pair, source=source))
    np.testing.assert_array_equal(image, before)
    assert first.dtype == np.float32
    assert first.shape == image.shape
    assert 0 <= first.min() <= first.max() <= 1


def test_seed_pair_source_and_kind_each_change_the_draw() -> None:
    base = {"noise": Noise("gaussian", 25), "seed": 0, "pair": "00638D", "source": "a"}
    changes = [{}, {"seed": 1}, {"pair": "00639D"}, {"source": "b"}, {"noise": Noise("stripe", 25)}]
    drawn = [add_noise(gray(128, 8, 8), **(base | change)) for change in changes]
    assert len({noisy.tobytes() for noisy in drawn}) == len(changes)


@pytest.mark.parametrize("kind", ["stripe", "gaussian"])
def test_stronger_noise_is_the_same_pattern(kind: str) -> None:
    of = {"seed": 3, "pair": "1", "source": "b"}
    weak, strong = (
        levels_added(add_noise(gray(128, 30, 30), Noise(kind, variance), **of), 128) for variance in (4, 16)
    )
    np.testing.assert_allclose(strong, 2 * weak, atol=1e-3)


def test_an_unknown_kind_is_named_with_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="stripe"):
        add_noise(gray(1, 2, 2), Noise("stripes", 1), seed=0, pair="p", source="a")


@pytest.mark.parametrize(
    ("text", "a", "b", "name"),
    [
        ("gaussian", Noise("gaussian", 25), Noise("gaussian", 25), "gaussian=25"),
        ("Gaussian_Poisson=2.5", *[Noise("gaussian-poisson", 2.5)] * 2, "gaussian-poisson=2.5"),
        ("a.stripe, b.gaussian", Noise("stripe", 5), Noise("gaussian", 25), "a.stripe=5+b.gaussian=25"),
        ("b.stripe=9", None, Noise("stripe", 9), "b.stripe=9"),
    ],
)
def test_noise_is_read_and_named(text: str, a: Noise | None, b: Noise | None, name: str) -> None:
    noise = read_noise(text)
    assert noise == SourceNoise(a, b)
    assert str(noise) == name
    assert read_noise(name) == noise
    assert noise_from({"noise": noise.as_dict()}) == noise


def test_no_noise_is_none() -> None:
    assert read_noise("none") is None
    assert noise_from({"seed": 0}) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gaussian=0", "number above 0"),
        ("gaussian=much", "'much'"),
        ("gaussian=inf", "number above 0"),
        ("a.gaussian,a.stripe", "source a twice"),
        ("gaussian,b.stripe", "source b twice"),
        ("c.gaussian", "unclear"),
        ("", "unclear"),
        ("salt", "gaussian"),
    ],
)
def test_noise_that_cannot_be_read_is_an_error(text: str, words: str) -> None:
    with pytest.raises((RequestError, UnknownNameError), match=words):
        read_noise(text)


def test_strengths_go_to_the_kinds_that_have_none() -> None:
    settings = spread_noise(["none", "stripe", "a.stripe=5,b.gaussian=25", "a.stripe,b.gaussian"], [1, 2])
    assert [noise and str(noise) for noise in settings] == [
        None, "stripe=1", "stripe=2", "a.stripe=5+b.gaussian=25", "a.stripe=1+b.gaussian=1", "a.stripe=2+b.gaussian=2",
    ]  # fmt: skip


def test_a_noisy_pair_has_noise_where_it_was_asked_for(tmp_path: Path) -> None:
    levels = np.full((6, 8, 3), 100, np.uint8)
    for name, image in (("a", levels[..., 0]), ("b", levels)):
        write_image(tmp_path / f"{name}.png", image)
    pair = Pair("p", tmp_path / "a.png", tmp_path / "b.png")
    noisy = load_noisy_pair(pair, read_noise("b.gaussian"), 4)
    clean = load_pair(pair)
    np.testing.assert_array_equal(noisy.a, clean.a)
    np.testing.assert_array_equal(
        noisy.b, add_noise(clean.b, Noise("gaussian", 25), seed=4, pair="p", source="b")
    )
    assert (noisy.b != clean.b).any()
