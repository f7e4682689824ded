"""LSNF's pixel terms and the least-squares adversarial terms; formulas are our reading, as ``card.yaml`` says."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fusionbench.losses import sobel

EPSILON = 1e-3  # against a Sobel strength of up to 8


def gradient_weighted_pixels(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Ask at each pixel for the source that has the stronger gradient there, in proportion (GWPL).

    The mean of w_a |fused - a| + w_b |fused - b|, w the Sobel strengths' shares, which sum to 1; where both sources are
    flat they count alike.
    """
    strength_a, strength_b = sobel(a) + EPSILON, sobel(b) + EPSILON
    weight_a = strength_a / (strength_a + strength_b)
    return torch.lerp((fused - b).abs(), (fused - a).abs(), weight_a).mean()


def plain_pixels(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Ask everywhere for both sources alike: the mean of both mean l1 distances."""
    return ((fused - a).abs().mean() + (fused - b).abs().mean()) / 2


def deceived(critic: nn.Module, made: Tensor) -> Tensor:
    """Ask that a critic takes ``made`` for real (Mao et al. 2017, doi 10.1109/ICCV.2017.304).

    The critic learns nothing from it.
    """
    fixed = {name: parameter.detach() for name, parameter in critic.named_parameters()}
    return (functional_call(critic, fixed, (made,)) - 1).square().mean()


def discerning(critic: nn.Module, real: Tensor, made: Tensor) -> Tensor:
    """Ask that a critic scores ``real`` 1 and ``made`` 0; what made the image learns nothing from it."""
    return ((critic(real) - 1).square().mean() + critic(made.detach()).square().mean()) / 2
