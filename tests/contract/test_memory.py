"""Every learned method fuses an image of 1024x768 on a CPU in less than 4 GB."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fusionbench.registry.methods import names, spec

FUSE = """
import resource, sys, torch
from fusionbench import load
from fusionbench.method import fuse_pair

torch.set_num_threads(1)
fuse_pair(load(sys.argv[1]), *torch.rand(2, 1, 1, 768, 1024))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems report peak memory in other units")
@pytest.mark.parametrize("name", [name for name in names() if spec(name).card.kind == "learned"])
def test_an_image_of_1024x768_takes_less_than_4_gb(name: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FUSE, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 4e9
