"""Weights of the classes of label maps in the loss; rare classes weigh more, or they would not be learned."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fusionbench.downstream.samples import IGNORED, Source, read_map

# ENet's: no class weighs more than 1 / ln(1.02), about 36 times the weight of a class that covers everything
CONSTANT = 1.02


def enet_weights(source: Source, classes: int) -> Tensor:
    """Return w_c = 1 / ln(1.02 + p_c), where p_c is the share of class c in the training pixels, float32 [classes].

    Paszke et al., "ENet", arXiv 1606.02147. Ignored pixels are not counted. Raises ImageError for a map that cannot be
    read.
    """
    counts = np.zeros(classes)
    for pair in source.pairs:
        numbers = read_map(pair, source.spec, source.images[pair.id])
        counts += np.bincount(numbers[numbers != IGNORED], minlength=classes)
    shares = counts / max(1.0, counts.sum())
    return torch.tensor(1 / np.log(CONSTANT + shares), dtype=torch.float32)
