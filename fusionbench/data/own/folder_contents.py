"""Messages on folders without images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from fusionbench.data.pairs import IMAGE_SUFFIXES

KINDS = "PNG, JPEG, BMP, GIF or TIFF"
_VOLUMES = frozenset({".nii", ".nii.gz", ".dcm", ".mha", ".mhd", ".nrrd", ".hdr", ".img"})
_ARRAYS = frozenset({".npy", ".npz", ".mat", ".h5"})


def without_images(folder: Path) -> str:
    """Return a sentence on a folder without a readable image: its content, or where images are, and the remedy."""
    below = sorted({path.parent for path in folder.glob("*/*") if path.suffix.lower() in IMAGE_SUFFIXES})
    if below:
        others = f" and {len(below) - 1} more folders" if len(below) > 1 else ""
        return f"There is no image directly in '{folder}', but there are some in '{below[0]}'{others}: give the folder that holds the images."
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    if not files:
        return f"'{folder}' is empty: give a folder of images."
    kinds = Counter(map(_suffix, files))
    counted = ", ".join(kind or "no suffix" for kind, _ in kinds.most_common(3))
    return f"'{folder}' holds {len(files)} files ({counted}), none {KINDS}: {_remedy(set(kinds))}."


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


def _remedy(kinds: set[str]) -> str:
    if kinds & _VOLUMES:
        return "export the slices that are meant as PNG, see 'Medical volumes' in docs/datasets.md"
    if kinds & _ARRAYS:
        return "save the arrays as PNG, over the full range of 8 or 16 bits"
    return "convert them"
