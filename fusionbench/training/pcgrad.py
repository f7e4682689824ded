"""PCGrad: optimization of several objectives whose gradients conflict.

Source: Yu et al. 2020, "Gradient surgery for multi-task learning", arXiv 2001.06782. From the gradient g_i of each
objective the component against each conflicting g_j is removed, g_i <- g_i - (g_i . g_j) / |g_j|^2 g_j where
g_i . g_j < 0, and the results are added or averaged to one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import Parameter

from fusionbench.errors import ConfigError, PluginError
from fusionbench.method import FusionMethod
from fusionbench.types import PairBatch

EPSILON = 1e-12  # added to squared norms, for gradients that are zero


class PCGradFusionMethod(FusionMethod):
    """The base class, in place of FusionMethod, of methods trained by PCGrad on two or more objectives.

    Each term that ``losses`` returns is an objective, unless ``objectives`` groups them. The cosine between the gradients
    of each two objectives, before projection, is logged every step as ``train/cosine_<first>_<second>``. Optimizer,
    schedule and clipping of the recipe apply as in any training; clipping limits the joined gradient. With several
    processes the gradient of each objective is averaged over them first, so that all project alike.

    ``reduction`` joins the projected gradients: "mean" as in released codes, or "sum" as in papers. A constructor that
    sets ``self.automatic_optimization = True`` gets the plain sum of terms as in any other method.
    """

    reduction: Literal["mean", "sum"] = "mean"

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def objectives(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the objectives by name, grouped from the terms of ``losses``; by default each term is one."""
        return terms

    def on_fit_start(self) -> None:
        if self.trainer.precision == "16-mixed" and not self.automatic_optimization:
            raise ConfigError(
                "trainer.precision is 16-mixed, but PCGrad compares gradients that are not scaled, which half "
                "precision cannot hold: use bf16-mixed or 32-true."
            )

    def training_step(self, batch: PairBatch, batch_index: int) -> Tensor | None:
        if self.automatic_optimization:
            return super().training_step(batch, batch_index)
        terms = self.losses(batch)
        self.log_terms("train", terms, len(batch.a))
        self.step(self.objectives(terms))
        return None

    def step(self, objectives: dict[str, Tensor]) -> None:
        """Take one step of optimizer and schedule for two or more objectives, scalars by name. Raises PluginError for fewer."""
        if len(objectives) < 2:
            raise PluginError(
                f"{type(self).__name__} gave PCGrad {sorted(objectives)}: return two objectives or more."
            )
        parameters, rows = gradients(list(objectives.values()), list(self.parameters()))
        rows = self.trainer.strategy.reduce(rows, reduce_op="mean")
        self.log_dict(gradient_cosines(list(objectives), rows), on_step=True, on_epoch=False)
        joined = project(rows, self.global_step, self.reduction)
        for parameter, part in zip(parameters, joined.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = part.view_as(parameter)
        optimizer = self.optimizers()
        if self.recipe is not None and self.recipe.clip:
            self.clip_gradients(optimizer, self.recipe.clip, "norm")
        optimizer.step()
        optimizer.zero_grad()
        self.lr_schedulers().step()


def gradients(
    objectives: Sequence[Tensor], parameters: Sequence[Parameter]
) -> tuple[list[Parameter], Tensor]:
    """Return the parameters on which any objective depends, and the gradients [K objectives, P values] for them.

    All other parameters get no gradient, as with ``backward``, so that an optimizer does not change them.
    """
    wanted = [p for p in parameters if p.requires_grad]
    # the graph is kept, because the next objective needs the same one
    rows = [torch.autograd.grad(o, wanted, retain_graph=True, allow_unused=True) for o in objectives]
    reached = [k for k, column in enumerate(zip(*rows, strict=True)) if any(g is not None for g in column)]
    values = [torch.zeros_like(wanted[k]) if row[k] is None else row[k] for row in rows for k in reached]
    return [wanted[k] for k in reached], torch.cat([v.flatten() for v in values]).view(len(rows), -1)


def gradient_cosines(names: Sequence[str], gradient_rows: Tensor) -> dict[str, Tensor]:
    """Return the cosine between each two gradients by its name in the log, in [-1, 1], negative for a conflict."""
    rows = zip(names, gradient_rows, strict=True)
    return {
        f"train/cosine_{first}_{second}": F.cosine_similarity(x, y, dim=0)
        for (first, x), (second, y) in combinations(rows, 2)
    }


def project(gradient_rows: Tensor, seed: int = 0, reduction: Literal["mean", "sum"] = "mean") -> Tensor:
    """Return gradients [K, P] joined to one [P], each projected onto the normal planes of those that conflict with it.

    With three or more objectives the order of the projections matters; it is drawn from ``seed``, which must be the same
    in all processes of a training.
    """
    # projections are linear combinations of the given gradients, so their K x K dot products are all that is needed
    products, order = gradient_rows @ gradient_rows.T, torch.Generator().manual_seed(seed)
    shares = torch.eye(len(gradient_rows), dtype=gradient_rows.dtype, device=gradient_rows.device)
    for number, share in enumerate(shares):
        for other in torch.randperm(len(gradient_rows), generator=order).tolist():
            if other != number:
                # clamp instead of a branch on the sign, which would synchronise with the device
                against = (share @ products[:, other]).clamp(max=0)
                share[other] -= against / (products[other, other] + EPSILON)
    return shares.sum(0) @ gradient_rows / (len(gradient_rows) if reduction == "mean" else 1)
