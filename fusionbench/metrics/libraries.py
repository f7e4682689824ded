"""Which definitions other libraries of image metrics compute, and by which call; available without torch.

``benchmarks/libraries.py`` runs the calls with these versions and compares their results with this package. In a call
``x`` is the fused image and ``y`` a source as float32 tensors [1, 1, H, W] in [0, 1], ``fused`` and ``source`` are the
same as uint8 arrays [H, W], and ``rgb`` repeats a tensor's channel three times.
"""

from __future__ import annotations

from typing import NamedTuple


class LibraryCall(NamedTuple):
    """A call of a library for two images, and the definition that it computes.

    A definition that sums over the sources takes one call for each. ``unlike`` says where values differ.
    """

    library: str
    metric: str
    definition: str
    call: str
    unlike: str = ""


VERSIONS = {
    "torchmetrics": "1.9.0",
    "kornia": "0.9.0",
    "piq": "0.8.0",
    "sewar": "0.4.10",
    "pyiqa": "0.1.16",
    "scikit-image": "0.26.0",
    "pytorch-msssim": "1.0.0",
    "monai": "1.6.1",
    "piqa": "1.3.2",
    "image-similarity-measures": "0.3.6",
    "opencv-python": "5.0.0.93",
}

_TM = "torchmetrics.functional.image"
_BLACK = "1e-12 is added below the fraction, which takes 1e-5 from black areas"

CALLS = (
    LibraryCall(
        "torchmetrics",
        "SSIM",
        "mirrored-border",
        f"{_TM}.structural_similarity_index_measure(x, y, data_range=1.0)",
    ),
    LibraryCall(
        "torchmetrics",
        "SSIM",
        "mirrored-border-range-of-data",
        f"{_TM}.structural_similarity_index_measure(x, y)",
    ),
    LibraryCall("kornia", "SSIM", "mirrored-border", "kornia.metrics.ssim(x, y, 11).mean()", _BLACK),
    LibraryCall("piq", "SSIM", "halved", "piq.ssim(x, y)"),
    LibraryCall("piq", "SSIM", "canonical", "piq.ssim(x, y, downsample=False)"),
    LibraryCall("sewar", "SSIM", "uniform-11", "sewar.ssim(source, fused)[0]"),
    LibraryCall("pyiqa", "SSIM", "clipped-structure", "pyiqa.create_metric('ssim')(rgb(x), rgb(y))"),
    LibraryCall(
        "scikit-image", "SSIM", "uniform-7-sample", "skimage.metrics.structural_similarity(source, fused)"
    ),
    LibraryCall(
        "scikit-image",
        "SSIM",
        "canonical",
        "skimage.metrics.structural_similarity(source, fused, gaussian_weights=True, use_sample_covariance=False)",
    ),
    LibraryCall("pytorch-msssim", "SSIM", "canonical", "pytorch_msssim.ssim(x, y, data_range=1.0)"),
    LibraryCall("monai", "SSIM", "canonical", "monai.metrics.SSIMMetric(spatial_dims=2)(x, y)"),
    LibraryCall("piqa", "SSIM", "canonical", "piqa.SSIM(n_channels=1)(x, y)"),
    LibraryCall(
        "image-similarity-measures",
        "SSIM",
        "uniform-7-l4095",
        "image_similarity_measures.quality_metrics.ssim(source[..., None], fused[..., None])",
    ),
    LibraryCall(
        "torchmetrics",
        "MS-SSIM",
        "cut-mirrored",
        f"{_TM}.multiscale_structural_similarity_index_measure(x, y, data_range=1.0)",
    ),
    LibraryCall("piq", "MS-SSIM", "repeated-before", "piq.multi_scale_ssim(x, y)"),
    LibraryCall("sewar", "MS-SSIM", "real-part", "sewar.msssim(source, fused)"),
    LibraryCall("pyiqa", "MS-SSIM", "zero-padded-clipped", "pyiqa.create_metric('ms_ssim')(rgb(x), rgb(y))"),
    LibraryCall("pytorch-msssim", "MS-SSIM", "zero-padded", "pytorch_msssim.ms_ssim(x, y, data_range=1.0)"),
    LibraryCall("monai", "MS-SSIM", "cut", "monai.metrics.MultiScaleSSIMMetric(spatial_dims=2)(x, y)"),
    LibraryCall("piqa", "MS-SSIM", "canonical", "piqa.MS_SSIM(n_channels=1)(x, y)"),
    LibraryCall("torchmetrics", "VIF", "canonical", f"{_TM}.visual_information_fidelity(255 * x, 255 * y)"),
    LibraryCall("piq", "VIF", "canonical", "piq.vif_p(x, y)"),
    LibraryCall("sewar", "VIF", "canonical", "sewar.vifp(source, fused)"),
    LibraryCall(
        "pyiqa",
        "VIF",
        "wavelet",
        "pyiqa.create_metric('vif')(rgb(x), rgb(y))",
        "float32 there, and no number for smooth sources",
    ),
    LibraryCall(
        "torchmetrics", "PSNR", "mean-of-two", f"{_TM}.peak_signal_noise_ratio(x, y, data_range=1.0)"
    ),
    LibraryCall("kornia", "PSNR", "mean-of-two", "kornia.metrics.psnr(x, y, 1.0)"),
    LibraryCall("piq", "PSNR", "guarded", "piq.psnr(x, y)"),
    LibraryCall("sewar", "PSNR", "mean-of-two", "sewar.psnr(source, fused)"),
    LibraryCall("pyiqa", "PSNR", "guarded", "pyiqa.create_metric('psnr')(rgb(x), rgb(y))"),
    LibraryCall(
        "scikit-image", "PSNR", "mean-of-two", "skimage.metrics.peak_signal_noise_ratio(source, fused)"
    ),
    LibraryCall("monai", "PSNR", "mean-of-two", "monai.metrics.PSNRMetric(max_val=1.0)(x, y)"),
    LibraryCall("piqa", "PSNR", "guarded", "piqa.PSNR()(x, y)"),
    LibraryCall(
        "image-similarity-measures",
        "PSNR",
        "peak-4095",
        "image_similarity_measures.quality_metrics.psnr(source[..., None], fused[..., None])",
    ),
    LibraryCall("kornia", "Edge_intensity", "over-8", "kornia.filters.sobel(255 * x).mean()"),
    LibraryCall(
        "scikit-image", "Edge_intensity", "over-4-root-2", "255 * skimage.filters.sobel(fused).mean()"
    ),
    LibraryCall(
        "opencv-python",
        "Edge_intensity",
        "mirrored-border",
        "numpy.hypot(cv2.Sobel(fused, cv2.CV_64F, 1, 0), cv2.Sobel(fused, cv2.CV_64F, 0, 1)).mean()",
    ),
)


def libraries_of(metric: str, definition: str) -> tuple[LibraryCall, ...]:
    """Return the calls that compute a definition."""
    return tuple(call for call in CALLS if (call.metric, call.definition) == (metric, definition))
