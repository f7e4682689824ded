"""What `pip install` brings is enough for pyiqa's metrics, in a process that has imported nothing before."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

CODE = """
import cv2, numpy
encoded = cv2.imencode(".png", numpy.zeros((4, 4, 3), numpy.uint16))[1]
assert cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED).dtype == numpy.uint16
from fusionbench.metrics.learned.iqa_models import _arch
for name in ("liqe_arch", "clipiqa_arch", "clip_model"):
    _arch(name)
import sys
print("pyiqa" in sys.modules)
"""


def test_pyiqa_and_its_clip_can_be_imported() -> None:
    command = [sys.executable, "-W", "error", "-c", CODE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "True"  # and nothing of what pyiqa itself prints


def test_setuptools_still_has_pkg_resources() -> None:
    assert int(version("setuptools").partition(".")[0]) < 81


def test_the_distributions_that_share_the_folder_cv2_have_one_version() -> None:
    versions = set()
    for name in ("opencv-python", "opencv-python-headless", "opencv-contrib-python"):
        try:
            versions.add(version(name))
        except PackageNotFoundError:
            continue
    if not versions:
        pytest.fail("no OpenCV is installed")
    assert len(versions) == 1
