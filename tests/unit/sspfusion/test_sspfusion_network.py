"""SSPFusion's network: its printed size, its blocks against their formulas, and its memory."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from fusionbench.methods.sspfusion.network import (
    RCAB,
    WIDTHS,
    Decoder,
    Encoder,
    SSPFusionNetwork,
    StructurePreservation,
    preserve_as_printed,
)
from torch import Tensor, nn

from fusionbench.profiling import macs, parameter_count
from fusionbench.registry.methods import load, spec

PRINTED_MACS = 284.153e9  # Table 5, at 256x256
PRINTED_MACS_640x480 = 1332e9


def convolution_macs(height: int, width: int) -> tuple[int, int]:
    """Count the multiply-accumulates of a fusion on maps and on the gates' single pixels, computing nothing."""
    with torch.device("meta"):
        network = SSPFusionNetwork(spf=True, tail=True)
    counts = {"maps": 0, "gates": 0}

    def count(layer: nn.Conv2d, name: str, output: Tensor) -> None:
        counts["gates" if ".gate." in name else "maps"] += output.numel() * layer.weight[0].numel()

    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda layer, _, output, name=name: count(layer, name, output))
    network(*torch.empty(2, 1, 1, height, width, device="meta"))
    return counts["maps"], counts["gates"]


def test_parameters_are_the_printed_ones_to_the_unit() -> None:
    assert parameter_count(load("sspfusion")) == 12_021_649


def test_macs_are_the_printed_ones_within_a_percent() -> None:
    assert sum(convolution_macs(256, 256)) == pytest.approx(PRINTED_MACS, rel=0.01)
    assert sum(convolution_macs(480, 640)) == pytest.approx(PRINTED_MACS_640x480, rel=0.01)


def test_macs_are_proportional_to_the_pixels() -> None:
    small, gates = convolution_macs(256, 256)
    assert convolution_macs(480, 640) == (small * 4.6875, gates)
    assert gates / small < 1e-5


def test_the_profiler_counts_the_same() -> None:
    assert macs(load("sspfusion"), 16, 16)["conv_linear"] == sum(convolution_macs(16, 16))


def test_one_slope_and_no_biases() -> None:
    network = SSPFusionNetwork(spf=True, tail=True)
    assert [name for name, p in network.named_parameters() if p.dim() != 4] == ["slope"]
    assert network.slope.numel() == 1
    assert len(network.state_dict()) == len(list(network.parameters()))


def test_every_block_bends_by_the_shared_slope(monkeypatch: pytest.MonkeyPatch) -> None:
    network, seen = SSPFusionNetwork(spf=True, tail=True), []
    prelu = F.prelu
    monkeypatch.setattr(F, "prelu", lambda x, slope: seen.append(slope) or prelu(x, slope))
    network(*torch.rand(2, 1, 1, 4, 4))
    # the extractor's 12 blocks run for both modalities; its tail does not
    assert len(seen) == 2 * 12 + 2 * 6 + 4 + 6 + 7
    assert all(slope is network.slope for slope in seen)


def test_rcab_is_its_formula() -> None:
    torch.manual_seed(0)
    block, x, slope = RCAB(8), torch.rand(2, 8, 5, 6) - 0.5, torch.tensor([0.1])
    y = F.conv2d(x, block.first.weight, padding=1)
    y = F.conv2d(torch.where(y > 0, y, 0.1 * y), block.second.weight, padding=1)
    squeeze, _, excite, _ = block.gate
    gate = torch.relu(y.mean((2, 3)) @ squeeze.weight[..., 0, 0].T)
    gate = torch.sigmoid(gate @ excite.weight[..., 0, 0].T)
    torch.testing.assert_close(block(x, slope), x + y * gate[..., None, None])


def test_an_encoder_halves_and_widens() -> None:
    shapes = [tuple(x.shape) for x in Encoder()(torch.rand(1, 1, 8, 12), torch.tensor([0.25]))]
    assert shapes == [(1, 80, 8, 12), (1, 128, 4, 6), (1, 176, 2, 3)]


def test_narrowing_before_resizing_is_resizing_before_narrowing() -> None:
    torch.manual_seed(0)
    decoder, deepest, slope = Decoder(), torch.rand(1, WIDTHS[2], 2, 3), torch.tensor([0.25])
    skips = [torch.rand(1, WIDTHS[0], 8, 12), torch.rand(1, WIDTHS[1], 4, 6)]
    x = decoder.levels[2](deepest, slope)
    for level in (1, 0):
        large = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = decoder.levels[level](decoder.up[level](large) + skips[level], slope)
    torch.testing.assert_close(decoder(deepest, slope, skips)[0], x, atol=1e-5, rtol=1e-5)


def test_preserving_is_equations_5_to_8_as_mended() -> None:
    s_ir, s_vi, f_ir, f_vi = torch.rand(4, 2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    m_vi, m_ir = (1 - s_ir) * s_vi, (1 - s_vi) * s_ir
    preserve = StructurePreservation()
    preserved = preserve(s_ir, s_vi, f_ir, f_vi), preserve(s_vi, s_ir, f_vi, f_ir)
    torch.testing.assert_close(preserved[0], s_ir + (1 - m_vi) * f_ir + m_vi * f_vi)
    torch.testing.assert_close(preserved[1], s_vi + (1 - m_ir) * f_vi + m_ir * f_ir)


def test_preserving_as_printed_is_equations_7_and_8_letter_by_letter() -> None:
    s_ir, s_vi, f_ir = torch.rand(3, 2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    m_vi, m_ir = (1 - s_ir) * s_vi, (1 - s_vi) * s_ir
    enhanced = preserve_as_printed(s_ir, s_vi, f_ir)
    torch.testing.assert_close(enhanced[0], s_ir + (1 - m_ir) * f_ir + m_vi * f_ir)
    torch.testing.assert_close(enhanced[1], s_vi + m_ir * f_ir + (1 - m_ir) * f_ir)


def test_as_printed_b_is_seen_through_its_structure_alone() -> None:
    network = SSPFusionNetwork(spf=True, tail=True, as_printed=True)
    assert network.encode_b is None
    idle = sum(p.numel() for p in SSPFusionNetwork(spf=True, tail=True).encode_b.parameters())
    assert idle == 2_022_608
    assert sum(p.numel() for p in network.parameters()) == 12_021_649 - idle
    a, b, other = torch.rand(3, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    maps = [network.structure(image).maps for image in (a, b)]
    fused = [network.fuse(a, image, *(list(levels) for levels in maps)) for image in (b, other)]
    assert torch.equal(*fused)
    assert not torch.equal(network(a, b), network(a, other))


@pytest.mark.parametrize(("s_a", "s_b"), [(0, 0), (1, 1), (1, 0), (0, 1)])
def test_a_modality_takes_from_the_other_what_only_that_one_has(s_a: int, s_b: int) -> None:
    a, b = torch.full((1, 1, 2, 2), 3.0), torch.full((1, 1, 2, 2), 7.0)
    preserved = StructurePreservation()(torch.full_like(a, s_a), torch.full_like(b, s_b), a, b)
    assert preserved.unique().item() == s_a + (7 if (s_a, s_b) == (0, 1) else 3)


def test_without_spf_the_modalities_keep_to_themselves() -> None:
    network = SSPFusionNetwork(spf=False, tail=True)
    parts = torch.rand(4, 1, WIDTHS[2], 2, 2).unbind()
    torch.testing.assert_close(network.enhance(*parts), (parts[0] + parts[2], parts[1] + parts[3]))


def test_structure_maps_have_the_widths_of_the_features() -> None:
    structure = SSPFusionNetwork(spf=True, tail=True).structure(torch.rand(1, 1, 8, 8))
    assert [x.shape for x in structure.maps] == [x.shape for x in structure.features]
    assert structure.image.shape == (1, 1, 8, 8)
    assert all(0 <= x.min() <= x.max() <= 1 for x in structure.maps)


def test_fusing_uses_the_maps_that_training_sees() -> None:
    network, (a, b) = SSPFusionNetwork(spf=True, tail=True), torch.rand(2, 1, 1, 8, 8)
    maps = [network.structure(image).maps for image in (a, b)]
    torch.testing.assert_close(network(a, b), network.fuse(a, b, *maps))


def test_the_fused_image_is_cut_to_its_range() -> None:
    method = load("sspfusion")
    method.network.reconstruct.weight.data.mul_(1e3)
    fused = method.fuse(*torch.rand(2, 1, 1, 8, 8))
    assert 0 <= fused.min() <= fused.max() <= 1


def test_the_cards_size_is_the_printed_one() -> None:
    expect = spec("sspfusion").card.expect
    assert expect["parameters"] == 12_021_649
    assert expect["macs"]["64x64"] == pytest.approx(PRINTED_MACS / 16, rel=1e-5)
