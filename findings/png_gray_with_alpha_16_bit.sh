#!/usr/bin/env bash
# What: a 16-bit gray PNG with an alpha channel is another kind of image in every reader.
# Versions: pillow 13.0.0, opencv-python-headless 5.0.0.93, numpy 2.4.6.
# Most expect: two channels of 16 bits, or an error.
# Seen: Pillow opens it as RGBA of 8 bits (1000 of 65535 becomes 3) without a word; OpenCV with IMREAD_UNCHANGED gives four
# channels of 16 bits, with IMREAD_ANYDEPTH one channel of 16 bits, with IMREAD_GRAYSCALE one of 8.
# Why it matters here: thermal and SAR images cut out with a mask are such files. A reader that asks for the number of channels
# takes them for color, and one that asks Pillow loses 256 levels of every 257.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" pillow==13.0.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
PYTHONPATH="$folder" python3 - "$folder/gray_alpha.png" <<'PYTHON'
import struct
import sys
import zlib

import cv2
import numpy as np
import PIL
from PIL import Image


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


print("pillow", PIL.__version__, "opencv", cv2.__version__)
row = b"\0" + np.array([[1000, 65535], [2000, 65535]], ">u2").tobytes()  # gray, alpha
head = struct.pack(">IIBBBBB", 2, 1, 16, 4, 0, 0, 0)  # 2 x 1 pixels, 16 bits, gray with alpha
with open(sys.argv[1], "wb") as file:
    file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b""))
with Image.open(sys.argv[1]) as image:
    pillow = image.mode, np.asarray(image).tolist()
print("expected [[[1000, 65535], [2000, 65535]]]")
print("Pillow          ", *pillow)
seen = {}
for name in ("IMREAD_UNCHANGED", "IMREAD_ANYDEPTH", "IMREAD_GRAYSCALE"):
    levels = cv2.imread(sys.argv[1], getattr(cv2, name))
    seen[name] = str(levels.dtype), levels.shape
    print(f"{name:16}", levels.dtype, levels.tolist())
wanted = {"IMREAD_UNCHANGED": ("uint16", (1, 2, 4)), "IMREAD_ANYDEPTH": ("uint16", (1, 2)), "IMREAD_GRAYSCALE": ("uint8", (1, 2))}
sys.exit(0 if pillow == ("RGBA", [[[3, 3, 3, 255], [7, 7, 7, 255]]]) and seen == wanted else 1)
PYTHON
