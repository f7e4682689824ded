"""CSP-MCIN as a fusionbench plug-in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from fusionbench.methods.csp_mcin import loss
from fusionbench.methods.csp_mcin.network import CSPMCINNetwork, FinalGate
from fusionbench.methods.csp_mcin.towers import Towers, load_tower, untrained_towers
from torch import Tensor, nn

from fusionbench.data.color import luma
from fusionbench.errors import ConfigError, WeightsError
from fusionbench.metrics.learned.weight_files import weight_file
from fusionbench.training.pcgrad import PCGradFusionMethod
from fusionbench.types import PairBatch

CHOICES = {
    "final_gfu": ("as_released", "no_ln"),
    "correlation": ("full", "direct", "none"),
    "semantic": ("clip", "none"),
    "distance": ("mean", "squared_norm"),
    "reduction": ("mean", "sum"),
}
NO_TOWERS = (
    "CSP-MCIN's semantic loss compares images through two frozen CLIP towers, but {missing} not given: get "
    "RemoteCLIP-RN50.pt from the Hugging Face hub (repository chendelong/RemoteCLIP) and the RN50 file of SARCLIP (Wang "
    "et al., TGRS 2025; {place}), and name them by args.opt_tower=FILE args.sar_tower=FILE "
    "(hf-hub:OWNER/REPOSITORY/FILE downloads one), or train without this loss: csp_mcin@semantic_none."
)
WITHOUT_SEMANTIC = "CSP-MCIN is trained without the CLIP-guided semantic loss (semantic=none)."
NOT_BEGUN = (
    "CSP-MCIN's loss looks through small untrained towers: the real ones are loaded when a training begins."
)


class CSPMCIN(PCGradFusionMethod):
    """CSP-MCIN (Remote Sens. 2026, 18(7), 975, doi 10.3390/rs18070975).

    The defaults are the paper's. ``hsfm``, ``ldfm``, ``attention`` and ``gfu`` leave modules out, ``final_gfu`` and
    ``unused_fc`` are explained at the network. ``lambda_sar`` weighs the SAR objective (the optical one the rest to
    1), ``lambda_cor`` the correlation loss (the semantic one the rest). ``correlation`` is "full", "direct" (without
    the residual part) or "none", ``semantic`` "clip" or "none"; without ``pcgrad`` both objectives are summed.
    ``distance`` compares a tower's features by the "mean" squared difference or the "squared_norm", ``reduction`` joins
    PCGrad's gradients by "mean" or "sum": first the released code's, then the printed.
    ``sar_tower`` and ``opt_tower`` are the files of the CLIP towers, or ``hf-hub:OWNER/REPOSITORY/FILE``; training
    with semantic="clip" needs both, fusing neither. ``towers``, once set, is used instead.
    """

    families: ClassVar[frozenset[str]] = frozenset({"sar-opt"})
    color: ClassVar[Literal["luma", "rgb"]] = "luma"
    batch_color: ClassVar[Literal["luma", "rgb"] | None] = "rgb"  # the optical tower sees the source's chroma
    multiple: int = 32
    towers: Towers | None = None

    def __init__(
        self,
        *,
        hsfm: bool = True,
        ldfm: bool = True,
        attention: bool = True,
        gfu: bool = True,
        final_gfu: FinalGate = "as_released",
        unused_fc: bool = True,
        lambda_sar: float = 0.3,
        lambda_cor: float = 0.7,
        correlation: Literal["full", "direct", "none"] = "full",
        semantic: Literal["clip", "none"] = "clip",
        pcgrad: bool = True,
        distance: loss.Distance = "mean",
        reduction: Literal["mean", "sum"] = "mean",
        sar_tower: str | None = None,
        opt_tower: str | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.check_arguments()
        self.automatic_optimization = not pcgrad
        self.reduction = reduction
        self.network = CSPMCINNetwork(
            hsfm=hsfm, ldfm=ldfm, attention=attention, gfu=gfu, final_gfu=final_gfu, unused_fc=unused_fc
        )

    def check_arguments(self) -> None:
        for name, allowed in CHOICES.items():
            if self.hparams[name] not in allowed:
                raise ConfigError(
                    f"CSP-MCIN: {name} is '{self.hparams[name]}': use one of {', '.join(allowed)}."
                )
        for name in ("lambda_sar", "lambda_cor"):
            if not 0 <= self.hparams[name] <= 1:
                raise ConfigError(f"CSP-MCIN: {name} is {self.hparams[name]}: use a share from 0 to 1.")
        if self.hparams.correlation == self.hparams.semantic == "none":
            raise ConfigError(
                "CSP-MCIN has no loss with correlation=none and semantic=none: keep one of them."
            )

    def begin(self, stage: str) -> None:
        """Load the towers. Raises WeightsError where the semantic loss is asked for and a tower is not given."""
        if self.hparams.semantic == "none":
            self.caveat(WITHOUT_SEMANTIC)
        elif self.towers is None:
            self.towers = self.load_towers()
            hashes = {f"{modality}_tower": tower.sha256 for modality, tower in self.towers._asdict().items()}
            self.auxiliaries.update(hashes)

    def load_towers(self) -> Towers:
        named = {"sar": self.hparams.sar_tower, "opt": self.hparams.opt_tower}
        missing = [f"args.{modality}_tower" for modality, reference in named.items() if not reference]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            place = weight_file("sarclip-rn50").note
            raise WeightsError(NO_TOWERS.format(missing=f"{' and '.join(missing)} {verb}", place=place))
        return Towers(*(load_tower(reference, modality) for modality, reference in named.items()))

    def fit_to(self, state: Mapping[str, Any]) -> None:
        """Do without the two layers that nothing reads where the weights come without them, as shipped ones do."""
        for name in ("sar_encoder", "opt_encoder"):
            if f"network.{name}.fc.weight" not in state:
                getattr(self.network, name).fc = nn.Identity()

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        return self.network(a, b).clamp(0, 1)

    def losses(self, batch: PairBatch) -> dict[str, Tensor]:
        """Return the weighted terms of both objectives; b is RGB, whose chroma the optical tower sees, or luma."""
        opt = luma(*batch.b.split(1, dim=1)) if batch.b.shape[1] == 3 else batch.b
        fused = loss.soft_clamp(self.network(batch.a, opt))
        return self.correlation_terms(fused, batch.a, opt) | self.semantic_terms(fused, batch)

    def objectives(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """Add up the terms of each modality."""
        modalities = ("sar", "opt")
        return {
            m: torch.stack([t for name, t in terms.items() if name.startswith(m)]).sum() for m in modalities
        }

    def weighted(self, name: str, share: float, sar: Tensor, opt: Tensor) -> dict[str, Tensor]:
        balance = self.hparams.lambda_sar
        return {f"sar_{name}": balance * share * sar, f"opt_{name}": (1 - balance) * share * opt}

    def correlation_terms(self, fused: Tensor, sar: Tensor, opt: Tensor) -> dict[str, Tensor]:
        options = self.hparams
        if options.correlation == "none":
            return {}
        residual = options.correlation == "full"
        terms = [loss.correlation_loss(fused, *pair, residual=residual) for pair in ((sar, opt), (opt, sar))]
        return self.weighted("correlation", options.lambda_cor, *terms)

    def semantic_terms(self, fused: Tensor, batch: PairBatch) -> dict[str, Tensor]:
        if self.hparams.semantic == "none":
            return {}
        towers = self.towers or self.untrained_towers
        sar, opt = (source.expand(-1, 3, -1, -1) for source in (batch.a, batch.b))
        distance = self.hparams.distance
        terms = (
            loss.semantic_loss(towers.sar, fused.expand(-1, 3, -1, -1), sar, distance),
            loss.semantic_loss(towers.opt, loss.with_chroma(fused, opt), opt, distance),
        )
        return self.weighted("semantic", 1 - self.hparams.lambda_cor, *terms)

    @cached_property
    def untrained_towers(self) -> Towers:
        """What stands in for the towers outside a training, as random weights do for the network's."""
        self.caveat(NOT_BEGUN)
        return untrained_towers()
