"""What holds for every metric of every profile, on small images of every kind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_samples import KINDS, batch, images, texture

from fusionbench.errors import RequestError
from fusionbench.metrics import cards, compute, profiles, resolve, score

PROFILES = list(profiles())
FEW = settings(max_examples=6, derandomize=True, deadline=None)
ALIKE = {"rel": 1e-9, "abs": 1e-12}
# another result with the sources swapped, by definition: (metric, definition)
ONE_SIDED = {
    ("Nabf", "swapped"),
    ("VIFF", "canonical"),
    ("QC", "clamped-product"),
    ("QG", "canonical"),  # what replaces a strength of 0 stays for the second source
    ("QP", "canonical"),  # where both sources have the same congruency, b counts
}
A, B, FUSED = (texture(seed, kind="smooth") for seed in range(3))


def symmetric(profile: str) -> list[str]:
    chosen = [
        (n, definition) for n, definition in profiles()[profile].metrics.items() if cards()[n].per == "image"
    ]
    return [
        name
        for name, definition in chosen
        if (name, definition) not in ONE_SIDED and definition != "shared-window"
    ]


@pytest.mark.parametrize("profile", PROFILES)
@FEW
@given(st.tuples(images(), images(), images()))
def test_swapped_sources_give_the_value_that_they_gave(profile, triple):
    a, b, fused = triple
    names = symmetric(profile)
    swapped = score(b, a, fused, names, profile)
    for name, result in score(a, b, fused, names, profile).items():
        assert swapped[name].status == result.status, name
        assert result.value is None or swapped[name].value == pytest.approx(result.value, **ALIKE), name


def test_cards_claim_what_holds_by_definition():
    # one-sided, or not to be tested without weights
    others = {"VIFF", "QG", "QP", "LIQE", "LIQE-mix", "CLIP-IQA", "CMMD", "CMMDF"}
    assert {name for name, card in cards().items() if not card.symmetric} == others


@pytest.mark.parametrize("profile", ["tang2022", "tang2023"])
def test_a_window_shared_by_both_sources_is_why_their_order_matters(profile):
    spots = np.full_like(A, 10)  # each window holds one bright pixel or none
    spots[2::4, 2::4] = 200
    pairs = (texture(0), spots), (spots, texture(0))
    first, other = (score(*pair, spots, "FMI_pixel", profile)["FMI_pixel"].value for pair in pairs)
    assert first < other - 0.1
    canonical = [score(*pair, spots, "FMI_pixel")["FMI_pixel"].value for pair in pairs]
    assert canonical[0] == pytest.approx(canonical[1], **ALIKE)
    assert canonical[0] == pytest.approx(other, **ALIKE)


def test_equal_gains_are_why_the_order_of_sources_matters_to_viff():
    noise = texture(8)
    first, other = (score(*pair, FUSED, "VIFF")["VIFF"].value for pair in ((A, noise), (noise, A)))
    assert first != pytest.approx(other, rel=1e-6)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_batch_of_all_kinds_of_images_scores_as_its_images(profile):
    triples = [[texture(10 * i + j, kind=KINDS[(i + j) % len(KINDS)]) for j in range(3)] for i in range(4)]
    together, reasons = compute(
        *map(batch_of, zip(*triples, strict=True)), metrics="all", profile=profile, reasons=True
    )
    for index, triple in enumerate(triples):
        alone, why = compute(*map(batch, triple), metrics="all", profile=profile, reasons=True)
        for name, values in together.items():
            assert reasons[name][index] == why[name][0], name
            expected = pytest.approx(alone[name].item(), nan_ok=True, **ALIKE)
            assert values[index].item() == expected, name


def batch_of(images):
    return batch(*images)


def test_a_large_batch_of_small_images_scores_as_its_images():
    triples = [[texture(3 * i + j, 12, 13) for j in range(3)] for i in range(300)]
    # its map is 70 times as large as the image
    names = [name for name in resolve("all") if name != "FMI_wavelet"]
    together = compute(*map(batch_of, zip(*triples, strict=True)), metrics=names)
    for index in (0, 150, 299):
        for name, result in score(*triples[index], names).items():
            expected = np.nan if result.value is None else result.value
            assert together[name][index].item() == pytest.approx(expected, nan_ok=True, **ALIKE), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_canonical_score_of_color_is_that_of_its_luma(kind):
    color = [np.stack([texture(3 * i + j, kind=kind) for j in range(3)], axis=-1) for i in range(3)]
    luma = [((image.astype(int) @ [299, 587, 114] + 500) // 1000).astype(np.uint8) for image in color]
    assert score(*color, "all") == score(*luma, "all")
    assert score(luma[0], *color[1:], "all") == score(*luma, "all")


@pytest.mark.parametrize("profile", PROFILES)
def test_gray_in_three_channels_scores_as_one_channel_but_for_frequencies_side_by_side(profile):
    color = np.stack([FUSED] * 3, axis=-1)
    gray, colored = (score(A, B, fused, "all", profile) for fused in (FUSED, color))
    different = {"SF"} if profile == "vifb" else set()
    for name in gray.keys() - different:
        assert colored[name].status == gray[name].status, name
        assert gray[name].value is None or colored[name].value == pytest.approx(gray[name].value, rel=1e-12)
    assert all(colored[name].value != gray[name].value for name in different)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_metric_that_the_profile_lacks_is_refused_and_what_it_has_is_named(profile):
    have = profiles()[profile].metrics
    for name in cards().keys() - have.keys():
        with pytest.raises(RequestError) as caught:
            score(A, B, FUSED, name, profile)
        assert str(caught.value) == f"Profile '{profile}' defines no {name}: use one of {', '.join(have)}."


@settings(max_examples=15, derandomize=True, deadline=None)
@given(images(), st.integers(0, 2**32 - 1))
def test_noise_costs_decibels_in_every_profile_that_has_them(source, seed):
    # the steps have no sign that clipping could take away: a level is moved towards the middle
    step = np.random.default_rng(seed).integers(1, 20, source.shape)
    direction = np.where(source < 128, 1, -1)
    near, far = ((source + size * step * direction).astype(np.uint8) for size in (1, 3))
    for profile in ("canonical", "tang2022", "tang2023", "vifb"):
        values = [score(source, source, fused, "PSNR", profile)["PSNR"].value for fused in (near, far)]
        assert values[0] > values[1], profile


@settings(max_examples=15, derandomize=True, deadline=None)
@given(images(), st.sampled_from([8, 16, 24]))
def test_a_copy_has_no_artifact_and_a_longer_foreign_edge_has_more(source, length):
    dim = source // 4  # no edge of the sources is as strong as the foreign one
    artifacts = []
    for size in (0, length, length + 16):
        fused = dim.copy()
        fused[4 : 4 + size, 10:20] = 255
        artifacts.append(score(dim, dim, fused, "Nabf")["Nabf"].value)
    assert artifacts[0] == pytest.approx(0, abs=1e-12)
    assert artifacts[0] < artifacts[1] < artifacts[2]


def test_a_black_image_has_no_wavelet_features():
    black = np.zeros_like(A)
    named = {"source a": (black, B, FUSED), "source b": (A, black, FUSED), "the fused image": (A, B, black)}
    for name, triple in named.items():
        result = score(*triple, "FMI_wavelet")["FMI_wavelet"]
        assert result == (None, "undefined", f"the wavelet coefficients of {name} are all equal")
