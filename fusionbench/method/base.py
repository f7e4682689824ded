"""The one base class of every fusion method."""

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

# what Lightning's module answers where no Trainer holds it
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
    """Fuse registered pairs; ``fuse`` is the one thing a method must define.

    To fuse, a method is a plain network. What trains is a LightningModule: `fusionbench.training.lightning` puts
    Lightning's module beneath the method's class, so that its hooks, ``configure_optimizers``, ``training_step``,
    ``automatic_optimization``, ``self.log`` and ``self.trainer`` are Lightning's own. Outside a training ``log`` and
    ``log_dict`` do nothing, as there is no log.

    Contract of ``fuse``: ``a`` is float32 [B, 1, H, W] and ``b`` float32 [B, 1, H, W] (``color = "luma"``) or
    [B, 3, H, W] (``"rgb"``), in [0, 1], H and W multiples of ``multiple``. The result has the same H and W, one
    channel or as many as ``b``, finite values in [0, 1]. In eval mode it is deterministic, image i of a batch
    equals image i alone, and the inputs stay as they were. ``fuse_pair`` does everything else.
    """

    families: ClassVar[frozenset[str]]
    color: ClassVar[Literal["luma", "rgb"]] = "luma"
    batch_color: ClassVar[Literal["luma", "rgb"] | None] = (
        None  # of b in training batches; None: as ``color``
    )
    multiple: int = 1  # may depend on constructor arguments, like ``smallest_side``
    smallest_side: int = 1  # sides are padded up to it, so it is a multiple of ``multiple``
    value_step: float = 0.0  # between the values that it returns, where these are levels of a stored image
    stages: tuple[str, ...] = ("fuse",)

    recipe: StageRecipe | None = None  # set by training for the stage that runs
    automatic_optimization: bool = True
    _placeholder: Tensor = torch.empty(0)  # moves with the module, so that it tells device and dtype

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        raise PluginError(f"{type(self).__name__} does not define fuse(a, b): add it to the class.")

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.fuse(a, b)

    def losses(self, batch: PairBatch) -> dict[str, Tensor]:
        """Return the weighted terms of the loss, scalars by name; their sum is minimised."""
        raise PluginError(f"{type(self).__name__} has no losses(batch), so it cannot be trained: add it.")

    def begin(self, stage: str) -> None:
        """Freeze or build what ``stage`` needs; called before its first batch."""

    def finish(self) -> None:
        """Drop what only training needs, such as critics; called once after the last stage, before weights are saved."""

    def fit_to(self, state: Mapping[str, Any]) -> None:
        """Called before weights are loaded; a method whose paper leaves a part's size open takes on theirs."""

    @cached_property
    def caveats(self) -> list[str]:
        """What this training does without."""
        return []

    def caveat(self, text: str) -> None:
        """Warn of something that the training does without, once; the record of its weights repeats it."""
        if text not in self.caveats:
            self.caveats.append(text)
            logging.getLogger(__name__).warning(text)

    @cached_property
    def auxiliaries(self) -> dict[str, str]:
        """SHA-256 by name of files beside the data that this training reads; the record of its weights repeats it."""
        return {}

    def save_hyperparameters(
        self,
        *chosen: str | Mapping[str, Any],
        ignore: str | Sequence[str] | None = None,
        frame: FrameType | None = None,
        logger: bool = True,
    ) -> None:
        """Keep the constructor's arguments, or those of the chosen names, as ``hparams``; call it in ``__init__``."""
        here = inspect.currentframe()
        assert here is not None
        assert here.f_back is not None
        frame = frame or here.f_back
        self.hparams.update(saved(self, frame, chosen, ignore))

    @property
    def hparams(self) -> Hyperparameters:
        """What `save_hyperparameters` has kept, by name and as attributes."""
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
        """Answer for Lightning where no Trainer holds the method; reached for names that nothing else defines."""
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
        """Log a value in a training; elsewhere there is no log. The options are those of Lightning's ``log``."""

    def log_dict(self, values: Mapping[str, Tensor | float], **how: Any) -> None:
        """Log values by name in a training; elsewhere there is no log."""

    def _summed(self, prefix: str, batch: PairBatch) -> Tensor:
        terms = self.losses(batch)
        self.log_terms(prefix, terms, len(batch.a))
        return torch.stack(list(terms.values())).sum()

    def log_terms(self, prefix: str, terms: dict[str, Tensor], pairs: int) -> None:
        """Log the terms of a batch of so many pairs and their sum, as ``prefix``/name and ``prefix``/loss."""
        terms = {name: term.detach() for name, term in terms.items()}
        # steps of a training are logged one by one: Lightning writes epoch means after the checkpoint, where a
        # kill would lose them
        how = {"on_step": prefix == "train", "on_epoch": prefix != "train", "batch_size": pairs}
        self.log_dict({f"{prefix}/{name}": term for name, term in terms.items()}, **how)
        self.log(f"{prefix}/loss", torch.stack(list(terms.values())).sum(), prog_bar=True, **how)
