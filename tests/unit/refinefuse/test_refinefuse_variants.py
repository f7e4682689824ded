"""Every variant that the recipe names, and the modules whose start is known exactly."""

from __future__ import annotations

import pytest
import torch
from fusionbench.methods.refinefuse import loss
from fusionbench.methods.refinefuse.network import PSIM, SFIM, RefineFuseNetwork

from fusionbench.method import fuse_pair
from fusionbench.registry.methods import spec


@pytest.mark.parametrize("variant", sorted(spec("refinefuse").known_variants()))
def test_a_variant_builds_and_fuses_colour_of_any_size(variant: str) -> None:
    method_spec = spec(f"refinefuse@{variant}")
    torch.manual_seed(0)
    method = method_spec.build(method_spec.config().args)
    fused = fuse_pair(method, torch.rand(1, 1, 37, 29), torch.rand(1, 3, 37, 29))
    assert fused.shape == (1, 3, 37, 29)
    assert fused.min() >= 0
    assert fused.max() <= 1
    arguments = method_spec.config().args
    assert arguments.items() <= dict(method.hparams).items()


def test_the_network_works_at_any_multiple_of_its_stride() -> None:
    for levels in (1, 2, 3, 4):
        network = RefineFuseNetwork(levels, sfim=True, psim=True, fim=True, grid=4, crosswise=False).eval()
        size = (2, 1, 2 ** (levels - 1), 3 * 2 ** (levels - 1))
        with torch.inference_mode():
            assert network(torch.rand(size), torch.rand(size)).shape == size


def test_sfim_reads_channel_k_of_both_sources() -> None:
    block = SFIM(3)
    torch.nn.init.zeros_(block.attention.weight)
    torch.nn.init.zeros_(block.attention.bias)
    torch.nn.init.zeros_(block.fuse.weight)
    torch.nn.init.zeros_(block.fuse.bias)
    # the middle tap of each group: 1 for a, 10 for b; both sources come gated by 1 + sigmoid(0)
    block.fuse.weight.data[:, 0, 1, 1], block.fuse.weight.data[:, 1, 1, 1] = 1, 10
    a, b = torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 4)
    assert torch.allclose(block(a, b), 1.5 * (a + 10 * b), atol=1e-5)


def test_crosswise_psim_starts_with_its_inputs_unchanged() -> None:
    block = PSIM(4, grid=2, crosswise=True)
    seen = []
    block.fuse.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    a, b = torch.rand(1, 4, 8, 8), torch.rand(1, 4, 8, 8)
    block(a, b)
    assert torch.equal(seen[0], torch.cat([a, b], dim=1))
    block.gains.data[0] = 1
    block(a, b)
    assert not torch.allclose(seen[1][:, :4], a)
    assert torch.equal(seen[1][:, 4:], b)


@pytest.mark.parametrize(("crosswise", "axis"), [(False, -1), (True, -2)])
def test_attention_equals_its_formula_written_as_loops(crosswise: bool, axis: int) -> None:
    block = PSIM(4, grid=8, crosswise=crosswise)
    x, query = torch.rand(1, 4, 2, 3), torch.rand(1, 2, 2, 3)
    q, k, v = query[0].flatten(1), block.keys[1](x)[0].flatten(1), block.values[1](x)[0].flatten(1)
    scores = torch.stack([torch.stack([(q[:, i] * k[:, j]).sum() for j in range(6)]) for i in range(6)])
    weights = torch.exp(scores / 2**0.5)
    weights = weights / weights.sum(axis, keepdim=True)
    expected = torch.stack([(weights[i] * v).sum(1) for i in range(6)], dim=1).view(1, 4, 2, 3)
    assert torch.allclose(block.attend(query, x, 1), expected, atol=1e-5)


@pytest.mark.parametrize(("size", "tokens"), [((3, 5), 12), ((40, 2), 8), ((40, 60), 16)])
def test_no_more_tokens_than_the_grid_has_cells(size: tuple[int, int], tokens: int) -> None:
    block = PSIM(4, grid=4, crosswise=False)
    seen = []
    for layer in (block.query, *block.keys, *block.values):
        layer.register_forward_hook(lambda module, inputs, output: seen.append(output[0, 0].numel()))
    assert block(torch.rand(1, 4, *size), torch.rand(1, 4, *size)).shape == (1, 4, *size)
    assert seen == [tokens] * 5


def test_equal_contrast_belongs_to_the_visible_source() -> None:
    image = torch.rand(1, 1, 16, 16)
    for contrast in loss.CONTRASTS:
        assert loss.infrared_mask(image, image, None, loss.MaskRule(contrast)).sum() == 0
