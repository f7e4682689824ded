"""Optimizers and learning-rate schedules by name, as recipes of papers use them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from fusionbench.config import OptimizerConfig, ScheduleConfig
from fusionbench.errors import ConfigError

if TYPE_CHECKING:
    from fusionbench.method import FusionMethod


def build_optimizer(method: FusionMethod) -> dict[str, object]:
    """Return the recipe's optimizer, and its schedule stepped per batch, in the form of configure_optimizers.

    Raises ConfigError for an unknown name.
    """
    recipe = method.recipe
    assert recipe is not None  # training sets it before Lightning asks for optimizers
    parameters = [p for p in method.parameters() if p.requires_grad]
    optimizer = _optimizer(recipe.optimizer, parameters)
    total = int(method.trainer.estimated_stepping_batches)
    factor = LearningRateFactor(recipe.schedule, recipe.optimizer.lr, total)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def _optimizer(config: OptimizerConfig, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    rate, decay = config.lr, config.weight_decay
    if config.name == "sgd":
        return torch.optim.SGD(parameters, lr=rate, weight_decay=decay, momentum=config.momentum)
    if config.name in ("adam", "adamw"):
        kind = torch.optim.Adam if config.name == "adam" else torch.optim.AdamW
        first, second = config.betas
        return kind(parameters, lr=rate, weight_decay=decay, betas=(first, second))
    raise ConfigError(f"Optimizer '{config.name}' is unknown: use sgd, adam or adamw.")


class LearningRateFactor:
    """The factor lr(step) / lr of a schedule over ``total`` batches.

    It is a class, because LambdaLR stores the state of callable objects in checkpoints, but not that of functions.
    """

    def __init__(self, schedule: ScheduleConfig, lr: float, total: int) -> None:
        if schedule.name not in ("constant", "poly", "cosine"):
            raise ConfigError(f"Schedule '{schedule.name}' is unknown: use constant, poly or cosine.")
        self.name, self.power = schedule.name, schedule.power
        self.floor, self.start = schedule.min_lr / lr, schedule.warmup_from / lr
        # at most a tenth of all batches, so that a short training does not consist of warm-up
        self.warmup = min(schedule.warmup_steps, total // 10)
        self.total = max(1, total)

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            # from ``start`` to 1 in equal ratios
            return self.start ** (1 - step / self.warmup)
        progress = min(1.0, (step - self.warmup) / max(1, self.total - self.warmup))
        if self.name == "constant":
            return 1.0
        decay = (
            (1 - progress) ** self.power if self.name == "poly" else (1 + math.cos(math.pi * progress)) / 2
        )
        return self.floor + (1 - self.floor) * decay
