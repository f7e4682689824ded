#!/usr/bin/env bash
# What: a gray TIFF whose photometric tag says that 0 is white has opposite levels in different readers, by its depth.
# Versions: pillow 13.0.0, opencv-python-headless 5.0.0.93, tifffile 2026.3.3, numpy 2.4.6.
# Most expect: every reader inverts such a file, or none does.
# Seen: at 8 bits Pillow and OpenCV invert, tifffile does not; at 16 bits none of the three does.
# Why it matters here: scanners and some thermal cameras write such files. "Hot is white" becomes "hot is black" by the library
# that read it and by the bits a pixel has; metrics like EN and SD do not see it, CC and SSIM turn their sign.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" pillow==13.0.0 opencv-python-headless==5.0.0.93 tifffile==2026.3.3 numpy==2.4.6
PYTHONPATH="$folder" python3 - "$folder" <<'PYTHON'
import sys

import cv2
import numpy as np
import PIL
import tifffile
from PIL import Image

print("pillow", PIL.__version__, "opencv", cv2.__version__, "tifffile", tifffile.__version__)
seen = {}
for kind in (np.uint8, np.uint16):
    top = np.iinfo(kind).max
    stored = np.array([[0, 50, top]], kind)
    path = f"{sys.argv[1]}/{top}.tif"
    tifffile.imwrite(path, stored, photometric="miniswhite")
    with Image.open(path) as image:
        pillow = np.asarray(image).tolist()
    for reader, levels in (("tifffile", tifffile.imread(path).tolist()), ("Pillow", pillow), ("OpenCV", cv2.imread(path, -1).tolist())):
        seen[reader, top] = "inverted" if levels == (top - stored).tolist() else "as stored"
        print(f"{reader:8} {np.dtype(kind)}: expected one answer for all, seen {levels}: {seen[reader, top]}")
inverted = {key for key, found in seen.items() if found == "inverted"}
sys.exit(0 if inverted == {("Pillow", 255), ("OpenCV", 255)} else 1)
PYTHON
