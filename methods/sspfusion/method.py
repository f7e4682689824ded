"""SSPFusion as a fusionbench plug-in."""

from __future__ import annotations

from typing import ClassVar, Literal

from fusionbench.methods.sspfusion import loss
from fusionbench.methods.sspfusion.network import SSPFusionNetwork, Structure
from torch import Tensor

from fusionbench.errors import ConfigError
from fusionbench.losses import dissimilarity, strongest_gradient, strongest_intensity
from fusionbench.method import FusionMethod
from fusionbench.types import PairBatch


class SSPFusion(FusionMethod):
    """SSPFusion (arXiv 2309.14745, doi 10.48550/arXiv.2309.14745).

    The defaults are the paper's network and loss. ``alpha`` and ``beta`` weigh the structure and the reconstruction
    loss; with both 0 (the ablation without SFE) there is no structure stage, and with beta 0 no reconstruction.
    ``spf`` leaves out structure-preserving fusion, ``as_printed`` takes the subscripts of Eqs. 7 and 8 as they stand.
    ``threshold`` ("feature" as printed, "gradient") and ``invert`` decide what counts as structure (Eq. 2).
    ``freeze_extractor`` keeps what the structure stage learned as it is in the fusion stage.

    Raises ConfigError where two of these leave each other nothing to do.
    """

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis", "medical"})
    color: ClassVar[Literal["luma", "rgb"]] = "luma"
    multiple: int = 4
    stages: tuple[str, ...] = ("structure", "fusion")

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        beta: float = 1.0,
        spf: bool = True,
        invert: bool = False,
        threshold: Literal["feature", "gradient"] = "feature",
        as_printed: bool = False,
        freeze_extractor: bool = False,
    ) -> None:
        super().__init__()
        if as_printed and not spf:
            raise ConfigError(
                "sspfusion: as_printed changes how SPF fuses and spf=false leaves it out: drop one."
            )
        if freeze_extractor and not (alpha or beta):
            raise ConfigError(
                "sspfusion: freeze_extractor keeps the extractor of the structure stage, which alpha and beta of 0 "
                "leave out: give one of them a weight."
            )
        self.save_hyperparameters()
        self.network = SSPFusionNetwork(spf, tail=beta > 0, as_printed=as_printed)
        self.fusing = True
        if not alpha and not beta:
            self.stages = ("fusion",)

    def begin(self, stage: str) -> None:
        """Train the extractor in the structure stage, the rest in the fusion stage, with the extractor or without.

        The slope that all blocks share goes with the extractor, which would not stay as it is otherwise.
        """
        self.fusing = stage == "fusion"
        self.network.requires_grad_(self.fusing)
        trained = not (self.fusing and self.hparams.freeze_extractor)
        self.network.extractor.requires_grad_(trained)
        self.network.slope.requires_grad_(trained)

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        # losses see what is outside the range, where a clamp would have no gradient
        return self.network(a, b).clamp(0, 1)

    def losses(self, batch: PairBatch) -> dict[str, Tensor]:
        """Return the terms of Eq. 9, those of the fused image in the fusion stage only.

        A frozen extractor has no gradient to give to the other terms, which are left out.
        """
        pair = [self.network.structure(image) for image in (batch.a, batch.b)]
        if self.fusing and self.hparams.freeze_extractor:
            return self.fusion_loss(batch, pair)
        terms = {}
        if self.hparams.alpha:
            terms["structure"] = self.hparams.alpha * sum(map(self.structure_loss, pair))
        if self.hparams.beta:
            terms["reconstruction"] = self.hparams.beta * sum(
                loss.charbonnier(found.image, self.target(image))
                for found, image in zip(pair, (batch.a, batch.b), strict=True)
            )
        return terms | self.fusion_loss(batch, pair) if self.fusing else terms

    def target(self, features: Tensor) -> Tensor:
        return loss.structure_target(features, self.hparams.invert, self.hparams.threshold)

    def structure_loss(self, found: Structure) -> Tensor:
        levels = zip(found.maps, found.features, strict=True)
        return sum(loss.dice(predicted, self.target(features)) for predicted, features in levels)

    def fusion_loss(self, batch: PairBatch, pair: list[Structure]) -> dict[str, Tensor]:
        fused = self.network.fuse(batch.a, batch.b, *(list(found.maps) for found in pair))
        return {
            "ssim": dissimilarity(fused, batch.a, batch.b),
            "intensity": strongest_intensity(fused, batch.a, batch.b),
            "gradient": strongest_gradient(fused, batch.a, batch.b),
        }
