"""The metrics whose speed is claimed: docs/performance.md states their cost beside an older commit."""

from __future__ import annotations

from fusionbench.metrics import DEFAULT

# The other metrics, those of the toolboxes among them, have no plain implementation here and are not in the claims:
# no older commit computes them, and tests/golden holds them to the values of the MATLAB code itself.
CLAIMED = (
    *DEFAULT, "Nabf", "MSE", "RMSE", "PSNR", "MEF-SSIM", "FMI_pixel", "FMI_gradient", "FMI_dct", "FMI_wavelet", "NMI",
    "MS-SSIM", "VIFF",
)  # fmt: skip
