"""DSIFuse as a fusionbench plug-in."""

from __future__ import annotations

from typing import ClassVar, Literal

from fusionbench.methods.dsifuse import loss
from fusionbench.methods.dsifuse.network import SCB_PLACES, DSIFuseNetwork, Output, Switches
from torch import Tensor

from fusionbench.errors import ConfigError
from fusionbench.losses import strongest_gradient
from fusionbench.method import FusionMethod
from fusionbench.types import PairBatch

UNLABELLED = (
    "DSIFuse is trained without semantic loss and salient mask, because the data set has no label maps: its priors "
    "are whatever helps the fusion."
)


class DSIFuse(FusionMethod):
    """DSIFuse (Sensors 2026, 26(9), 2577, doi 10.3390/s26092577).

    The defaults are the paper's modules and loss at our reading of their sizes. ``cfc``, ``cfb``, ``imb``, ``scb``
    and ``sg`` leave modules out as the paper's ablations do, ``global_map`` S_G alone; ``scb_at`` is where SCB adds.
    ``width`` is the encoders' base width, ``reduction`` that of the calibration, ``hidden`` the width of the segmentation heads and ``classes`` the number of classes of
    their maps. ``masks`` is "printed", "compared" (PSFusion's rule) or "brighter" (ours, for data without
    label maps). The weights are those of the paper's intensity, gradient and semantic terms.
    """

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis"})
    color: ClassVar[Literal["luma", "rgb"]] = "luma"
    multiple: int = 32

    def __init__(
        self,
        *,
        width: int = 16,
        reduction: int = 4,
        hidden: int = 32,
        classes: int = 9,
        cfc: bool = True,
        cfb: bool = True,
        imb: bool = True,
        scb: bool = True,
        sg: bool = True,
        global_map: bool = True,
        scb_at: Literal["layers", "levels"] = "layers",
        masks: Literal["printed", "compared", "brighter"] = "printed",
        intensity_weight: float = 155.0,
        gradient_weight: float = 10.0,
        semantic_weight: float = 7.0,
    ) -> None:
        super().__init__()
        if masks not in loss.MASKS:
            raise ConfigError(f"args.masks is '{masks}': use one of {', '.join(loss.MASKS)}.")
        if scb_at not in SCB_PLACES:
            raise ConfigError(f"args.scb_at is '{scb_at}': use one of {', '.join(SCB_PLACES)}.")
        self.save_hyperparameters()
        switches = Switches(cfc, cfb, imb, scb, sg, global_map, scb_at)
        self.network = DSIFuseNetwork(width, classes, reduction, hidden, switches)

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        return self.network(a, b).fused

    def losses(self, batch: PairBatch) -> dict[str, Tensor]:
        options, output = self.hparams, self.network(batch.a, batch.b)
        masks = loss.MASKS[options.masks](batch.a, batch.b, batch.salient)
        gradient = strongest_gradient(output.fused, batch.a, batch.b)
        terms = {
            "intensity": options.intensity_weight * loss.intensity(output.fused, batch.a, batch.b, masks),
            "gradient": options.gradient_weight * gradient,
        }
        return terms | self.semantic_loss(output, batch)

    def semantic_loss(self, output: Output, batch: PairBatch) -> dict[str, Tensor]:
        if output.priors is None:
            return {}
        if batch.label is None:
            self.caveat(UNLABELLED)
            return {}
        distance = loss.semantic(output.priors, batch.label, self.hparams.classes)
        return {"semantic": self.hparams.semantic_weight * distance}
