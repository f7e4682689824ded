"""CLIP networks of random weights in the files that metrics load, as small as pyiqa can build them."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pyiqa.archs.clip_model import CLIP

TEXT = {"context_length": 77, "vocab_size": 49408, "transformer_width": 64, "transformer_heads": 1}


def vision_transformer(seed: int = 0) -> nn.Module:
    """Return a network as LIQE's: patches of 32 pixels on 224x224."""
    torch.manual_seed(seed)
    return _lively(CLIP(16, 224, 1, 64, 32, transformer_layers=1, **TEXT))


def residual_network(seed: int = 0) -> nn.Module:
    """Return a network as CLIP-IQA's: one block a stage."""
    torch.manual_seed(seed)
    return _lively(CLIP(16, 32, (1, 1, 1, 1), 2, None, transformer_layers=1, **TEXT))


def _lively(network: nn.Module) -> nn.Module:
    """Spread the weights, in half precision as OpenAI's are, so that different images get different values."""
    state = {
        name: (1.5 * tensor).half().float() if tensor.ndim > 1 else tensor
        for name, tensor in network.state_dict().items()
    }
    network.load_state_dict(state)
    return network.eval()


def liqe_file(path: Path, seed: int = 0) -> Path:
    """Write a checkpoint as LIQE's are: all of CLIP below ``params``."""
    state = vision_transformer(seed).state_dict()
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"params": {f"clip_model.{name}": tensor for name, tensor in state.items()}}, path)
    return path


def clip_archive(network: nn.Module, path: Path) -> Path:
    """Write a TorchScript archive, as OpenAI's files are."""

    class Traced(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, module in network.named_children():
                setattr(self, name, module)
            for name, parameter in network.named_parameters(recurse=False):
                setattr(self, name, parameter)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            kept = self.text_projection.sum() + self.positional_embedding.sum() + self.logit_scale
            return x + kept + sum(p.sum() for p in self.parameters())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(Traced(), torch.zeros(1)).save(path)
    return path
