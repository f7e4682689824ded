#!/usr/bin/env bash
# What: sewar's MS-SSIM hardly sees detail that is inverted at one scale, and gives a sign to images inverted at all.
# Versions: sewar 0.4.10, numpy 2.4.6, scipy 1.17.1, pillow 13.0.0.
# Most expect: a product that is 0 once one scale has a negative structure (others clip it there), or NaN.
# Seen: the negative mean of a scale is raised to its weight as a complex number, and the real part of the product is returned. Fine
# detail of opposite sign, which makes the SSIM of the finest scale negative, scores 0.98; a whole image inverted scores -0.58.
# Why it matters here: an infrared image of the other polarity, or a fusion that subtracts a source's detail, is what such a
# score must find. The real part of a complex product ranks it among faithful results.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" sewar==0.4.10 numpy==2.4.6 scipy==1.17.1 pillow==13.0.0
PYTHONPATH="$folder" python3 - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from scipy.ndimage import gaussian_filter
from sewar.full_ref import msssim, ssim

print(*(f"{name} {version(name)}" for name in ("sewar", "numpy", "scipy", "pillow")))
random = np.random.default_rng(0)
coarse = gaussian_filter(random.normal(size=(256, 256)), 12)
coarse = 128 + 60 * coarse / np.abs(coarse).max()
fine = 20 * (-1.0) ** np.add.outer(np.arange(256), np.arange(256))
image = np.rint(coarse + fine).astype(np.uint8)
opposite = np.rint(coarse - fine).astype(np.uint8)
noise = (255 * random.random((256, 256))).astype(np.uint8)
finest = ssim(image, opposite)[1]
detail, whole = float(msssim(image, opposite)), float(msssim(noise, 255 - noise))
print(f"fine detail inverted: structure at the finest scale {finest:.2f}, MS-SSIM expected 0, seen {detail:.3f}")
print(f"whole image inverted: MS-SSIM expected 0, seen {whole:.3f}")
sys.exit(0 if finest < -0.5 and detail > 0.95 and whole < -0.3 else 1)
PYTHON
