"""compute: shapes, batches, bands, and what it refuses."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_samples import TRIPLES, batch, texture

from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.metrics import DEFAULT, compute, profiles, resolve, scoring
from fusionbench.metrics.formulas import filters
from fusionbench.metrics.image_cache import Outcome

A, B, FUSED = (batch(texture(seed)) for seed in range(3))


def test_values_are_float64_one_per_image_in_the_order_asked():
    images = [image.expand(3, -1, -1, -1) for image in (A, B, FUSED)]
    computed = compute(*images, metrics="ssim,EN")
    assert list(computed) == ["SSIM", "EN"]
    assert all(values.shape == (3,) and values.dtype == torch.float64 for values in computed.values())
    assert list(compute(A, B, FUSED)) == list(DEFAULT)


def test_reasons_name_the_image_they_belong_to():
    flat = torch.full_like(A, 7)
    values, reasons = compute(
        torch.cat([A, flat]), torch.cat([B, B]), torch.cat([FUSED, FUSED]), "CC", reasons=True
    )
    assert reasons == {"CC": [None, "source a is constant"]}
    assert values["CC"].isnan().tolist() == [False, True]


def test_the_images_are_left_alone():
    before = [image.clone() for image in (A, B, FUSED)]
    compute(A, B, FUSED)
    assert all(torch.equal(old, new) for old, new in zip(before, (A, B, FUSED), strict=True))


@settings(derandomize=True, max_examples=10, deadline=None)
@given(st.lists(TRIPLES, min_size=2, max_size=4))
def test_an_image_scores_alike_in_any_batch(triples):
    together, reasons = compute(*(batch(*images) for images in zip(*triples, strict=True)), reasons=True)
    for index, triple in enumerate(triples):
        alone, why = compute(*map(batch, triple), reasons=True)
        for name in DEFAULT:
            expected = alone[name][0].item()
            assert together[name][index].item() == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)
            assert reasons[name][index] == why[name][0]


@pytest.mark.parametrize("height", [41, 130, 300])
def test_bands_change_no_value(height, monkeypatch):
    triple = [batch(texture(seed, height, 50)) for seed in range(3)]
    whole = compute(*triple)
    monkeypatch.setattr(filters, "BAND", 1)
    banded = compute(*triple)
    for name in DEFAULT:
        assert banded[name].item() == pytest.approx(whole[name].item(), rel=1e-12), name


def test_strided_images_score_as_their_copies():
    views = [image.transpose(-1, -2) for image in (A, B, FUSED)]
    copies = compute(*(view.contiguous() for view in views))
    assert all(torch.equal(values, copies[name]) for name, values in compute(*views).items())


@pytest.mark.parametrize(
    ("image", "described"),
    [
        (A.float() / 255, r"torch.float32 \[1, 1, 48, 56\]"),
        (A.to(torch.int32), "torch.int32"),
        (A[0], r"torch.uint8 \[1, 48, 56\]"),
        (A.expand(-1, 2, -1, -1), r"torch.uint8 \[1, 2, 48, 56\]"),
        (A.expand(-1, 4, -1, -1), r"torch.uint8 \[1, 4, 48, 56\]"),
        (A[:0], r"torch.uint8 \[0, 1, 48, 56\]"),
        (A[..., :0], r"torch.uint8 \[1, 1, 48, 0\]"),
        (A.numpy(), r"uint8 \[1, 1, 48, 56\]"),
        (None, "NoneType"),
    ],
)
def test_other_images_are_refused(image, described):
    with pytest.raises(
        RequestError,
        match=rf"Image b must be a uint8 tensor \[B, 1, H, W\] or \[B, 3, H, W\], found {described}",
    ):
        compute(A, image, FUSED)


def test_images_of_other_sizes_or_devices_are_refused():
    with pytest.raises(RequestError, match=r"differ in size .*fused \[1, 1, 48, 55\]"):
        compute(A, B, FUSED[..., :-1])
    with pytest.raises(RequestError, match="differ in size"):
        compute(A, B, FUSED.expand(2, -1, -1, -1))
    with pytest.raises(RequestError, match="fused on meta"):
        compute(A, B, FUSED.to("meta"))


def test_unknown_names_are_refused_before_anything_is_computed():
    with pytest.raises(UnknownNameError, match="Unknown metric 'entropi'"):
        compute(None, None, None, metrics="entropi")
    with pytest.raises(UnknownNameError, match="Unknown profile 'tang'"):
        compute(None, None, None, profile="tang")


def test_a_result_that_is_not_finite_is_undefined(monkeypatch):
    outcome = Outcome(torch.tensor([np.inf, np.nan, 1.0], dtype=torch.float64))
    monkeypatch.setattr(scoring, "function_of", lambda name: lambda triple: outcome)
    values, reasons = compute(*(image.expand(3, -1, -1, -1) for image in (A, B, FUSED)), "EN", reasons=True)
    assert values["EN"].isnan().tolist() == [True, True, False]
    assert reasons["EN"] == ["the result is not a finite number"] * 2 + [None]


@pytest.mark.parametrize("profile", list(profiles()))
def test_every_metric_of_every_profile_takes_batches_of_color_images(profile):
    triple = [
        batch(texture(2 * seed, 161, 165, "smooth"), texture(2 * seed + 1, 161, 165)) for seed in range(3)
    ]
    color = [triple[0], *(torch.cat([image, image.flip(-1), image // 2], 1) for image in triple[1:])]
    features = [name for name in resolve("all", profile) if name.startswith("FMI")]
    others = [name for name in resolve("all", profile) if name not in features]
    scores_as_its_images(color, others, profile)
    if features:  # 81 numbers a pixel: a crop will do
        scores_as_its_images([image[..., 40:64, 50:77] for image in color], features, profile)


def scores_as_its_images(images, names, profile):
    together, reasons = compute(*images, metrics=names, profile=profile, reasons=True)
    assert list(together) == names
    for index in range(len(images[0])):
        alone = compute(*(image[index : index + 1] for image in images), metrics=names, profile=profile)
        for name, values in together.items():
            assert reasons[name][index] is None
            assert values[index].item() == pytest.approx(alone[name].item(), rel=1e-9, abs=1e-12), name


@pytest.mark.gpu
@pytest.mark.parametrize("profile", list(profiles()))
def test_a_gpu_gives_the_values_of_the_cpu(profile):
    triple = [batch(*(texture(seed, 200, 300) for seed in seeds)) for seeds in ((0, 1), (2, 3), (4, 5))]
    expected = compute(*triple, metrics="all", profile=profile)
    values = compute(*(image.cuda() for image in triple), metrics="all", profile=profile)
    for name in expected:
        torch.testing.assert_close(values[name].cpu(), expected[name], rtol=1e-9, atol=1e-12)
