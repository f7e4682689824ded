"""PCGrad: take steps that serve several objectives, where a plain sum would let one undo what another asks for.

Yu et al. 2020, "Gradient surgery for multi-task learning", arXiv 2001.06782: from the gradient of each objective the
part that points against another objective's gradient is removed; the rests are joined to one step.
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

EPSILON = 1e-12  # beside a squared norm, for a gradient that is zero


class PCGradFusionMethod(FusionMethod):
    """Base of methods with two or more objectives; derive from it instead of FusionMethod.

    Each term that ``losses`` returns is an objective, unless ``objectives`` groups them. The cosine of each two
    objectives' gradients is logged every step as ``train/cosine_<first>_<second>``, before any projection. The
    recipe's optimizer, schedule and clipping apply as in any training; the limit is on the joined gradient. With
    several processes each objective's gradient is averaged over them first, so that they project alike.

    ``reduction`` joins the projected gradients: "mean", as the released codes do, or "sum", as papers write it. A
    constructor that sets ``self.automatic_optimization = True`` has the terms summed as in any other method.
    """

    reduction: Literal["mean", "sum"] = "mean"

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def objectives(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """Group the terms of ``losses`` to the objectives that are weighed against each other."""
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
        """Take one step of optimizer and schedule for the objectives, scalars by name."""
        if len(objectives) < 2:
            raise PluginError(
                f"{type(self).__name__} gave PCGrad {sorted(objectives)}: return two objectives or more."
            )
        parameters, rows = gradients(list(objectives.values()), list(self.parameters()))
        rows = self.trainer.strategy.reduce(rows, reduce_op="mean")
        self.log_dict(cosines(list(objectives), rows), on_step=True, on_epoch=False)
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
    """Return the parameters that any objective depends on, and [objectives, their values] of gradients.

    The others get no gradient at all, as under ``backward``; an optimizer leaves them alone.
    """
    wanted = [p for p in parameters if p.requires_grad]
    rows = [torch.autograd.grad(o, wanted, retain_graph=True, allow_unused=True) for o in objectives]
    reached = [k for k, column in enumerate(zip(*rows, strict=True)) if any(g is not None for g in column)]
    values = [torch.zeros_like(wanted[k]) if row[k] is None else row[k] for row in rows for k in reached]
    return [wanted[k] for k in reached], torch.cat([v.flatten() for v in values]).view(len(rows), -1)


def cosines(names: Sequence[str], gradient_rows: Tensor) -> dict[str, Tensor]:
    """Return the cosine of each two gradients under the name that it is logged by; negative where they conflict."""
    rows = zip(names, gradient_rows, strict=True)
    return {
        f"train/cosine_{first}_{second}": F.cosine_similarity(x, y, dim=0)
        for (first, x), (second, y) in combinations(rows, 2)
    }


def project(gradient_rows: Tensor, seed: int = 0, reduction: Literal["mean", "sum"] = "mean") -> Tensor:
    """Join gradients [K, P] to one [P], each projected on the normal planes of those that it conflicts with.

    From three objectives on the order of the planes matters: it is drawn by ``seed``, which must be the same in all
    processes of a training.
    """
    # every projection is a sum of the given gradients, so it takes no more of them than their dot products
    products, order = gradient_rows @ gradient_rows.T, torch.Generator().manual_seed(seed)
    shares = torch.eye(len(gradient_rows), dtype=gradient_rows.dtype, device=gradient_rows.device)
    for number, share in enumerate(shares):
        for other in torch.randperm(len(gradient_rows), generator=order).tolist():
            if other != number:
                # nothing to remove where the product is positive; no branch, which would wait for the device
                against = (share @ products[:, other]).clamp(max=0)
                share[other] -= against / (products[other, other] + EPSILON)
    return shares.sum(0) @ gradient_rows / (len(gradient_rows) if reduction == "mean" else 1)
