#!/usr/bin/env bash
# What: OpenCV takes a NumPy array of foreign byte order (dtype ">u2") for a native one; no error, no warning.
# Versions: opencv-python-headless 5.0.0.93, numpy 2.4.6, tifffile 2026.3.3.
# Most expect: the values that NumPy prints, or a TypeError as from torch.from_numpy.
# Seen: the level 1 becomes 256 and 300 becomes 11265 in cv2.add, cv2.blur, cv2.resize; a mean of 76.5 becomes 3200.25.
# Why it matters here: big-endian TIFF is common in remote sensing, and tifffile returns it as ">u2" (it keeps the file's
# order where it maps the file, tifffile.memmap): resizing a SAR or infrared image with OpenCV then scrambles it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" opencv-python-headless==5.0.0.93 numpy==2.4.6 tifffile==2026.3.3
PYTHONPATH="$folder" python3 - "$folder/big.tif" <<'PYTHON'
import sys

import cv2
import numpy as np
import tifffile

print("opencv", cv2.__version__, "numpy", np.__version__, "tifffile", tifffile.__version__)
tifffile.imwrite(sys.argv[1], np.array([[1, 2], [3, 300]], np.uint16), byteorder=">")
image = np.asarray(tifffile.memmap(sys.argv[1], mode="r"))
native = image.astype(np.uint16)
print("array", image.dtype.str, image.tolist(), "mean", image.mean())
seen = cv2.add(image, 0), cv2.resize(image, (2, 2), interpolation=cv2.INTER_NEAREST)
print("expected", native.tolist(), "mean", cv2.mean(native)[0])
print("seen    ", seen[0].tolist(), "mean", cv2.mean(image)[0])
swapped = native.byteswap().tolist()
sys.exit(0 if image.dtype.str == ">u2" and all(found.tolist() == swapped for found in seen) else 1)
PYTHON
