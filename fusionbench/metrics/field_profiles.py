"""The profiles of toolboxes and papers: for each metric the definition by which their tables were computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fusionbench.metrics.registry import CANONICAL

Gray = Literal["bt601", "matlab", "opencv", "channels"]


@dataclass(frozen=True)
class Profile:
    """A set of definitions, one for each of its metrics; a table never mixes two profiles.

    ``metrics`` maps names of metrics to names of definitions. ``gray`` is the conversion of colour images to one channel,
    see `fusionbench.metrics.inputs`. ``undecided`` says, for a metric, what had to be assumed because neither text nor
    numbers of the source determine it.
    """

    name: str
    title: str
    source: str
    gray: Gray
    metrics: Mapping[str, str]
    notes: tuple[str, ...] = ()
    undecided: Mapping[str, str] = field(default_factory=dict)


def _same(*metrics: str) -> dict[str, str]:
    return dict.fromkeys(metrics, CANONICAL)


_FMI = dict.fromkeys(("FMI_pixel", "FMI_gradient", "FMI_dct", "FMI_wavelet"), "shared-window")
_NO_EDGE = (
    "FMI_pixel is taken on raw pixels: what the toolbox's own driver prints under that name is taken on "
    "MATLAB's edge map, which could not be validated outside MATLAB and is left out."
)

PROFILES = (
    Profile(
        name="tang2023",
        title="Linfeng Tang's MATLAB toolbox, 2023",
        source="Linfeng-Tang/Image-Fusion at dba5bf3, analysis_Reference.m",
        gray="matlab",
        metrics={
            **_same("EN", "SD", "SF", "AG"),
            "MI": "merged-254-255",
            **_same("CC", "SCD", "VIF"),
            "Qabf": "zero-padded",
            "SSIM": "matlab-l1",
            "MSE": "unit-range",
            "PSNR": "peak-255-on-unit-range",
            "Nabf": "swapped",
            "MS-SSIM": "mef",
            "MEF-SSIM": "real-part",
            **_FMI,
        },
        notes=(
            "Nabf is called with its arguments in the wrong order: it scores the first source.",
            "SSIM takes L = 1 on levels 0..255, a mean over the sources.",
            "MS-SSIM is MEF-SSIM.",
            _NO_EDGE,
        ),
    ),
    Profile(
        name="tang2022",
        title="Linfeng Tang's MATLAB toolbox, 2022 (tables of the time of SeAFusion)",
        source="Linfeng-Tang/Image-Fusion at 53f5542, analysis_Reference.m",
        gray="matlab",
        metrics={
            **_same("EN"),
            "SD": "saturating",
            "SF": "unit-range",
            **_same("AG"),
            "MI": "merged-254-255",
            **_same("CC", "SCD"),
            "VIF": "saturating",
            "Qabf": "unit-range",
            "SSIM": "mef-one-scale",
            "MSE": "unit-range",
            "PSNR": "peak-255-on-unit-range",
            "Nabf": "unit-range",
            "MS-SSIM": "mef",
            "MEF-SSIM": "one-scale",
            **_FMI,
        },
        notes=(
            "SD and VIF are computed in saturating 8-bit arithmetic.",
            "SSIM is MEF-SSIM at one scale, MS-SSIM is MEF-SSIM.",
            "Qabf on [0, 1] meets rounding noise: MATLAB itself is reproducible to 3 decimals only.",
            _NO_EDGE,
        ),
    ),
    Profile(
        name="cddfuse",
        title="The evaluator of CDDFuse",
        source="Zhaozixiang1228/MMIF-CDDFuse at fd8da1f, utils/Evaluator.py, scikit-image 0.19",
        gray="opencv",
        metrics={
            **_same("EN", "SD", "SF"),
            "AG": "over-pixels",
            "MI": "nats",
            **_same("CC", "SCD"),
            "VIF": "one-for-flat",
            "Qabf": "zero-padded",
            "SSIM": "skimage-l2",
            "MSE": CANONICAL,
            "PSNR": "peak-of-fused",
            "VIFF": "vif",
        },
        notes=(
            "VIFF is VIF under another name.",
            "SSIM needs the default range of scikit-image 0.19, L = 2, on float32 levels 0..255.",
        ),
    ),
    Profile(
        name="vifb",
        title="The benchmark VIFB",
        source="xingchenzhang/VIFB at 22b2ea9, metrics/",
        gray="channels",
        metrics={
            **_same("EN", "SD"),
            "SF": "over-pixels",
            **_same("AG"),
            "MI": "nats",
            "Qabf": "strengths-times-255",
            **_same("SSIM"),
            "PSNR": "vifb",
            "RMSE": "vifb",
            **_same("Cross_entropy", "Edge_intensity", "Qcb", "Qcv"),
        },
        notes=("Color images are scored channel by channel and averaged; a one-channel source serves each.",),
    ),
    Profile(
        name="liu2012",
        title="Zheng Liu's MATLAB toolbox (the metrics of Liu et al. 2012)",
        source="zhengliu6699/imageFusionMetrics at d6f7f1a",
        gray="matlab",
        metrics={
            **_same("QMI"),
            "QTE": "transposed-marginals",
            **_same("QNCIE", "QG", "QM", "QSF", "QP", "QS"),
            "QC": "clamped-product",
            "QY": "unguarded",
            **_same("Qcv", "Qcb"),
        },
        notes=(
            "QTE exchanges the marginal histograms.",
            (
                "QC depends on which source comes first, and has no value where a patch is black; nor has QY where both "
                "sources are."
            ),
            "QSF is printed there with its sign, here without, so that lower is better.",
        ),
    ),
    Profile(
        name="refinefuse",
        title="The tables of RefineFuse",
        source="printed TNO rows reproduced to all four decimals from published images",
        gray="matlab",
        metrics={
            **_same("EN", "SF", "AG", "SCD", "VIF"),
            "Qabf": "zero-padded",
            "SSIM": "skimage-l2",
        },
        notes=("AG is Tang's, SSIM is CDDFuse's: no single repository gives these tables.",),
    ),
    Profile(
        name="csp-mcin",
        title="The tables of CSP-MCIN",
        source="the paper's text and the size of its numbers",
        gray="matlab",
        metrics={
            **_same("EN"),
            "SD": "unit-range",
            **_same("CC"),
            "VIFF": "vif-unit-range",
            **_same("LIQE", "CLIP-IQA", "CMMDF"),
        },
        undecided={
            "CMMDF": "assumed: the squared discrepancy, which CMMD reports, where the paper's formula says MMD, the root "
            "of it; assumed: sigma, scale, unit length and crop of CMMD; the paper gives none of them, nor the number of "
            "images, on which a biased value depends; assumed: SARCLIP sees the stored fused image in its colours, where "
            "the authors' loss shows it the luma repeated to three channels (cmmd.yaml: luma_a: true does that)",
            "LIQE": "assumed: the weights trained on KonIQ-10k, pyiqa's default; the paper does not say which",
            "VIFF": "assumed: the sum of VIFp on [0, 1], because SD is on [0, 1] as well; Han's VIFF on 0..255 "
            "fits the printed numbers, too",
        },
    ),
    Profile(
        name="sspfusion",
        title="The tables of SSPFusion",
        source="the size of the printed numbers",
        gray="matlab",
        metrics={**_same("SF", "AG", "MI", "VIF"), "Qabf": "zero-padded", **_same("SSIM")},
        undecided={
            "MI": "assumed: bits; the paper's numbers do not tell them from nats",
            "SSIM": "assumed: the sum over the sources with L = 255; the text says mean, the printed values "
            "above 1 say sum, and the window is not told",
            "Qabf": "assumed: the constants of Xydeas and Petrovic",
        },
    ),
    Profile(
        name="dsifuse",
        title="The tables of DSIFuse",
        source="rows shared with RefineFuse's tables, and the size of the printed numbers",
        gray="matlab",
        metrics={**_same("EN", "SD", "AG", "MI", "VIF"), "SSIM": "skimage-l2"},
        undecided={
            "SSIM": "assumed: CDDFuse's; the rows shared with RefineFuse's tables are close but not equal",
        },
    ),
    Profile(
        name="yan2025",
        title="The tables of Yan 2025 (LSNF)",
        source="the size of the printed numbers",
        gray="matlab",
        metrics={**_same("EN"), "Qabf": "zero-padded", **_same("SD", "AG", "SF", "SSIM", "VIF")},
        undecided={
            "Qabf": "assumed: the constants of Xydeas and Petrovic; nothing in the numbers tells them",
            "SSIM": "assumed: the sum over the sources with L = 255; a sum is certain, the variant is not",
            "VIF": "assumed: the sum of VIFp; plausible from two real samples, not proved",
        },
    ),
)
