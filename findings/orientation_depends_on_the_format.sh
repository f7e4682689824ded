#!/usr/bin/env bash
# What: whether an image is turned by its orientation tag depends on library, file format and flag at once.
# Versions: pillow 13.0.0, opencv-python-headless 5.0.0.93, numpy 2.4.6.
# Most expect: OpenCV turns JPEG, Pillow turns nothing before ImageOps.exif_transpose, and PNG has no orientation.
# Seen: Pillow turns TIFF when it is opened, and no other format. OpenCV turns JPEG, PNG, WebP and TIFF; with
# IMREAD_UNCHANGED it turns TIFF and leaves the other three. (imdecode; imread of 5.0.0 gives None for a turned TIFF.)
# Why it matters here: two sources of a pair, one TIFF and one PNG, or one read by each library, lie 90 degrees apart; of
# square images nobody is told.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" pillow==13.0.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
PYTHONPATH="$folder" python3 - "$folder" <<'PYTHON'
import sys

import cv2
import numpy as np
import PIL
from PIL import Image

print("pillow", PIL.__version__, "opencv", cv2.__version__)
tag = Image.Exif()
tag[274] = 6  # stored lying on its side
wide = Image.fromarray(np.zeros((2, 3, 3), np.uint8))
seen = {}
for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
    path = f"{sys.argv[1]}/image.{kind.lower()}"
    wide.save(path, kind, exif=tag)
    with Image.open(path) as image:
        seen["Pillow", kind] = image.size == (2, 3)
    for name, flag in (("IMREAD_COLOR", cv2.IMREAD_COLOR), ("IMREAD_UNCHANGED", cv2.IMREAD_UNCHANGED)):
        encoded = np.fromfile(path, np.uint8)  # imread of 5.0.0 fails on a turned TIFF
        seen[name, kind] = cv2.imdecode(encoded, flag).shape[:2] == (3, 2)
for reader in ("Pillow", "IMREAD_COLOR", "IMREAD_UNCHANGED"):
    print(f"{reader:17} expected one answer for all formats, turned:", [kind for who, kind in seen if who == reader and seen[who, kind]])
wanted = {key: key[0] == "IMREAD_COLOR" or key[1] == "TIFF" for key in seen}
sys.exit(0 if seen == wanted else 1)
PYTHON
