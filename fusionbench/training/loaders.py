"""The data loaders of one training stage."""

from __future__ import annotations

from typing import Any, Literal

from torch.utils.data import DataLoader

from fusionbench.config import StageRecipe
from fusionbench.data.training_data import TrainingData
from fusionbench.training.training_set import EpochSampler, TrainingPairs, ValidationPairs, collate


def build_loaders(
    data: TrainingData, recipe: StageRecipe, color: Literal["luma", "rgb"], seed: int, workers: int
) -> tuple[DataLoader, DataLoader]:
    """Return the training and the validation loader; the latter is empty if the recipe holds no pairs out.

    Every pair is used once per epoch, so the last batch may be smaller. Order and crops depend on seed and epoch only, so
    a resumed training sees the same batches as an uninterrupted one.
    """
    training, validation = data.divided(recipe.validation, seed)
    pairs = TrainingPairs(training, crop=recipe.crop, augment=recipe.augment, color=color, seed=seed)
    options: dict[str, Any] = {"batch_size": recipe.batch_size, "collate_fn": collate, "num_workers": workers}
    held_out = DataLoader(ValidationPairs(validation, crop=recipe.crop, color=color), **options)
    return DataLoader(pairs, sampler=EpochSampler(pairs, seed), **options), held_out
