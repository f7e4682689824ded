"""SSPFusion's loss: structure targets as printed and with both switches, Dice and Charbonnier, and the weights."""

from __future__ import annotations

import pytest
import torch
from fusionbench.methods.sspfusion import loss
from hypothesis import given
from hypothesis import strategies as st

from fusionbench.registry.methods import load
from fusionbench.types import PairBatch

STEP = [10.0, 10.0, 11.0, 11.0]  # its Sobel strength is 0, 4, 4, 0: mean 2, while its own mean is 10.5


def rows(*channels: list[float]) -> torch.Tensor:
    """Return [1, C, 3, 4] with three equal rows a channel."""
    return torch.tensor(channels)[None, :, None].expand(1, len(channels), 3, 4).clone()


def columns(target: torch.Tensor) -> list[list[float]]:
    assert torch.equal(target, target[:, :, :1].expand_as(target))
    return target[0, :, 0].tolist()


@pytest.mark.parametrize(
    ("threshold", "invert", "expected"),
    [
        ("feature", False, [[1, 1, 1, 1], [1, 0, 0, 1], [0, 0, 0, 0]]),
        ("feature", True, [[0, 0, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1]]),
        ("gradient", False, [[1, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 1]]),
        ("gradient", True, [[0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 1, 0]]),
    ],
)
def test_structure_target(threshold: str, invert: bool, expected: list[list[float]]) -> None:
    bright, dark, negative = STEP, [x - 10 for x in STEP], [x - 20 for x in STEP]
    assert columns(loss.structure_target(rows(bright, dark, negative), invert, threshold)) == expected


def test_no_gradient_flows_through_a_target() -> None:
    features = torch.rand(1, 2, 4, 4, requires_grad=True)
    assert not loss.structure_target(features, False, "feature").requires_grad


@given(st.integers(0, 2**32 - 1))
def test_dice_is_least_and_1_where_both_are_equal(seed: int) -> None:
    prediction, other = torch.rand(2, 2, 3, 4, 5, generator=torch.Generator().manual_seed(seed))
    assert loss.dice(prediction, prediction).item() == pytest.approx(1, abs=1e-6)
    assert loss.dice(prediction, other).item() > 1
    assert loss.dice(prediction, prediction.round()).item() > 1


def test_dice_is_equation_4_for_each_image() -> None:
    predicted, wanted = torch.rand(2, 2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    each = [
        (p.square().sum() + g.square().sum()) / (2 * (p * g).sum())
        for p, g in zip(predicted, wanted, strict=True)
    ]
    assert loss.dice(predicted, wanted).item() == pytest.approx(sum(each).item() / 2, rel=2e-3)


def test_dice_stays_finite_where_the_target_is_empty() -> None:
    predicted = torch.full((1, 2, 4, 4), 0.5)
    assert loss.dice(predicted, torch.zeros_like(predicted)).item() == pytest.approx(251)
    assert loss.dice(torch.zeros_like(predicted), torch.zeros_like(predicted)).item() == 1


def test_charbonnier_is_the_distance_rounded_off_at_zero() -> None:
    x = torch.rand(1, 1, 8, 8)
    assert loss.charbonnier(x, x).item() == pytest.approx(1e-3)
    assert loss.charbonnier(x, x + 0.5).item() == pytest.approx((0.25 + 1e-6) ** 0.5)


def test_alpha_and_beta_weigh_structure_and_reconstruction() -> None:
    batch = PairBatch(*torch.rand(2, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    losses = []
    for weights in ({}, {"alpha": 0.5, "beta": 0.1}):
        torch.manual_seed(0)
        losses.append(
            {name: term.item() for name, term in load("sspfusion", **weights).losses(batch).items()}
        )
    full, weighted = losses
    assert weighted["structure"] == pytest.approx(0.5 * full["structure"])
    assert weighted["reconstruction"] == pytest.approx(0.1 * full["reconstruction"])
    assert all(weighted[name] == full[name] for name in ("ssim", "intensity", "gradient"))


def test_structure_is_asked_of_three_scales_of_both_modalities() -> None:
    method = load("sspfusion")
    a, b = torch.rand(2, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    parts = [
        loss.dice(maps, loss.structure_target(features, False, "feature"))
        for image in (a, b)
        for features, maps in zip(*method.network.structure(image)[:2], strict=True)
    ]
    assert len(parts) == 6
    assert method.losses(PairBatch(a, b))["structure"].item() == pytest.approx(sum(parts).item(), rel=1e-6)


def test_reconstruction_asks_for_the_structure_of_the_image_itself() -> None:
    method = load("sspfusion", threshold="gradient", invert=True)
    a, b = torch.rand(2, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    parts = [
        loss.charbonnier(method.network.structure(x).image, loss.structure_target(x, True, "gradient"))
        for x in (a, b)
    ]
    term = method.losses(PairBatch(a, b))["reconstruction"]
    assert term.item() == pytest.approx(sum(parts).item(), rel=1e-6)


def test_a_perfect_result_costs_nothing() -> None:
    method = load("sspfusion")
    image = torch.rand(1, 1, 16, 16)
    method.network.fuse = lambda *_: image
    terms = method.losses(PairBatch(image, image))
    assert {name: round(terms[name].item(), 5) for name in ("ssim", "intensity", "gradient")} == {
        "ssim": 0,
        "intensity": 0,
        "gradient": 0,
    }
