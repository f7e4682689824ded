"""Whose code each definition of a metric claims to be, by the names that the golden rows carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fusionbench.metrics import profiles

TANG23 = "Linfeng-Tang/Image-Fusion@dba5bf3 analysis_Reference.m (Octave)"
TANG22 = "Linfeng-Tang/Image-Fusion@53f5542(2022) analysis_Reference.m (Octave)"
FMI = (
    "Linfeng-Tang/Image-Fusion@dba5bf3 analysis_fmi.m w=3; numba transcription checked to 1e-12 against Octave; "
    "A=first source; "
)
CDD32 = "Zhaozixiang1228/MMIF-CDDFuse@fd8da1f utils/Evaluator.py (float32 0..255; image_read_cv2 GRAY)"
CDD64 = "Zhaozixiang1228/MMIF-CDDFuse@fd8da1f utils/Evaluator.py (inputs cast to float64)"
VIFB = "xingchenzhang/VIFB@22b2ea9 metrics/ (Octave)"
HAN = "HarrisXia/image-fusion-evaluation@35d35c0 VIFF_Public.m (Octave)"
LIU = "zhengliu6699/imageFusionMetrics@d6f7f1a (Octave)"
ZOO = "RollingPlain/IVIF_ZOO@61b0a44 Metric/Metric_torch.py as called by eval_torch.py (PIL L; float32 CPU)"
NESTFUSE = "hli1221/imagefusion-nestfuse analysis_metrics_7.m"
CSLIB = "CharlesShan-hub/cslib@26efdb4 cslib/metrics/collection (float32 [0;1] tensors)"

# relative agreement asked of float64, of float32, and of VIF in float64
DOUBLE, SINGLE, VIF = 1e-9, 2e-5, 1e-10


class Claim(NamedTuple):
    """What a golden row is matched by: a definition, color made gray as ``profile`` does.

    ``swapped`` rows were computed with the second source first.
    """

    implementation: str
    row: str
    metric: str
    definition: str
    profile: str
    relative: float = DOUBLE
    swapped: bool = False


def _profile_claims() -> Iterator[Claim]:
    """Yield what profiles claim of the repositories they are named after."""
    wholes = (("tang2023", TANG23, DOUBLE), ("tang2022", TANG22, DOUBLE), ("vifb", VIFB, DOUBLE))
    for name, implementation, relative in (*wholes, ("cddfuse", CDD32, SINGLE), ("cddfuse", CDD64, DOUBLE)):
        for metric, definition in profiles()[name].metrics.items():
            asked = VIF if metric == "VIF" and relative == DOUBLE else relative
            yield Claim(implementation, metric, metric, definition, name, asked)
    for suffix, row, name in (
        ("feature none (raw pixels); no toolbox caller uses it by default", "FMI_pixel", "FMI_pixel"),
        ("x-derivative only (MATLAB gradient first output)", "FMI_gradient", "FMI_gradient"),
        ("whole-image orthonormal DCT-II", "FMI_dct", "FMI_dct"),
        ("dmey 102 taps; symmetric extension; 4 subbands tiled; min-max rescaled", "FMI_w", "FMI_wavelet"),
    ):
        yield Claim(FMI + suffix, row, name, "shared-window", "tang2023")


def _toolbox_claims() -> Iterator[Claim]:
    """Yield the metrics of Liu's toolbox, and what IVIF_ZOO computes under the names of some of them."""
    for file, row, metric, definition in (
        ("metricMI.m sw=1", "QMI", "QMI", "canonical"),
        ("metricMI.m sw=3 (q=0.43137)", "QTE", "QTE", "transposed-marginals"),
        ("metricMI.m sw=2 (q=1.85)", "QTE_cvejic", "QTE", "cvejic"),
        ("metricWang.m", "QNCIE", "QNCIE", "canonical"),
        ("metricXydeas.m", "QG", "QG", "canonical"),
        ("metricPWW.m", "QM", "QM", "canonical"),
        ("metricZheng.m", "QSF", "QSF", "signed"),
        ("metricZhao.m", "QP", "QP", "canonical"),
        ("metricPeilla.m sw=1", "QS", "QS", "canonical"),
        ("metricPeilla.m sw=2", "QS_weighted", "QS", "weighted"),
        ("metricCvejic.m sw=2", "QC", "QC", "clamped-product"),
        ("metricYang.m", "QY", "QY", "unguarded"),
        ("metricChen.m", "QCV", "Qcv", "canonical"),
        ("metricChenBlum.m", "QCB", "Qcb", "canonical"),
    ):
        yield Claim(f"{LIU} {file}", row, metric, definition, "liu2012")
    yield Claim(
        f"{LIU} metricCvejic.m sw=2 called (B;A;F)", "QC", "QC", "clamped-product", "liu2012", swapped=True
    )
    # most of its pixels contribute one step of float32 next to 1
    yield Claim(ZOO, "Cross_entropy", "Cross_entropy", "sigmoid", "canonical", 5e-5)
    for metric, definition in (
        ("Edge_intensity", "zero-padded"),
        ("QTE", "shannon"),
        ("QNCIE", "pearson"),
        ("QY", "window-of-sum-7"),
        ("Qcb", "half-frequency"),
    ):
        yield Claim(ZOO, metric, metric, definition, "canonical", SINGLE)


CLAIMS = (
    *_profile_claims(),
    *_toolbox_claims(),
    Claim(f"{TANG23} = MEF-SSIM 3 scales", "MS_SSIM", "MS-SSIM", "mef", "tang2023"),
    Claim(
        f"{TANG23} + MATLAB-ssim emulation; L=1 on 0..255 data",
        "SSIM",
        "SSIM",
        "matlab-l1",
        "tang2023",
        SINGLE,
    ),
    Claim(
        f"{TANG23} analysis_nabf.m with its documented order (fused;img1;img2); 0..255",
        "Nabf",
        "Nabf",
        "canonical",
        "tang2023",
    ),
    Claim(
        f"{TANG23} as called: analysis_nabf(img1;img2;fused) = arguments swapped",
        "Nabf",
        "Nabf",
        "swapped",
        "tang2023",
    ),
    Claim(f"{TANG22} reported as SSIM", "MEF_SSIM", "SSIM", "mef-one-scale", "tang2022"),
    Claim(f"{TANG22} analysis_nabf(fused;img1;img2) on 0..1", "Nabf", "Nabf", "unit-range", "tang2022"),
    Claim(
        "Linfeng-Tang/Image-Fusion@dba5bf3 vifp_mscale.m called on [0;1] doubles; summed (Octave)",
        "VIF",
        "VIF",
        "unit-range",
        "tang2023",
    ),
    Claim(f"{CDD32} reported as VIF", "VIFF", "VIF", "one-for-flat", "cddfuse", SINGLE),
    Claim(f"{CDD64} reported as VIF", "VIFF", "VIF", "one-for-flat", "cddfuse", VIF),
    Claim(f"{CDD32} + scikit-image 0.19.2 (data_range=2)", "SSIM", "SSIM", "skimage-l2", "cddfuse", SINGLE),
    Claim(f"{CDD32} + scikit-image data_range=255", "SSIM", "SSIM", "skimage", "cddfuse", SINGLE),
    Claim(f"{CDD64} + scikit-image 0.19.2 (data_range=2)", "SSIM", "SSIM", "skimage-l2", "cddfuse", SINGLE),
    Claim(f"{CDD64} + scikit-image data_range=255", "SSIM", "SSIM", "skimage", "cddfuse", SINGLE),
    Claim(HAN, "VIFF", "VIFF", "canonical", "tang2023"),
    Claim(f"{LIU} metricMI.m sw=1", "NMI", "NMI", "canonical", "tang2023"),
    Claim(f"{LIU} metricXydeas.m", "Qabf", "Qabf", "mean-of-ratios", "tang2023"),
    Claim(f"{NESTFUSE} (Octave) analysis_sd: no division by N", "SD", "SD", "undivided", "tang2023"),
    Claim(
        f"{NESTFUSE} (MATLAB-ssim emulation; L=1 on 0..1 data; mean)", "SSIM", "SSIM", "matlab", "tang2023"
    ),
    Claim(CSLIB, "MS_SSIM", "MS-SSIM", "mean-zero-padded", "tang2023", SINGLE),
)
