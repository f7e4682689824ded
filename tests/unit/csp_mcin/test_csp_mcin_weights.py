"""Weights of CSP-MCIN with and without the two layers that the printed size counts and nothing reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fusionbench.errors import WeightsError
from fusionbench.registry.methods import load
from fusionbench.weights.methods import load_weights


def test_weights_without_the_unread_layers_fuse_alike(tmp_path: Path) -> None:
    trained = load("csp_mcin", semantic="none").eval()
    state = trained.state_dict()
    save_file(
        {name: tensor for name, tensor in state.items() if ".fc." not in name}, tmp_path / "small.safetensors"
    )
    method = load("csp_mcin").eval()
    load_weights(method, tmp_path / "small.safetensors")
    assert len(state) - len(method.state_dict()) == 4
    a, b = torch.rand(2, 1, 1, 64, 64)
    with torch.no_grad():
        assert torch.equal(method.fuse(a, b), trained.fuse(a, b))


def test_nothing_else_may_be_missing(tmp_path: Path) -> None:
    state = load("csp_mcin", semantic="none").state_dict()
    missing = next(name for name in state if ".fc." not in name)
    save_file(
        {name: tensor for name, tensor in state.items() if name != missing}, tmp_path / "torn.safetensors"
    )
    with pytest.raises(WeightsError):
        load_weights(load("csp_mcin"), tmp_path / "torn.safetensors")
