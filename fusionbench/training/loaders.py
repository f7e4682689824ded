"""The loaders of one training stage."""

from __future__ import annotations

from torch.utils.data import DataLoader

from fusionbench.config import StageRecipe
from fusionbench.data.pairs import Split
from fusionbench.data.training_set import (
    EpochSampler,
    TrainingPairs,
    ValidationPairs,
    collate,
    split_validation,
)


def build_loaders(
    split: Split, recipe: StageRecipe, color: str, seed: int, workers: int
) -> tuple[DataLoader, DataLoader]:
    """Return the training and the validation loader; a tenth of the pairs is held out for validation.

    Order and crops depend on seed and epoch alone, so a training that was killed and resumed sees the batches of
    one that was not.
    """
    training, validation = split_validation(split, fraction=0.1, seed=seed)
    pairs = TrainingPairs(training, crop=recipe.crop, augment=recipe.augment, color=color, seed=seed)
    options = {"batch_size": recipe.batch_size, "collate_fn": collate, "num_workers": workers}
    # a last batch smaller than the others would weigh its pairs more; a set smaller than a batch keeps it
    drop_last = len(pairs) >= recipe.batch_size
    train = DataLoader(pairs, sampler=EpochSampler(pairs, seed), drop_last=drop_last, **options)
    return train, DataLoader(ValidationPairs(validation, crop=recipe.crop, color=color), **options)
