#!/usr/bin/env bash
# What: OpenCV 5 takes bool and uint32 arrays, stores a bool mask as levels 0 and 1 and cuts uint32 at 255, and says True.
# Versions: opencv-python-headless 5.0.0.93 beside 4.13.0.92, numpy 2.4.6.
# Most expect: the error that OpenCV 4 raises for both, or a mask of 0 and 255 and levels of 16 bits.
# Seen: a PNG of a bool array has the levels 0 and 1, black to the eye; one of uint32 levels up to 65535 has 8 bits, nearly all
# 255. int32, int64 and uint64 are cut like that by both versions.
# Why it matters here: a script that saved masks of salient targets stopped at (image > threshold) and now writes black files; a
# segmentation network that reads them takes 255 for the target and finds none.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for pin in 5.0.0.93 4.13.0.92; do
  python3 -m pip install --quiet --target "$folder/$pin" opencv-python-headless==$pin numpy==2.4.6
done
cat > "$folder/stored.py" <<'PYTHON'
import sys

import cv2
import numpy as np

print("OpenCV", cv2.__version__, "numpy", np.__version__)
levels = np.linspace(0, 65535, 64 * 64).reshape(64, 64)
expected = sys.argv[1:]
seen = []
for dtype in ("int32", "int64", "uint32", "uint64", "bool"):
    array = levels > 30000 if dtype == "bool" else levels.astype(dtype)
    try:
        done, file = cv2.imencode(".png", array)
        back = cv2.imdecode(file, cv2.IMREAD_UNCHANGED)
        seen.append(f"{back.dtype}:{back.max()}:{np.median(back):.0f}" if done else "False")
    except (cv2.error, TypeError):
        seen.append("error")
    print(f"  {dtype:6} expected an error, or bool 255 and others uint16, seen {seen[-1]} (type, largest, median)")
sys.exit(0 if seen == expected else 1)
PYTHON
PYTHONPATH="$folder/5.0.0.93" python3 "$folder/stored.py" uint8:255:255 uint8:255:255 uint8:255:255 uint8:255:255 uint8:1:1
PYTHONPATH="$folder/4.13.0.92" python3 "$folder/stored.py" uint8:255:255 uint8:255:255 error uint8:255:255 error
