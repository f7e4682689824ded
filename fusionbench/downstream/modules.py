"""Lightning modules of the downstream networks: training steps, and predictions for stored images."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from fusionbench.downstream.balance import enet_weights
from fusionbench.downstream.networks import backbone_of, build_detector, build_segmenter
from fusionbench.downstream.recipes import TaskNetwork
from fusionbench.downstream.samples import (
    IGNORED,
    DetectionDataset,
    EachEpoch,
    SegmentationDataset,
    Source,
    as_lists,
    normalized,
    resized,
)
from fusionbench.training.optimizers import build_optimizer


class Detections(NamedTuple):
    """Objects found in an image.

    ``corners`` are (left, top, right, bottom) in pixels, float64 [N, 4], ``scores`` [N] are in [0, 1], ``numbers`` [N]
    are those of the classes, from 0.
    """

    corners: np.ndarray
    scores: np.ndarray
    numbers: np.ndarray


class TaskModule(pl.LightningModule):
    """Base class of both tasks: optimizer, frozen epochs and data loaders, as the recipe says."""

    network: nn.Module

    def __init__(self, chosen: TaskNetwork, source: Source, seed: int) -> None:
        super().__init__()
        self.recipe, self.source, self.frozen_epochs = chosen.recipe, source, chosen.frozen_epochs
        self.sampler = EachEpoch(len(source.pairs), seed, chosen.recipe.flip)

    def configure_optimizers(self) -> Any:
        return build_optimizer(self)  # type: ignore[arg-type]  # it needs only recipe, parameters and trainer

    def on_train_epoch_start(self) -> None:
        frozen = self.current_epoch < self.frozen_epochs
        for parameter in backbone_of(self.network).parameters():
            parameter.requires_grad_(not frozen)

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the loader of the next epoch; batches may have another size while the backbone is frozen."""
        # Lightning gets the loader of a resumed training before it calls the sampler's set_epoch
        self.sampler.set_epoch(self.current_epoch)
        frozen = self.current_epoch < self.frozen_epochs
        size = (self.recipe.frozen_batch_size or self.recipe.batch_size) if frozen else self.recipe.batch_size
        count = len(self.source.pairs)
        return DataLoader(
            self.samples(),
            batch_size=min(size, count),
            sampler=self.sampler,
            num_workers=self.recipe.workers,
            collate_fn=as_lists if isinstance(self, Detector) else None,
            # batch normalization of globally pooled values fails for a batch of one image
            drop_last=count % min(size, count) == 1,
        )

    def samples(self) -> Dataset[Any]:
        raise NotImplementedError


class Segmenter(TaskModule):
    """A segmentation network with its loss, cross entropy with or without the Dice loss."""

    def __init__(self, chosen: TaskNetwork, source: Source, seed: int) -> None:
        super().__init__(chosen, source, seed)
        assert source.spec.labels is not None
        self.classes = len(source.spec.labels.classes)
        # with channels last, small convolutions take a fifth less time on CPUs
        self.network = build_segmenter(chosen, self.classes).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.size = (self.recipe.height, self.recipe.width)
        self.class_weights: Tensor | None = None

    def on_fit_start(self) -> None:
        if self.recipe.class_weights == "enet":
            self.class_weights = enet_weights(self.source, self.classes).to(self.device)

    def samples(self) -> Dataset[Any]:
        return SegmentationDataset(self.source, self.size, self.sampler.mirrored)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        from segmentation_models_pytorch.losses import DiceLoss

        images, numbers = batch
        logits = self.network(images)
        loss = functional.cross_entropy(logits, numbers, self.class_weights, ignore_index=IGNORED)
        if self.recipe.loss == "ce+dice":
            loss = loss + DiceLoss("multiclass", ignore_index=IGNORED)(logits, numbers)
        return loss

    @torch.inference_mode()
    def predict(self, image: np.ndarray) -> np.ndarray:
        """Return the class of each pixel, uint8 [H, W], of an image uint8 [H, W, 3]."""
        small = normalized(resized(image, self.size).permute(1, 2, 0).numpy())[None].to(self.device)
        logits = functional.interpolate(
            self.network(small), image.shape[:2], mode="bilinear", align_corners=False
        )
        classes: np.ndarray = logits.argmax(dim=1)[0].to(torch.uint8).cpu().numpy()
        return classes


class Detector(TaskModule):
    """A detection network of torchvision, which has its own losses."""

    def __init__(self, chosen: TaskNetwork, source: Source, seed: int) -> None:
        super().__init__(chosen, source, seed)
        assert source.spec.boxes is not None
        self.network = build_detector(chosen, len(source.spec.boxes.classes))

    def samples(self) -> Dataset[Any]:
        return DetectionDataset(self.source, self.sampler.mirrored)

    def training_step(self, batch: tuple[list[Tensor], list[dict[str, Tensor]]], index: int) -> Tensor:
        parts: dict[str, Tensor] = self.network(*batch)
        return torch.stack(list(parts.values())).sum()

    @torch.inference_mode()
    def predict(self, image: np.ndarray) -> Detections:
        """Return the objects found in an image uint8 [H, W, 3]."""
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float() / 255
        detected = self.network([pixels.to(self.device)])[0]
        kept = detected["scores"] >= self.recipe.min_score
        corners, scores, numbers = (
            detected[key][kept].cpu().numpy() for key in ("boxes", "scores", "labels")
        )
        return Detections(corners.astype(np.float64), scores.astype(np.float64), numbers - 1)
