"""Making a LightningModule of a method's class, so that Lightning's Trainer can train it."""

from __future__ import annotations

from functools import cache
from typing import Any

from pytorch_lightning import LightningModule

from fusionbench.method import FusionMethod
from fusionbench.registry.construct import find_class, instantiate
from fusionbench.registry.method_spec import MethodSpec


class LightningMethod(FusionMethod, LightningModule):  # type: ignore[misc]  # both define names of Lightning
    """A fusion method that is a LightningModule; names that FusionMethod replaces are Lightning's own again."""

    automatic_optimization = LightningModule.automatic_optimization
    device = LightningModule.device
    dtype = LightningModule.dtype  # type: ignore[assignment]
    hparams = LightningModule.hparams  # type: ignore[assignment]
    log = LightningModule.log  # type: ignore[assignment]
    log_dict = LightningModule.log_dict  # type: ignore[assignment]
    save_hyperparameters = LightningModule.save_hyperparameters


@cache
def lightning_class(method_class: type[FusionMethod]) -> type[LightningMethod]:
    """Return a class with the method's name, constructor and parameters that Lightning's Trainer can train.

    It derives from the method's class, then `LightningMethod`, FusionMethod and LightningModule: overrides of the method
    win, and ``super()`` in them reaches Lightning.
    """
    if issubclass(method_class, LightningMethod):
        return method_class
    about = {"__module__": method_class.__module__, "__doc__": method_class.__doc__}
    return type(method_class.__name__, (method_class, LightningMethod), about)


def build_trainable(spec: MethodSpec, arguments: dict[str, Any]) -> LightningMethod:
    """Import a method's class and return a trainable instance. Raises as `MethodSpec.build`."""
    spec.require_class()
    return instantiate(spec, lightning_class(find_class(spec)), arguments)  # type: ignore[arg-type]
