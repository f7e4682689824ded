"""RefineFuse's parts against values worked out by hand."""

from __future__ import annotations

import pytest
import torch
from fusionbench.methods.refinefuse import loss
from fusionbench.methods.refinefuse.network import FIM, PSIM, SFIM

from fusionbench.errors import ConfigError
from fusionbench.registry.methods import load, spec
from fusionbench.types import PairBatch


def test_the_mask_takes_the_infrared_where_it_varies_more_or_is_salient() -> None:
    a, b = torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    a[..., 8:10, 8] = 1.0
    b[..., 24, 24] = 0.5
    for contrast in loss.CONTRASTS:
        rule = loss.MaskRule(contrast)
        mask = loss.infrared_mask(a, b, None, rule)
        assert mask[0, 0, 8, 8] == 1
        assert mask[0, 0, 24, 24] == 0
        salient = torch.zeros_like(a)
        salient[..., 24, 24] = 1
        assert loss.infrared_mask(a, b, salient, rule)[0, 0, 24, 24] == 1


def test_contrast_is_a_pixels_squared_difference_from_the_mean_around_it() -> None:
    # beside a lone bright pixel the variance around is high, while the neighbour itself is near the mean
    a, b = torch.zeros(1, 1, 33, 33), torch.full((1, 1, 33, 33), 0.5)
    a[..., 16, 16] = 1.0
    b[..., 16, 19] = 0.55
    masks = {contrast: loss.infrared_mask(a, b, None, loss.MaskRule(contrast)) for contrast in loss.CONTRASTS}
    assert load("refinefuse").mask_rule == loss.MaskRule("deviation")
    assert masks["deviation"][0, 0, 16, 16] == masks["variance"][0, 0, 16, 16] == 1
    assert (masks["deviation"][0, 0, 16, 19], masks["variance"][0, 0, 16, 19]) == (0, 1)


def test_below_the_margin_noise_does_not_decide() -> None:
    torch.manual_seed(0)
    a, b = torch.rand(1, 1, 64, 64) * 0.02 + 0.3, torch.ones(1, 1, 64, 64)
    assert loss.infrared_mask(a, b, None, loss.MaskRule()).mean() > 0.9, "a saturated sky has no contrast"
    assert loss.infrared_mask(a, b, None, loss.MaskRule(margin=0.02)).sum() == 0


def test_a_brighter_infrared_pixel_is_salient_where_there_are_no_label_maps() -> None:
    a, b = torch.full((1, 1, 16, 16), 0.7), torch.full((1, 1, 16, 16), 0.5)
    assert loss.infrared_mask(a, b, None, loss.MaskRule(margin=0.01, brighter=0.1)).mean() == 1
    assert loss.infrared_mask(a, b, None, loss.MaskRule(margin=0.01, brighter=0.3)).mean() == 0


def test_an_unknown_contrast_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"args\.contrast is 'local': use one of deviation, variance"):
        load("refinefuse", contrast="local")


def test_intensity_terms() -> None:
    a, b, fused = torch.full((1, 1, 4, 4), 0.8), torch.full((1, 1, 4, 4), 0.2), torch.full((1, 1, 4, 4), 0.5)
    mask = torch.zeros_like(a)
    mask[..., :2] = 1
    assert loss.masked_intensity(fused, a, b, mask, "l1").item() == pytest.approx(0.3)
    assert loss.masked_intensity(fused, a, b, mask, "l2").item() == pytest.approx(0.09)
    assert loss.conventional_intensity(fused, a, b, "l1").item() == pytest.approx(0.3)
    assert loss.maximum_intensity(fused, a, b, "l1").item() == pytest.approx(0.3)


def test_a_perfect_result_costs_nothing() -> None:
    method = load("refinefuse", intensity="maximum")
    a, b = torch.rand(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    method.fuse = lambda *_: a
    assert sum(method.losses(PairBatch(a, b)).values()).item() == 0


@pytest.mark.parametrize(("term", "other"), [("texture", "intensity"), ("intensity", "texture")])
def test_lambda_weighs_the_texture_or_as_an_option_the_intensity(term: str, other: str) -> None:
    batch = PairBatch(torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16))
    torch.manual_seed(0)
    plain = load("refinefuse", intensity_weight=1.0, texture_weight=1.0).losses(batch)
    weights = {} if term == "texture" else {"intensity_weight": 5.0, "texture_weight": 1.0}
    torch.manual_seed(0)
    weighed = load("refinefuse", **weights).losses(batch)
    assert weighed[term].item() == pytest.approx(5 * plain[term].item(), rel=1e-5)
    assert weighed[other].item() == pytest.approx(plain[other].item(), rel=1e-5)
    assert "texture" not in load("refinefuse", texture=False).losses(batch)


def test_sfim_mixes_channel_k_with_channel_k_only() -> None:
    block = SFIM(4)
    a, b = torch.rand(1, 4, 8, 8), torch.rand(1, 4, 8, 8)
    a.requires_grad_()
    # with the attention cut off, output channel 2 depends on input channel 2 alone
    torch.nn.init.zeros_(block.attention.weight)
    block(a, b)[0, 2].sum().backward()
    assert [bool(a.grad[0, k].abs().sum() > 0) for k in range(4)] == [False, False, True, False]


def test_psim_attends_on_a_grid_of_fixed_size() -> None:
    block = PSIM(8, grid=4, crosswise=False)
    seen = []
    block.query.register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape[-2:])))
    for side in (3, 4, 20):
        block(torch.rand(1, 8, side, side), torch.rand(1, 8, side, side))
    assert seen == [(3, 3), (4, 4), (4, 4)]


def test_crosswise_psim_starts_as_a_plain_convolution() -> None:
    block = PSIM(8, grid=4, crosswise=True)
    a, b = torch.rand(1, 8, 8, 8), torch.rand(1, 8, 8, 8)
    assert torch.allclose(block(a, b), block.fuse(torch.cat([a, b], dim=1)), atol=1e-6)


def test_fim_gates_the_shallow_map_and_adds_the_deep_one() -> None:
    deep, shallow = torch.zeros(1, 2, 4, 4), torch.ones(1, 2, 8, 8)
    expected = torch.sigmoid(torch.tensor(0.0)) + torch.sigmoid(torch.tensor(1.0))
    assert torch.allclose(FIM(spatial=False)(deep, shallow), expected.expand(1, 2, 8, 8))


def test_the_spatial_gate_is_one_small_convolution_of_the_deep_map() -> None:
    block = FIM(spatial=True)
    assert sum(p.numel() for p in block.parameters()) == 19
    deep, shallow = torch.zeros(1, 2, 4, 4), torch.ones(1, 2, 8, 8)
    torch.nn.init.zeros_(block.places.bias)
    plain = FIM(spatial=False)(deep, shallow)
    assert torch.allclose(block(deep, shallow), 1.5 * plain), "a gate of 0.5 on top, as in SFIM"
    count = [
        sum(p.numel() for p in load("refinefuse", spatial_gate=gate).parameters()) for gate in (False, True)
    ]
    assert count[1] - count[0] == 19


def test_the_papers_ablations_are_all_there() -> None:
    variants = spec("refinefuse").known_variants()
    tables = [layer["about"] for layer in variants.values()]
    assert sum(about.startswith("Table 8") for about in tables) == 3
    assert sum(about.startswith("Table 9") for about in tables) == 5
    assert sum(about.startswith("Table 10") for about in tables) == 2


def test_levels_decide_the_padding() -> None:
    assert [load("refinefuse", levels=n).multiple for n in (1, 3, 4, 5)] == [1, 4, 8, 16]
