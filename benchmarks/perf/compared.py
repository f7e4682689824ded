"""The metrics whose speed is claimed: docs/performance.md states their cost beside an older commit."""

from __future__ import annotations

from fusionbench.metrics import DEFAULT

# The metrics of VIFB's and Liu's toolboxes came after the commit that the claims compare with, so there is nothing to
# be faster than: they have no plain implementation here.
CLAIMED = (
    *DEFAULT, "Nabf", "MSE", "RMSE", "PSNR", "MEF-SSIM", "FMI_pixel", "FMI_gradient", "FMI_dct", "FMI_wavelet", "NMI",
    "MS-SSIM", "VIFF",
)  # fmt: skip
