#!/usr/bin/env bash
# cv2.imread(FILE, IMREAD_GRAYSCALE) of a colour PNG is not cv2.cvtColor(..., COLOR_RGB2GRAY) of its colours.
#
# opencv-python-headless 4.10.0.84 and 5.0.0.93.
# Most expect one grey of one library. Reading as grey leaves PNG files to libpng, which truncates its coefficients and
# the result; cvtColor rounds. About half of the pixels of any colour image differ, always by one grey level downwards.
#
# Why it matters here: test scripts of LRRNet and MFEIF read the visible image this way. LRRNet stretches its sources and its
# result between their extremes, so that whoever makes grey by cvtColor gets a third of the fused pixels one or two
# levels off, and blames the network.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

for version in 4.10.0.84 5.0.0.93; do
  python3 -m venv "$place/$version"
  "$place/$version/bin/pip" install --quiet --disable-pip-version-check "opencv-python-headless==$version" 'numpy<3'
  "$place/$version/bin/python" - "$place/colour.png" <<'PYTHON'
import sys

import cv2
import numpy as np

colours = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
cv2.imwrite(sys.argv[1], colours[..., ::-1])
read = cv2.imread(sys.argv[1], cv2.IMREAD_GRAYSCALE).astype(int)
converted = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY).astype(int)
red, green, blue = np.moveaxis(colours.astype(int), -1, 0)
truncated = (9797 * red + 19234 * green + 3737 * blue) >> 15

print("OpenCV", cv2.__version__)
print(f"  pixels that differ: {np.mean(read != converted):.1%}, by {sorted(set((read - converted).ravel().tolist()))}")
print(f"  read as grey equals libpng's truncation: {np.array_equal(read, truncated)}")
assert 0.4 < np.mean(read != converted) < 0.6
assert set((read - converted).ravel().tolist()) == {-1, 0}
assert np.array_equal(read, truncated)
PYTHON
done
