"""The base class of every fusion method."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import FrameType
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from fusionbench.config import StageRecipe
from fusionbench.errors import PluginError
from fusionbench.method.hyperparameters import Hyperparameters, saved
from fusionbench.types import PairBatch

# the values of these attributes of a LightningModule without a Trainer
OUTSIDE_TRAINING = {
    "current_epoch": 0,
    "global_step": 0,
    "global_rank": 0,
    "local_rank": 0,
    "logger": None,
    "fabric": None,
}
ONLY_IN_TRAINING = frozenset(
    [
        "trainer",
        "loggers",
        "optimizers",
        "lr_schedulers",
        "manual_backward",
        "backward",
        "clip_gradients",
        "configure_gradient_clipping",
        "toggle_optimizer",
        "untoggle_optimizer",
        "toggled_optimizer",
        "optimizer_step",
        "optimizer_zero_grad",
        "lr_scheduler_step",
        "all_gather",
        "freeze",
        "unfreeze",
        "print",
        "transfer_batch_to_device",
        "hparams_initial",
        "to_onnx",
        "to_torchscript",
    ]
)


class FusionMethod(nn.Module):
    """A method that fuses registered pairs; `fuse` is the only thing that a subclass must define.

    Contract of ``fuse(a, b)``: ``a`` is float32 [B, 1, H, W]; ``b`` is float32 [B, 1, H, W] (``color = "luma"``) or
    [B, 3, H, W] (``color = "rgb"``); both are in [0, 1], H and W multiples of ``multiple``. The result has the same H and
    W, one channel or as many as ``b``, and finite values in [0, 1]. In eval mode it is deterministic, image i of a batch
    equals image i fused alone, and the inputs are not modified. `fuse_pair` handles colour, padding and cropping.

    For fusing, a method is a plain ``nn.Module``, so that Lightning need not be loaded. For training,
    `fusionbench.training.lightning` makes a class that derives from the method and from LightningModule, so that hooks,
    ``configure_optimizers``, ``training_step``, ``automatic_optimization``, ``self.log`` and ``self.trainer`` work as in
    Lightning. Outside of training ``log`` and ``log_dict`` do nothing.
    """

    families: ClassVar[frozenset[str]]
    color: ClassVar[Literal["luma", "rgb"]] = "luma"
    batch_color: ClassVar[Literal["luma", "rgb"] | None] = (
        None  # channels of b in training batches; None means those of ``color``
    )
    multiple: int = 1  # sides are padded to a multiple of it; a constructor may set it, as ``smallest_side``
    smallest_side: int = 1  # sides are padded up to it at least; a multiple of ``multiple``
    value_step: float = 0.0  # distance between returned values if they are levels of a stored image, as 1/255
    stages: tuple[str, ...] = ("fuse",)

    recipe: StageRecipe | None = None  # that of the running stage, set by training
    automatic_optimization: bool = True
    # moved with the module: gives device and dtype without any parameter
    _placeholder: Tensor = torch.empty(0)

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the fused image of ``a`` and ``b``, see the class for shapes and ranges."""
        raise PluginError(f"{type(self).__name__} does not define fuse(a, b): add it to the class.")

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.fuse(a, b)

    def losses(self, batch: PairBatch) -> dict[str, Tensor]:
        """Return the weighted terms of the loss by name, each a scalar; their sum is minimised."""
        raise PluginError(f"{type(self).__name__} has no losses(batch), so it cannot be trained: add it.")

    def begin(self, stage: str) -> None:
        """Prepare for a training stage, for example freeze or build parts; called before its first batch."""

    def finish(self) -> None:
        """Delete parts that only training needs, such as discriminators; called after the last stage, before saving."""

    def fit_to(self, state: Mapping[str, Any]) -> None:
        """Adapt the sizes of parts to the weights about to be loaded, for methods whose paper leaves a size open."""

    @cached_property
    def caveats(self) -> list[str]:
        """The caveats of this training, as sentences."""
        return []

    def caveat(self, text: str) -> None:
        """Warn once of a caveat of the training, such as a missing loss term; it is also in the record of the weights."""
        if text not in self.caveats:
            self.caveats.append(text)
            logging.getLogger(__name__).warning(text)

    @cached_property
    def auxiliaries(self) -> dict[str, str]:
        """The SHA-256, by name, of files that this training reads besides its data; kept in the record of the weights."""
        return {}

    def save_hyperparameters(
        self,
        *chosen: str | Mapping[str, Any],
        ignore: str | Sequence[str] | None = None,
        frame: FrameType | None = None,
        logger: bool = True,
    ) -> None:
        """Store the constructor's arguments, or the chosen ones, in ``hparams``; to be called in ``__init__``.

        It has the signature of Lightning's method of this name. The arguments are read from the caller's frame.
        """
        here = inspect.currentframe()
        assert here is not None
        assert here.f_back is not None
        frame = frame or here.f_back
        self.hparams.update(saved(self, frame, chosen, ignore))

    @property
    def hparams(self) -> Hyperparameters:
        """The arguments stored by `save_hyperparameters`, by name and as attributes."""
        if "_hparams" not in self.__dict__:
            self._hparams = Hyperparameters()
        return self._hparams

    @property
    def device(self) -> torch.device:
        return self._placeholder.device

    @property
    def dtype(self) -> torch.dtype:
        return self._placeholder.dtype

    def _apply(self, convert: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self._placeholder = convert(self._placeholder)
        return super()._apply(convert, recurse)

    def __getattr__(self, name: str) -> Any:
        """Return attributes that Lightning would provide; called only for names that are not defined otherwise.

        Raises AttributeError, with an explanation for those that exist in training only.
        """
        if name in OUTSIDE_TRAINING:
            return OUTSIDE_TRAINING[name]
        if name in ONLY_IN_TRAINING:
            raise AttributeError(
                f"{type(self).__name__}.{name} is Lightning's and there only in a training: call it from training_step "
                "or a training hook, or build the method by fusionbench.training.lightning.lightning_class(...)."
            )
        return super().__getattr__(name)

    @property
    def trainable(self) -> bool:
        return any(True for _ in self.parameters())

    def training_step(self, batch: PairBatch, batch_index: int) -> Tensor | None:
        return self._summed("train", batch)

    def validation_step(self, batch: PairBatch, batch_index: int) -> Tensor:
        return self._summed("val", batch)

    def configure_optimizers(self) -> dict[str, object]:
        from fusionbench.training.optimizers import build_optimizer

        return build_optimizer(self)

    def log(self, name: str, value: Tensor | float, **how: Any) -> None:
        """Log a value in training, with the options of Lightning's ``log``; do nothing elsewhere."""

    def log_dict(self, values: Mapping[str, Tensor | float], **how: Any) -> None:
        """Log values by name in training; do nothing elsewhere."""

    def _summed(self, prefix: str, batch: PairBatch) -> Tensor:
        terms = self.losses(batch)
        self.log_terms(prefix, terms, len(batch.a))
        return torch.stack(list(terms.values())).sum()

    def log_terms(self, prefix: str, terms: dict[str, Tensor], pairs: int) -> None:
        """Log the terms of a batch of ``pairs`` pairs as ``prefix``/name, and their sum as ``prefix``/loss."""
        terms = {name: term.detach() for name, term in terms.items()}
        # training steps are logged one by one, because Lightning writes means of epochs after the checkpoint: a kill
        # between the two would lose them
        how = {"on_step": prefix == "train", "on_epoch": prefix != "train", "batch_size": pairs}
        self.log_dict({f"{prefix}/{name}": term for name, term in terms.items()}, **how)
        self.log(f"{prefix}/loss", torch.stack(list(terms.values())).sum(), prog_bar=True, **how)
