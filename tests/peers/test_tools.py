"""Tools that count operations against our rules of what they count, each in a process of its own: they patch PyTorch."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.peers
# a convolution with biases, a linear layer on tokens, and attention, which the tools see differently
NETWORK = """
import io, json, warnings
from contextlib import redirect_stdout
import torch
from torch import nn
warnings.simplefilter("ignore")

class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(16, 32)

    def forward(self, image):
        tokens = self.linear(self.conv(image))
        return nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)

network, image = Network().eval(), torch.rand(1, 3, 16, 16)
with redirect_stdout(io.StringIO()), torch.no_grad():
"""
COUNTS = {
    "fvcore": "from fvcore.nn import FlopCountAnalysis\n    count = FlopCountAnalysis(network, image).total()",
    "thop": "import thop\n    count = thop.profile(network, inputs=(image,), verbose=False)[0]",
    "ptflops": "import ptflops\n    count = ptflops.get_model_complexity_info(network, (3, 16, 16), as_strings=False, "
    "print_per_layer_stat=False)[0]",
    "torchinfo": "import torchinfo\n    count = torchinfo.summary(network, input_data=image, verbose=0).total_mult_adds",
    "calflops": "import calflops\n    count = calflops.calculate_flops(network, input_shape=(1, 3, 16, 16), "
    "output_as_string=False, print_results=False)[1]",
}
OURS = """    from fusionbench.profiling.explaining import explain_cost
    from fusionbench.profiling.work import work_of
    rows = explain_cost("1", network, work_of(network, image))
    count = {row.tool.split()[0]: row.value for row in rows if row.unit == "MACs"}
"""


def counted(lines: str) -> float | dict[str, float]:
    code = f"{NETWORK}    {lines.lstrip()}\nprint(json.dumps(count))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def ours() -> dict[str, float]:
    return counted(OURS)


@pytest.mark.parametrize("tool", COUNTS)
def test_a_tool_counts_as_its_rule_says(tool: str, ours: dict[str, float]) -> None:
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    assert counted(COUNTS[tool]) == ours[tool]
