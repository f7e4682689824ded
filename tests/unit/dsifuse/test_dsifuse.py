"""DSIFuse: its sizes, its loss as printed, its ablations, and that it learns."""

from __future__ import annotations

import logging

import pytest
import torch
from fusionbench.methods.dsifuse import loss
from fusionbench.methods.dsifuse.blocks import CFC, Interaction, attention
from fusionbench.methods.dsifuse.method import UNLABELLED

from fusionbench.errors import ConfigError
from fusionbench.method import FusionMethod
from fusionbench.profiling import macs, parameter_count
from fusionbench.registry.methods import spec
from fusionbench.types import PairBatch

VARIANTS = tuple(spec("dsifuse").known_variants())


def build(reference: str = "dsifuse", **arguments: object) -> FusionMethod:
    torch.manual_seed(0)
    method = spec(reference)
    return method.build(method.config().args | arguments)


def batch(count: int = 2, side: int = 64, labelled: bool = True) -> PairBatch:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(2, count, 1, side // 8, side // 8, generator=generator)
    a, b = (torch.nn.functional.interpolate(x, scale_factor=8, mode="bicubic").clamp(0, 1) for x in coarse)
    if not labelled:
        return PairBatch(a, b)
    label = torch.randint(0, 9, (count, side // 16, side // 16), generator=generator)
    label = label.repeat_interleave(16, 1).repeat_interleave(16, 2)
    return PairBatch(a, b, label, (label[:, None] > 6).float())


@pytest.mark.parametrize(
    ("width", "parameters", "at_256", "at_640x480"),
    [(16, 2_569_764, 1.294e9, 9.038e9), (32, 9.874e6, 4.036e9, 0), (64, 38.73e6, 14.04e9, 0)],
)
def test_sizes_are_those_of_the_width_table(
    width: int, parameters: float, at_256: float, at_640x480: float
) -> None:
    method = build(width=width)
    assert parameter_count(method) == pytest.approx(parameters, rel=0.002)
    assert macs(method, 256, 256)["all"] == pytest.approx(at_256, rel=0.01)
    if width == 16:
        assert macs(method, 480, 640)["all"] == pytest.approx(at_640x480, rel=0.01)


def test_attention_is_a_softmax_over_the_keys() -> None:
    query, key, value = torch.rand(3, 2, 4, 3, 5, generator=torch.Generator().manual_seed(0)).unbind(0)
    attended = attention(query, key, value)
    weights = (query.flatten(2).transpose(1, 2) @ key.flatten(2) / 4**0.5).softmax(-1)
    expected = (weights @ value.flatten(2).transpose(1, 2)).transpose(1, 2).view(2, 4, 3, 5)
    torch.testing.assert_close(attended, expected)


def test_calibration_gives_each_modality_half_of_the_other_by_channel_and_by_place() -> None:
    module = CFC(4, 4)
    for parameter in module.parameters():
        torch.nn.init.zeros_(parameter)  # all weights are then sigmoid(0) = 1/2
    a, b = torch.rand(2, 1, 4, 3, 3).unbind(0)
    found_a, found_b = module(a, b)
    torch.testing.assert_close(found_a, a + b / 2)
    torch.testing.assert_close(found_b, b + a / 2)


def test_printed_masks_cover_all_that_is_not_flattest() -> None:
    a, b = torch.rand(2, 1, 1, 12, 12, generator=torch.Generator().manual_seed(0)).unbind(0)
    mask_a, mask_b = loss.printed_masks(a, b, None)
    assert mask_a.sum() == mask_b.sum() == 143  # one pixel has the least variance
    salient = torch.zeros_like(a)
    salient[..., :6] = 1
    mask_a, mask_b = loss.printed_masks(torch.zeros_like(a), torch.zeros_like(b), salient)
    assert torch.equal(mask_a, salient)
    assert torch.equal(mask_b, 1 - salient)


def test_compared_masks_share_the_image() -> None:
    a, b = torch.rand(1, 1, 12, 12), torch.full((1, 1, 12, 12), 0.5)
    mask_a, mask_b = loss.compared_masks(a, b, None)
    assert mask_a.all()
    assert not mask_b.any()
    mask_a, mask_b = loss.compared_masks(b, a, torch.ones_like(a))
    assert mask_a.all()


def test_brighter_masks_follow_the_brighter_source_and_what_is_salient() -> None:
    a, b = torch.rand(2, 1, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    mask_a, mask_b = loss.brighter_masks(a, b, None)
    assert torch.equal(loss.intensity(torch.maximum(a, b), a, b, (mask_a, mask_b)), torch.tensor(0.0))
    assert loss.brighter_masks(a, b, torch.ones_like(a))[0].all()


def test_unknown_masks_are_named() -> None:
    with pytest.raises(ConfigError, match="use one of printed, compared, brighter"):
        build(masks="bright")


def test_semantic_loss_is_zero_for_the_truth_and_ignores_numbers_beyond_the_classes() -> None:
    label = torch.zeros(1, 64, 64, dtype=torch.int64)
    right = torch.full((1, 3, 2, 2), -50.0)
    right[:, 0] = 50
    assert loss.semantic((right, right), label, 3) == pytest.approx(0, abs=1e-9)
    wrong = right.roll(1, 1)
    assert loss.semantic((right, wrong), label, 3) == pytest.approx(6, rel=1e-5)  # 2 at each of three levels
    assert loss.semantic((right, right), label + 255, 3) == pytest.approx(6, rel=1e-5)


def test_without_labels_it_says_once_what_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    method = build()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert set(method.losses(batch(labelled=False))) == {"intensity", "gradient"}
    assert [record.message for record in caplog.records] == [UNLABELLED]
    assert method.caveats == [UNLABELLED]


def test_labels_add_the_semantic_term_and_the_mask() -> None:
    method = build()
    assert set(method.losses(batch())) == {"intensity", "gradient", "semantic"}
    assert method.caveats == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_train_a_step_and_fuse(variant: str) -> None:
    method = build(f"dsifuse@{variant}").train()
    optimizer = torch.optim.Adam(method.parameters(), lr=1e-3)
    sum(method.losses(batch()).values()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in method.parameters())
    optimizer.step()
    fused = method.eval().fuse(*batch(1)[:2])
    assert fused.shape == (1, 1, 64, 64)
    assert 0 <= fused.min() <= fused.max() <= 1


@pytest.mark.parametrize("ablation", ["cfc", "cfb", "imb", "scb", "sg", "global_map"])
def test_an_ablation_leaves_its_module_out_and_makes_nothing_larger(ablation: str) -> None:
    whole, rest = (dict(build(**kw).named_parameters()) for kw in ({}, {ablation: False}))
    assert sum(p.numel() for p in rest.values()) < sum(p.numel() for p in whole.values())
    assert all(rest[name].numel() <= whole[name].numel() for name in rest.keys() & whole.keys())


def test_without_guidance_there_are_no_priors_and_little_else_changes() -> None:
    method = build(sg=False)
    assert method.network(*batch()[:2]).priors is None
    assert set(method.losses(batch())) == {"intensity", "gradient"}
    assert parameter_count(method) == pytest.approx(parameter_count(build()), rel=0.05)


def test_compensation_enlarges_every_map_to_a_layer_of_the_decoder() -> None:
    method, sizes = build(), []
    for block in method.network.compensate.values():
        block.register_forward_hook(
            lambda module, inputs, output: sizes.append(
                (inputs[0].shape[-1], [part.shape[-1] for part in inputs[1]])
            )
        )
    method.network(*batch(side=64)[:2])
    # the fourth and fifth layer of the decoder; M^1 is an eighth of the image, M^2 a sixteenth, S_G a quarter
    assert sizes == [(16, [8, 16]), (32, [4, 16])]


def test_compensation_may_count_levels() -> None:
    assert set(build(scb_at="levels").network.compensate) == {"4", "3"}
    with pytest.raises(ConfigError, match=r"args\.scb_at is 'rows': use one of layers, levels"):
        build(scb_at="rows")


def test_both_paths_of_imb_have_projections_of_their_own() -> None:
    block = Interaction(8, 3)
    sizes = {
        name: tuple(p.shape[:2])
        for name, p in block.named_parameters()
        if "guide" in name or "recover" in name
    }
    assert sizes == {
        "guide.query.weight": (8, 3),
        "guide.key.weight": (8, 8),
        "guide.value.weight": (8, 8),
        "recover.query.weight": (8, 8),
        "recover.key.weight": (8, 8),
        "recover.value.weight": (8, 8),
    }


def test_a_step_lowers_the_loss_on_a_fixed_batch() -> None:
    method, data = build().train(), batch()
    optimizer = torch.optim.SGD(method.parameters(), lr=1e-4)
    before = sum(method.losses(data).values())
    before.backward()
    optimizer.step()
    assert sum(method.losses(data).values()) < before


@pytest.mark.slow
def test_overfits_four_pairs() -> None:
    # pairs on which no term stands in another's way or has a floor: a itself has all contrast, one class an image
    data = batch(4)
    label = torch.arange(4)[:, None, None].expand_as(data.label)
    data = PairBatch(data.a, data.a / 2, label, torch.zeros_like(data.a))
    method = build(masks="compared").train()
    optimizer = torch.optim.Adam(method.parameters(), lr=1e-3)
    first = {name: term.item() for name, term in method.losses(data).items()}
    for _ in range(300):
        optimizer.zero_grad()
        sum(method.losses(data).values()).backward()
        optimizer.step()
    last = {name: term.item() for name, term in method.losses(data).items()}
    for name in first:
        assert last[name] < 0.6 * first[name], (name, first[name], last[name])
