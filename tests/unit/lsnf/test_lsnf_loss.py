"""LSNF's losses against their formulas, CycleGAN's parts, and who learns from which term."""

from __future__ import annotations

import pytest
import torch
from fusionbench.methods.lsnf import loss
from fusionbench.methods.lsnf.cyclegan import Critic, Generator, seeded_critics
from torch import nn

from fusionbench.losses import sobel
from fusionbench.registry.methods import load
from fusionbench.types import PairBatch

SMALL = {"generator_width": 4, "generator_blocks": 1, "critic_width": 4}


def test_gwpl_is_its_formula() -> None:
    fused, a, b = torch.rand(3, 2, 1, 8, 9, generator=torch.Generator().manual_seed(0))
    total = sobel(a) + sobel(b) + 2e-3
    expected = (sobel(a) + 1e-3) / total * (fused - a).abs() + (sobel(b) + 1e-3) / total * (fused - b).abs()
    torch.testing.assert_close(loss.gradient_weighted_pixels(fused, a, b), expected.mean())


def test_gwpl_follows_the_source_with_the_edge() -> None:
    edge = torch.zeros(1, 1, 8, 8)
    edge[..., 4:] = 1
    flat = torch.full_like(edge, 0.5)
    assert loss.gradient_weighted_pixels(edge, edge, flat) < loss.gradient_weighted_pixels(flat, edge, flat)


def test_flat_sources_count_alike() -> None:
    black, white = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    for value in (0.0, 0.3, 1.0):
        assert loss.gradient_weighted_pixels(torch.full_like(black, value), black, white).item() == 0.5


def test_plain_pixels_are_the_mean_of_both_distances() -> None:
    fused, a, b = (torch.full((1, 1, 2, 2), value) for value in (0.5, 0.2, 0.9))
    assert loss.plain_pixels(fused, a, b).item() == pytest.approx(0.35)


class Level(nn.Module):
    """A critic that scores each pixel by its value and a learned offset."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image + self.offset


def test_adversarial_terms_are_least_squares_and_teach_one_side_each() -> None:
    critic, real = Level(), torch.full((1, 1, 2, 2), 0.75)
    made = torch.full((1, 1, 2, 2), 0.5, requires_grad=True)
    deceived = loss.deceived(critic, made)
    assert deceived.item() == 0.25
    deceived.backward()
    assert critic.offset.grad is None
    assert made.grad.sum().item() == pytest.approx(-1)
    made.grad = None
    discerning = loss.discerning(critic, real, made)
    assert discerning.item() == pytest.approx((0.25**2 + 0.5**2) / 2)
    discerning.backward()
    assert made.grad is None
    assert critic.offset.grad.item() == pytest.approx(-0.25 + 0.5)


def test_sizes_of_cyclegans_parts() -> None:
    with torch.device("meta"):
        generator, critic = Generator(), Critic()
    assert sum(p.numel() for p in generator.parameters()) == 11_365_633
    assert sum(p.numel() for p in critic.parameters()) == 2_762_689
    assert generator(torch.empty(2, 1, 20, 12, device="meta")).shape == (2, 1, 20, 12)
    assert critic(torch.empty(1, 1, 256, 256, device="meta")).shape == (1, 1, 30, 30)


def test_a_critics_patch_is_70_pixels_wide() -> None:
    torch.manual_seed(0)
    # without normalisation, which lets all pixels see each other
    critic = nn.Sequential(*(layer for layer in Critic(2) if not isinstance(layer, nn.InstanceNorm2d)))
    image = torch.rand(1, 1, 256, 256, requires_grad=True)
    critic(image)[0, 0, 15, 15].backward()
    columns = image.grad[0, 0].abs().sum(0).nonzero()
    assert (columns.max() - columns.min() + 1).item() == 70


def test_seeded_critics_are_the_same_and_disturb_no_other_draw() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    first, second = seeded_critics(2, 7).state_dict(), seeded_critics(2, 7).state_dict()
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["a.0.weight"], first["b.0.weight"])


def test_weights_of_the_terms() -> None:
    batch = PairBatch(*torch.rand(2, 2, 1, 32, 32, generator=torch.Generator().manual_seed(0)))
    changed = {"ssim_weight": 2.0, "pixel_weight": 5.0, "adversarial_weight": 0.03, "cycle_weight": 1.0}
    weighted = []
    for weights in ({}, changed):
        torch.manual_seed(0)
        method, terms = load("lsnf", **SMALL, **weights, identity_weight=3.0).train(), {}
        for stage in method.stages:
            method.begin(stage)
            terms |= {f"{stage} {name}": term.item() for name, term in method.losses(batch).items()}
        weighted.append(terms)
    base, other = weighted
    ratios = {name: other[name] / base[name] for name in base}
    assert ratios == pytest.approx(
        {
            "translation cycle": 0.1,
            "translation identity": 1,
            "translation adversarial": 1,
            "translation critic": 1,
            "fusion ssim": 2,
            "fusion pixel": 0.5,
            "fusion adversarial": 3,
            "fusion critic": 1,
        },
        rel=1e-4,
    )
