"""Work by kind, and the ways in which tools add it up, on small networks whose counts are known by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from fusionbench.errors import RequestError
from fusionbench.profiling.explaining import explain_cost, nearest_rule_sentence, parsed_number
from fusionbench.profiling.work import work_of

CONVOLUTION = 3 * 8 * 9 * 16 * 16  # 3 channels to 8 by 3x3 kernels on 16x16 pixels
OUTPUTS = 8 * 16 * 16


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8, 3, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(x, self.weight, padding=1)


class Attention(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.scaled_dot_product_attention(x, x, x)


def value(network: nn.Module, image: torch.Tensor, tool: str, unit: str = "MACs") -> float:
    findings = explain_cost("1", network, work_of(network, image))
    return next(row.value for row in findings if row.tool.startswith(tool) and row.unit == unit)


def test_biases_are_what_ptflops_counts_beyond_fvcore() -> None:
    layer, image = nn.Conv2d(3, 8, 3, padding=1), torch.rand(1, 3, 16, 16)
    assert work_of(layer, image) == {"conv": CONVOLUTION, "conv_bias": OUTPUTS}
    assert value(layer, image, "fvcore") == value(layer, image, "thop") == CONVOLUTION == 55296
    assert value(layer, image, "ptflops") == value(layer, image, "torchinfo") == 57344
    findings = explain_cost("57344", layer, work_of(layer, image))
    assert findings[0].prints_alike
    said = nearest_rule_sentence("57344", findings, work_of(layer, image))
    assert "ptflops 0.7.5 (MACs), torchinfo 1.8.0 (MACs)" in said
    assert "biases 3.7%" in said


def test_a_convolution_by_a_function_is_seen_by_some() -> None:
    network, image = Functional(), torch.rand(1, 3, 16, 16)
    assert value(network, image, "fvcore") == value(network, image, "calflops") == CONVOLUTION
    assert value(network, image, "thop") == value(network, image, "torchinfo") == 0
    assert value(network, image, "PyTorch", "FLOPs") == 2 * CONVOLUTION


def test_attention_is_counted_here_and_nowhere_else() -> None:
    network, tokens = Attention(), torch.rand(1, 4, 64, 32)
    assert work_of(network, tokens)["attention"] == 4 * 64 * 64 * 64
    counts = {(row.tool, row.unit, row.value) for row in explain_cost("1", network, work_of(network, tokens))}
    assert ("fusionbench", "FLOPs", 2097152) in counts
    assert all(number == 0 for tool, unit, number in counts if tool != "fusionbench")


def test_linear_layers_of_tokens_count_once_an_image_in_torchinfo() -> None:
    layer, tokens = nn.Linear(16, 32), torch.rand(4, 10, 16)
    assert value(layer, tokens, "fvcore") == 4 * 10 * 16 * 32
    assert value(layer, tokens, "ptflops") == 4 * 10 * (16 * 32 + 32)
    assert value(layer, tokens, "torchinfo") == 4 * (16 * 32 + 32)


def test_transposed_convolutions() -> None:
    layer, image = nn.ConvTranspose2d(3, 8, 2, 2, bias=False), torch.rand(1, 3, 16, 16)
    assert value(layer, image, "fvcore") == 3 * 16 * 16 * 8 * 4 == 24576
    assert value(layer, image, "thop") == 98304


def test_parameters_are_ranked_beside_operations() -> None:
    layer = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    layer[0].bias.requires_grad_(False)
    findings = explain_cost("240", layer, work_of(layer.eval(), torch.rand(1, 3, 16, 16)))
    numbers = {row.text: row.value for row in findings if row.unit == "parameters"}
    assert findings[0].text == "all parameters, each once"
    assert sorted(numbers.values()) == [224, 232, 240, 257]


@pytest.mark.parametrize(
    ("text", "number", "half"),
    [("12.73G", 12.73e9, 5e6), ("57344", 57344, 0.5), ("2.1M", 2.1e6, 5e4), ("1e3", 1e3, 500)],
)
def test_costs_are_read_as_they_are_printed(text: str, number: float, half: float) -> None:
    assert parsed_number(text) == (pytest.approx(number), pytest.approx(half))


def test_what_is_no_cost_is_refused() -> None:
    with pytest.raises(RequestError, match="'much' is not a cost"):
        parsed_number("much")
