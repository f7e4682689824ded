#!/usr/bin/env bash
# What: tifffile.imwrite of an array [H, W, 2], or of five bands, writes H pages of W x 2 pixels, not one image of two bands.
# Versions: tifffile 2026.3.3, pillow 13.0.0, numpy 2.4.6.
# Most expect: one image of W x H pixels with two samples, as for [H, W, 3], which becomes one RGB image.
# Seen: [64, 80, 2] is 64 pages of 2 x 80 pixels. tifffile reads its own file back in the old shape, so a test of both
# directions passes; Pillow and every other reader sees an image of 2 x 80 pixels. photometric="minisblack" with
# planarconfig="contig" writes what is meant.
# Why it matters here: two polarizations of SAR (VV, VH) or an infrared band beside a panchromatic one are such arrays.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" tifffile==2026.3.3 pillow==13.0.0 numpy==2.4.6
PYTHONPATH="$folder" python3 - "$folder" <<'PYTHON'
import sys

import numpy as np
import PIL
import tifffile
from PIL import Image

print("tifffile", tifffile.__version__, "pillow", PIL.__version__, "numpy", np.__version__)
seen = {}
for bands in (2, 3, 5):
    path = f"{sys.argv[1]}/{bands}.tif"
    tifffile.imwrite(path, np.zeros((64, 80, bands), np.uint16))
    with tifffile.TiffFile(path) as file:
        seen[bands] = len(file.pages), file.pages[0].shape
    print(f"[64, 80, {bands}]: expected (1, (64, 80, {bands})), seen {seen[bands]}; reads back as", tifffile.imread(path).shape)
with Image.open(f"{sys.argv[1]}/2.tif") as image:
    print("Pillow: expected 80 x 64 pixels, seen", image.size, "and", image.n_frames, "frames")
    size = image.size
wanted = {2: (64, (80, 2)), 3: (1, (64, 80, 3)), 5: (64, (80, 5))}
sys.exit(0 if seen == wanted and size == (2, 80) else 1)
PYTHON
