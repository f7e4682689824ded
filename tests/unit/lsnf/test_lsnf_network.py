"""LSNF's network: all printed sizes, the wiring of its decoder, its blocks against their formulas, and its memory."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from fusionbench.methods.lsnf.network import (
    WIDTHS,
    AttentionFusion,
    Branch,
    DenseASPP,
    FullNest,
    LSNFNetwork,
    Node,
    StrictNest,
    Switches,
    up,
)
from torch import Tensor, nn

from fusionbench.profiling import parameter_count
from fusionbench.registry.methods import spec

# the ablation table: rows I to VI, the final method and VII, which has its size
PRINTED = {
    "lsnf": 27_939_441,
    "lsnf@wo_leaky": 27_939_735,
    "lsnf@wo_addition": 30_726_257,
    "lsnf@wo_cbam": 27_762_769,
    "lsnf@wo_lsnf": 35_372_257,
    "lsnf@wo_denseaspp": 27_737_841,
    "lsnf@wo_cyclegan": 27_938_865,
    "lsnf@wo_gwpl": 27_939_441,
}


def pyramid(side: int = 16) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(1, w, side >> n, side >> n, generator=generator) for n, w in enumerate(WIDTHS)]


@pytest.mark.parametrize(("reference", "printed"), PRINTED.items())
def test_parameters_are_the_printed_ones_to_the_unit(reference: str, printed: int) -> None:
    method = spec(reference)
    small = {"generator_width": 1, "generator_blocks": 0}  # generators do not count
    assert parameter_count(method.build(method.config().args | small), "network") == printed


def test_every_row_of_the_ablation_table_is_a_variant() -> None:
    variants = spec("lsnf").known_variants()
    rows = [
        about.split()[1].rstrip(",") for v in variants.values() if (about := v["about"]).startswith("Exp.")
    ]
    assert rows == ["I", "II", "III", "IV", "V", "VI", "VII"]
    assert {f"lsnf@{name}" for name in variants} - {"lsnf@cpu"} | {"lsnf"} == set(PRINTED)


def test_macs_of_the_network() -> None:
    counts = []
    with torch.device("meta"):
        network = LSNFNetwork(Switches())
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            count = lambda layer, _, output: counts.append(output.numel() * layer.weight[0].numel())  # noqa: E731
            layer.register_forward_hook(count)
    network(*torch.empty(2, 1, 2, 256, 256, device="meta"))
    assert sum(counts) == pytest.approx(76.5e9, rel=0.001)  # 76.7 with normalisation and resizing


def test_a_branch_gives_five_levels_and_aspp_refines_the_second_alone() -> None:
    torch.manual_seed(0)
    branch, image = Branch(Switches()).eval(), torch.rand(1, 2, 32, 48)
    refined = branch(image)
    assert [tuple(x.shape) for x in refined] == [(1, w, 32 >> n, 48 >> n) for n, w in enumerate(WIDTHS)]
    aspp, branch.aspp = branch.aspp, None
    plain = branch(image)
    assert [torch.equal(x, y) for x, y in zip(refined, plain, strict=True)] == [True, False, True, True, True]
    torch.testing.assert_close(refined[1], aspp(plain[1]))


def test_aspp_layers_see_all_before_them() -> None:
    aspp, seen = DenseASPP(WIDTHS[1], Switches().activation), []
    for layer in aspp.layers:
        layer.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape[1]))
    aspp(torch.rand(1, WIDTHS[1], 4, 4))
    assert seen == [128, 144, 160, 176]
    assert [layer[2].dilation[0] for layer in aspp.layers] == [3, 6, 12, 18]


@pytest.mark.parametrize("spatial", [False, True])
def test_attention_fusion_is_its_formula(spatial: bool) -> None:
    torch.manual_seed(0)
    block, a, b = AttentionFusion(32, spatial), *torch.rand(2, 2, 32, 8, 8)
    x = F.conv2d(torch.cat([a, b], 1), block.join.weight, block.join.bias)
    squeeze, excite = (block.gate[n].weight[..., 0, 0].T for n in (0, 2))
    pooled = [torch.relu(p @ squeeze) @ excite for p in (x.mean((2, 3)), x.flatten(2).max(2)[0])]
    x = x * torch.sigmoid(sum(pooled))[..., None, None]
    if spatial:
        maps = torch.stack([x.mean(1), x.max(1)[0]], 1)
        x = x * torch.sigmoid(F.conv2d(maps, block.spatial.weight, padding=3))
    torch.testing.assert_close(block(a, b), x)


@pytest.mark.parametrize("cbam", range(6))
def test_attention_fuses_the_first_levels_and_addition_the_others(cbam: int) -> None:
    with torch.device("meta"):
        fusion = LSNFNetwork(Switches(cbam=cbam)).fusion
    assert [isinstance(block, AttentionFusion) for block in fusion] == [n < cbam for n in range(5)]


def test_the_strict_nest_has_five_nodes_wired_from_level_to_level() -> None:
    torch.manual_seed(0)
    nest, (f1, f2, f3, f4, f5) = StrictNest(Switches().activation), pyramid()
    assert [name for name, _ in nest.named_children()] == ["x41", "x31", "x21", "x22", "x11"]
    assert all(isinstance(node, Node) for node in nest.children())
    x41 = nest.x41(torch.cat([f4, up(f5)], 1))
    x31 = nest.x31(torch.cat([f3, up(x41)], 1))
    x21 = nest.x21(torch.cat([f2, up(f3)], 1))
    x22 = nest.x22(torch.cat([f2, x21, up(x31)], 1))
    x11 = nest.x11(torch.cat([f1, up(x22)], 1))
    torch.testing.assert_close(nest([f1, f2, f3, f4, f5]), x11)
    assert x11.shape == f1.shape


def test_the_full_nest_has_all_ten_nodes_and_sees_its_whole_row() -> None:
    torch.manual_seed(0)
    nest, seen = FullNest(Switches().activation), {}
    for name, node in nest.nodes.items():
        node.register_forward_hook(lambda _, inputs, __, name=name: seen.update({name: inputs[0].shape[1]}))
    assert nest(pyramid()).shape == (1, 32, 16, 16)
    assert seen.pop("x11") == 32 + 128
    assert seen.pop("x14") == 4 * 32 + 128
    assert seen.pop("x23") == 3 * 128 + 256
    assert set(seen) == {"x21", "x31", "x41", "x12", "x22", "x32", "x13"}


@pytest.mark.parametrize(
    ("signed", "kinds"), [(True, {nn.LeakyReLU, nn.Tanh}), (False, {nn.ReLU, nn.Sigmoid})]
)
def test_range_and_activation_go_together(signed: bool, kinds: set[type]) -> None:
    with torch.device("meta"):
        network = LSNFNetwork(Switches(signed=signed, cbam=0))  # CBAM's own gate has ReLU in either
    layers = (nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid)
    assert {type(m) for m in network.modules() if isinstance(m, layers)} == kinds
