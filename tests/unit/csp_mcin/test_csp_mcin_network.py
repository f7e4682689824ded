"""CSP-MCIN's network: its printed size, its blocks against their formulas, and its memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fusionbench.methods.csp_mcin.network import (
    Attention,
    Block,
    CrossModalTransformer,
    CSPMCINNetwork,
    GatedFusion,
    Up,
    mirrored,
)

from fusionbench.profiling import macs, parameter_count
from fusionbench.registry.methods import load


def pair(side: int = 32, count: int = 1) -> torch.Tensor:
    return torch.rand(2, count, 1, side, side, generator=torch.Generator().manual_seed(0))


def test_parameters_are_the_printed_ones_to_the_unit() -> None:
    method = load("csp_mcin")
    assert parameter_count(method) == 37_652_119
    # without the layers of 1000 classes and the gate over one channel, which no gradient reaches
    assert sum(p.numel() for p in method.parameters() if p.requires_grad) == 36_626_119 - 6
    assert parameter_count(load("csp_mcin@without_fc")) == 36_626_119


@pytest.mark.slow
def test_macs_are_the_printed_ones() -> None:
    assert macs(load("csp_mcin"), 256, 256)["all"] == pytest.approx(24.06e9, rel=0.005)


def test_parts_have_the_sizes_they_are_made_of() -> None:
    network = CSPMCINNetwork(unused_fc=False)
    count = {
        "encoders": 2 * parameter_count(network.sar_encoder),
        "transformers": sum(parameter_count(level.transformer) for level in network.levels),
        "up": sum(parameter_count(m) for m in network.modules() if isinstance(m, Up)),
        "gates": sum(parameter_count(m) for m in network.modules() if isinstance(m, GatedFusion)),
    }
    assert count == {
        "encoders": 23_366_480 - 1_026_000,
        "transformers": 8_398_080,
        "up": 5_531_713,
        "gates": 355_846,
    }


def test_as_released_the_result_is_the_mean_of_sar_optical_and_decoder() -> None:
    torch.manual_seed(0)
    network, (sar, opt) = CSPMCINNetwork().eval(), pair()
    for parameter in network.ldfm.observations.parameters():
        torch.nn.init.normal_(parameter)  # whatever is learned there
    decoded = []
    network.ldfm.up.register_forward_hook(lambda _, __, output: decoded.append(output))
    with torch.inference_mode():
        fused = network(sar, opt)
    torch.testing.assert_close(fused, (sar + opt + decoded[0]) / 3, rtol=0, atol=1e-6)


@pytest.mark.parametrize("sources", [2, 3])
def test_a_gate_over_one_channel_returns_what_its_scores_would_without_computing_them(sources: int) -> None:
    torch.manual_seed(0)
    gate, features = GatedFusion(1), torch.rand(sources, 2, 1, 9, 7)
    for parameter in gate.parameters():
        torch.nn.init.normal_(parameter)
    weights = torch.stack([gate.score(x) for x in features]).softmax(0)
    gate.score = None  # a call would fail
    torch.testing.assert_close(gate(*features), (weights * features).sum(0), rtol=0, atol=0)


def test_without_its_layer_norm_the_last_gate_weighs() -> None:
    gate, x = GatedFusion(1, norm=False), torch.tensor([0.0, 0.0, 1.0]).view(3, 1, 1, 1, 1)
    for layer in (gate.reduce, gate.restore):
        torch.nn.init.constant_(layer.weight, 3.0)
        torch.nn.init.zeros_(layer.bias)
    # scores 0, 0 and 3 gelu(3)
    expected = torch.stack([torch.zeros(()), torch.zeros(()), 3 * F.gelu(torch.tensor(3.0))]).softmax(0)[2]
    torch.testing.assert_close(gate(*x).squeeze(), expected)
    assert GatedFusion(1)(*x).item() == pytest.approx(1 / 3)


def test_the_network_does_not_clamp_and_fuse_does() -> None:
    method, (sar, opt) = load("csp_mcin"), pair()
    torch.nn.init.constant_(method.network.ldfm.up.conv.bias, 9.0)
    with torch.inference_mode():
        assert method.network(sar, opt).max() > 2
        assert method.fuse(sar, opt).max() == 1


def test_attention_is_its_formula() -> None:
    torch.manual_seed(0)
    layer, (tokens, context) = Attention(8), torch.rand(2, 3, 5, 8)
    query, key, value = layer.query(tokens), layer.key(context), layer.value(context)
    expected = layer.output((query @ key.transpose(1, 2) / 8**0.5).softmax(-1) @ value)
    torch.testing.assert_close(layer(tokens, context), expected)


def test_a_cross_block_norms_both_sides_apart() -> None:
    torch.manual_seed(0)
    block, (tokens, context) = Block(8, cross=True, attention=True).eval(), torch.rand(2, 1, 5, 8)
    for norm in (block.norm, block.norm_context, block.norm_mlp):
        torch.nn.init.normal_(norm.weight)
    mid = tokens + block.attention(block.norm(tokens), block.norm_context(context))
    torch.testing.assert_close(block(tokens, context), mid + block.mlp(block.norm_mlp(mid)))


def test_both_cross_blocks_read_the_self_blocks() -> None:
    torch.manual_seed(0)
    module, (sar, opt) = CrossModalTransformer(8, attention=True).eval(), torch.rand(2, 1, 8, 2, 3)
    tokens = [x.flatten(2).transpose(1, 2) for x in (sar, opt)]
    sar_self, opt_self = module.intra_sar(tokens[0]), module.intra_opt(tokens[1])
    expected = module.inter_sar(sar_self, opt_self), module.inter_opt(opt_self, sar_self)
    for crossed, wanted in zip(module(sar, opt), expected, strict=True):
        torch.testing.assert_close(crossed.flatten(2).transpose(1, 2), wanted)


def test_gated_fusion_is_its_formula() -> None:
    torch.manual_seed(0)
    gate, x = GatedFusion(4), torch.rand(3, 2, 4, 5, 6)
    assert gate.reduce.out_channels == 2
    scores = []
    for source in x:
        tokens = F.layer_norm(source.movedim(1, 3), (4,))
        tokens = F.gelu(tokens @ gate.reduce.weight[..., 0, 0].T + gate.reduce.bias)
        scores.append((tokens @ gate.restore.weight[..., 0, 0].T + gate.restore.bias).movedim(3, 1))
    weights = torch.stack(scores).exp() / torch.stack(scores).exp().sum(0)
    torch.testing.assert_close(gate(*x), (weights * x).sum(0))


@pytest.mark.parametrize("shape", [(2, 2), (2, 5), (7, 2), (3, 4), (6, 9)])
def test_borders_are_mirrored_at_any_size(shape: tuple[int, int]) -> None:
    x = torch.rand(1, 1, *shape)
    expected = np.pad(x[0, 0].numpy(), 2, mode="reflect")
    np.testing.assert_array_equal(mirrored(x)[0, 0].numpy(), expected)


@pytest.mark.parametrize(
    ("switch", "missing"),
    [
        ({"hsfm": False}, "levels."),
        ({"ldfm": False}, "ldfm.details"),
        ({"attention": False}, ".attention."),
        ({"gfu": False}, ".score"),
    ],
)
def test_ablations_leave_their_part_out(switch: dict[str, bool], missing: str) -> None:
    torch.manual_seed(0)
    network = CSPMCINNetwork(unused_fc=False, **switch).eval()
    assert not any(missing in name for name, _ in network.named_parameters())
    if "gfu" in switch:
        assert not any(isinstance(m, GatedFusion) for m in network.modules())
    with torch.inference_mode():
        assert network(*pair()).shape == (1, 1, 32, 32)
