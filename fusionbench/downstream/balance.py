"""How much each class of a label map weighs in the loss: rare ones more, so that they are learned at all."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fusionbench.downstream.samples import IGNORED, Source, read_map

# of ENet: no class weighs more than 1 / ln(1.02), which is some 36 times a class that is everywhere
CONSTANT = 1.02


def enet_weights(source: Source, classes: int) -> Tensor:
    """Return 1 / ln(1.02 + share of the class among the training pixels), float32 [classes].

    Paszke et al., "ENet", arXiv 1606.02147. Ignored pixels do not count. Raises ImageError for a map that cannot be read.
    """
    counts = np.zeros(classes)
    for pair in source.pairs:
        numbers = read_map(pair, source.spec, source.images[pair.id])
        counts += np.bincount(numbers[numbers != IGNORED], minlength=classes)
    shares = counts / max(1.0, counts.sum())
    return torch.tensor(1 / np.log(CONSTANT + shares), dtype=torch.float32)
