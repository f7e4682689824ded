"""RefineFuse as a fusionbench plug-in."""

from __future__ import annotations

from typing import ClassVar, Literal

from fusionbench.methods.refinefuse import loss
from fusionbench.methods.refinefuse.network import RefineFuseNetwork
from torch import Tensor

from fusionbench.errors import ConfigError
from fusionbench.losses import strongest_gradient
from fusionbench.method import FusionMethod
from fusionbench.types import PairBatch


class RefineFuse(FusionMethod):
    """RefineFuse (Visual Intelligence 2025, doi 10.1007/s44267-025-00087-w).

    The defaults are the paper's network and loss. ``levels``, ``sfim``, ``psim`` and ``fim`` span Tables 9 and
    10; ``intensity`` and ``texture`` span Table 8. ``texture_weight`` is the paper's lambda. ``grid`` and
    ``crosswise`` belong to PSIM, ``spatial_gate`` to FIM; ``contrast`` ("deviation", "variance") with its window and
    sigma in pixels and its margin, and ``brighter`` to the mask of Eq. 6 (`loss.MaskRule`).
    """

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis", "medical"})
    color: ClassVar[Literal["luma", "rgb"]] = "luma"
    multiple: int = 8

    def __init__(
        self,
        *,
        levels: int = 4,
        sfim: bool = True,
        psim: bool = True,
        fim: bool = True,
        grid: int = 32,
        crosswise: bool = False,
        intensity: Literal["masked", "conventional", "maximum"] = "masked",
        texture: bool = True,
        intensity_weight: float = 1.0,
        texture_weight: float = 5.0,
        norm: Literal["l1", "l2"] = "l1",
        spatial_gate: bool = False,
        contrast: Literal["deviation", "variance"] = "deviation",
        contrast_window: int = 9,
        contrast_sigma: float = 1.5,
        contrast_margin: float = 0.0,
        brighter: float | None = None,
    ) -> None:
        super().__init__()
        if contrast not in loss.CONTRASTS:
            raise ConfigError(f"args.contrast is '{contrast}': use one of {', '.join(loss.CONTRASTS)}.")
        self.save_hyperparameters()
        self.multiple = 2 ** (levels - 1)
        self.network = RefineFuseNetwork(levels, sfim, psim, fim, grid, crosswise, spatial_gate)
        self.mask_rule = loss.MaskRule(contrast, contrast_window, contrast_sigma, contrast_margin, brighter)

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        return self.network(a, b)

    def losses(self, batch: PairBatch) -> dict[str, Tensor]:
        fused = self.fuse(batch.a, batch.b)
        terms = {"intensity": self.hparams.intensity_weight * self.intensity_loss(fused, batch)}
        if self.hparams.texture:
            texture = strongest_gradient(fused, batch.a, batch.b)
            terms["texture"] = self.hparams.texture_weight * texture
        return terms

    def intensity_loss(self, fused: Tensor, batch: PairBatch) -> Tensor:
        options = self.hparams
        if options.intensity == "conventional":
            return loss.conventional_intensity(fused, batch.a, batch.b, options.norm)
        if options.intensity == "maximum":
            return loss.maximum_intensity(fused, batch.a, batch.b, options.norm)
        mask = loss.infrared_mask(batch.a, batch.b, batch.salient, self.mask_rule)
        return loss.masked_intensity(fused, batch.a, batch.b, mask, options.norm)
