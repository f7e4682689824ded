"""LSNF as a fusionbench plug-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from fusionbench.methods.lsnf import loss
from fusionbench.methods.lsnf.cyclegan import frozen_generators, generator_size, seeded_critics
from fusionbench.methods.lsnf.network import LSNFNetwork, Switches
from torch import Tensor, nn

from fusionbench.errors import PluginError
from fusionbench.losses import dissimilarity
from fusionbench.method import FusionMethod
from fusionbench.types import PairBatch


class LSNF(FusionMethod):
    """LSNF (Yan et al., Remote Sens. 2025, 17(14), 2466, doi 10.3390/rs17142466).

    The defaults are the paper's network and our reading of its losses. Ablations: ``signed`` (Leaky ReLU and [-1, 1],
    else ReLU and [0, 1]), ``spatial`` (CBAM's attention over pixels), ``cbam`` (on how many levels CBAM fuses),
    ``strict`` (LSNF, else the full nest), ``aspp``, ``cyclegan`` (pseudo images) and ``gwpl`` (else a plain pixel
    loss). Widths and blocks are those of CycleGAN. With an ``adversarial_weight`` of 0 the fusion stage has no critics,
    with an ``identity_weight`` of 0 generators are not shown images of the modality that they make.

    One optimizer trains generators and critics: adversarial terms leave critics alone and critics' terms leave
    generators alone, and Adam scales each parameter by itself. That is CycleGAN's alternation, in which neither step
    sees the other's outcome.
    """

    families: ClassVar[frozenset[str]] = frozenset({"sar-opt"})
    color: ClassVar[Literal["luma", "rgb"]] = "luma"
    multiple: int = 16
    stages: tuple[str, ...] = ("translation", "fusion")

    def __init__(
        self,
        *,
        signed: bool = True,
        spatial: bool = False,
        cbam: int = 3,
        strict: bool = True,
        aspp: bool = True,
        cyclegan: bool = True,
        gwpl: bool = True,
        generator_width: int = 64,
        generator_blocks: int = 9,
        critic_width: int = 64,
        cycle_weight: float = 10.0,
        identity_weight: float = 0.0,
        ssim_weight: float = 1.0,
        pixel_weight: float = 10.0,
        adversarial_weight: float = 0.01,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = LSNFNetwork(Switches(cyclegan, signed, spatial, cbam, aspp, strict))
        self.generators: nn.ModuleDict | None = None
        if cyclegan:
            self.generators = frozen_generators(generator_width, generator_blocks)
        else:
            self.stages = ("fusion",)
        self.critics: nn.ModuleDict | None = None  # only while a stage is trained
        self.critic_seed = int(torch.randint(2**31, ()))
        self.translating = False

    def begin(self, stage: str) -> None:
        """Train the generators alone in the translation stage, the network alone in the fusion stage; new critics."""
        self.translating = stage == "translation"
        self.network.requires_grad_(not self.translating)
        if self.generators is not None:
            self.generators.requires_grad_(self.translating)
        self.critics = None
        if self.translating or self.hparams.adversarial_weight:
            self.critics = seeded_critics(self.hparams.critic_width, self.critic_seed).to(self.device)

    def finish(self) -> None:
        self.critics = None

    def fit_to(self, state: Mapping[str, Any]) -> None:
        """Take on the size of the weights' generators, which the paper does not print."""
        size = generator_size(state, "generators.a")
        if self.generators is not None and size is not None:
            self.generators = frozen_generators(*size).to(self.device)

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        x, y = 2 * a - 1, 2 * b - 1
        if self.generators is not None:
            with torch.no_grad():
                x, y = torch.cat([x, self.generators["a"](y)], 1), torch.cat([y, self.generators["b"](x)], 1)
        if not self.hparams.signed:
            return self.network((x + 1) / 2, (y + 1) / 2)
        return (self.network(x, y) + 1) / 2

    def losses(self, batch: PairBatch) -> dict[str, Tensor]:
        """Return the terms of the stage; before a training has begun, those of the fused image without critics."""
        return self.translation_losses(batch) if self.translating else self.fusion_losses(batch)

    def translation_losses(self, batch: PairBatch) -> dict[str, Tensor]:
        """Return CycleGAN's terms; ``a`` and ``b`` of a pair are nowhere compared."""
        if self.generators is None or self.critics is None:
            raise PluginError(
                "LSNF's translation stage trains generators and critics: call begin('translation')."
            )
        make_a, make_b = self.generators["a"], self.generators["b"]
        a, b = 2 * batch.a - 1, 2 * batch.b - 1
        made_a, made_b = make_a(b), make_b(a)
        cycle = (make_a(made_b) - a).abs().mean() + (make_b(made_a) - b).abs().mean()
        terms = {"cycle": self.hparams.cycle_weight * cycle}
        if self.hparams.identity_weight:
            identity = (make_a(a) - a).abs().mean() + (make_b(b) - b).abs().mean()
            terms["identity"] = self.hparams.identity_weight * identity
        real, made = {"a": a, "b": b}, {"a": made_a, "b": made_b}
        return terms | self.adversarial_losses(self.critics, 1.0, real, made)

    def fusion_losses(self, batch: PairBatch) -> dict[str, Tensor]:
        fused = self.fuse(batch.a, batch.b)
        terms = self.content_losses(fused, batch)
        if self.critics is None:
            return terms
        real = {"a": 2 * batch.a - 1, "b": 2 * batch.b - 1}
        made = dict.fromkeys(real, 2 * fused - 1)
        return terms | self.adversarial_losses(self.critics, self.hparams.adversarial_weight, real, made)

    def content_losses(self, fused: Tensor, batch: PairBatch) -> dict[str, Tensor]:
        pixels = loss.gradient_weighted_pixels if self.hparams.gwpl else loss.plain_pixels
        return {
            "ssim": self.hparams.ssim_weight * dissimilarity(fused, batch.a, batch.b),
            "pixel": self.hparams.pixel_weight * pixels(fused, batch.a, batch.b),
        }

    def adversarial_losses(
        self, critics: nn.ModuleDict, weight: float, real: dict[str, Tensor], made: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return what the makers of images and what the critics minimise; the critics' term needs no weight."""
        deceived = [loss.deceived(critic, made[name]) for name, critic in critics.items()]
        discerning = [loss.discerning(critic, real[name], made[name]) for name, critic in critics.items()]
        return {
            "adversarial": weight * torch.stack(deceived).sum(),
            "critic": torch.stack(discerning).sum(),
        }

    def log_terms(self, prefix: str, terms: dict[str, Tensor], pairs: int) -> None:
        super().log_terms(prefix, terms, pairs)
        if not self.translating:
            # says how good the fused image is; the total moves with the critics
            self.log(f"{prefix}/content", (terms["ssim"] + terms["pixel"]).detach(), batch_size=pairs)
