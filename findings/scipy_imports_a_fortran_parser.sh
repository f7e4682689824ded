#!/usr/bin/env bash
# What: importing one function of SciPy (special, ndimage, fft, linalg) also imports NumPy's Fortran wrapper generator with its
# parser, NumPy's helpers for tests, and unittest.
# Versions: scipy 1.17.1, numpy 2.4.6.
# Most expect: NumPy loads f2py and testing only when asked, and SciPy loads its own parts lazily, so that
# `from scipy.special import ndtr` loads a compiled module and little else.
# Seen: SciPy's layer for other array libraries copies every name of NumPy's namespace, which asks for all lazy parts: 17 modules of
# numpy.f2py, crackfortran among them, numpy.testing and unittest. It is paid although only NumPy's arrays are used; plain `import
# numpy` and `import scipy` load none of them.
# Why it matters here: a command line or a worker process that needs one p-value or one filter pays for it at every start: 0.06
# of 0.17 CPU s of `import scipy.special` (medians of 7, NumPy loaded before).
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" scipy==1.17.1 numpy==2.4.6
PYTHONPATH="$folder" python3 - <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ("scipy", "numpy")))
LOADED = """
import sys
import {}
print("numpy.f2py.crackfortran" in sys.modules, "numpy.testing" in sys.modules, "unittest" in sys.modules)
"""
COST = """
import time
import numpy
if {}:
    import numpy.f2py, numpy.testing, numpy.typing
started = time.process_time()
import scipy.special
print(time.process_time() - started)
"""


def printed(code):
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()


def seconds(before):
    return sorted(float(printed(COST.format(before))[0]) for _ in range(7))[3]


seen = {}
for module in ("numpy", "scipy", "scipy.special", "scipy.ndimage", "scipy.fft", "scipy.linalg"):
    seen[module] = printed(LOADED.format(module)) == ["True"] * 3
    print(f"import {module}: Fortran parser, numpy.testing and unittest expected False, seen {seen[module]}")
print(f"import scipy.special after numpy: {seconds(False):.3f} CPU s, without what it makes NumPy load: {seconds(True):.3f}")
sys.exit(0 if list(seen.values()) == [False, False, True, True, True, True] else 1)
PYTHON
