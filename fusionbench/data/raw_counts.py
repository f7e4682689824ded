"""Detecting 16-bit images that use a small part of their range: read as value / 65535 they are nearly black or flat.

Most of them contain the counts of a sensor of 8, 12 or 14 bits, or radiometric values such as those of FLIR cameras.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fusionbench.data.images import read_image
from fusionbench.errors import ImageError
from fusionbench.types import Pair

SPAN = 2**14  # levels: counts of 14 bits, the deepest common sensor, span no more of the 2^16
SAMPLE = 8  # pairs that are examined before work begins


@dataclass
class CountWatch:
    """A collector of suspicious images as they are read, with one warning per folder.

    ``suspects`` are (file, lowest value, highest value), ``looked_at`` counts the images of each folder.
    """

    suspects: dict[Path, list[tuple[Path, int, int]]] = field(default_factory=dict)
    looked_at: dict[Path, int] = field(default_factory=dict)

    def look(self, path: Path, image: np.ndarray) -> None:
        """Record an image, as stored, if its 16-bit values span less than a quarter of their range."""
        self.looked_at[path.parent] = self.looked_at.get(path.parent, 0) + 1
        if image.dtype != np.uint16:
            return
        low, high = int(image.min()), int(image.max())
        if high - low < SPAN:
            self.suspects.setdefault(path.parent, []).append((path, low, high))

    def add(self, other: CountWatch) -> None:
        """Add the records of another watch after those of this one."""
        for folder, count in other.looked_at.items():
            self.looked_at[folder] = self.looked_at.get(folder, 0) + count
        for folder, images in other.suspects.items():
            self.suspects.setdefault(folder, []).extend(images)

    def warnings(self) -> list[str]:
        """Return a sentence for each folder with such images, with the range found and the remedy."""
        return [self._sentence(folder, suspects) for folder, suspects in self.suspects.items()]

    def _sentence(self, folder: Path, suspects: Sequence[tuple[Path, int, int]]) -> str:
        path, low, high = suspects[0]
        lowest, highest = min(low for _, low, _ in suspects), max(high for *_, high in suspects)
        others = ""
        if len(suspects) > 1:
            others = (
                f"; {len(suspects)} of {self.looked_at[folder]} images checked in '{folder}' are like this, "
                f"{lowest}..{highest} in all"
            )
        remedy = "save them as 8-bit images" if highest < 256 else f"map {lowest}..{highest} to 0..65535"
        return (
            f"'{path}': 16 bits, but its values span {low}..{high} of 65535 (raw counts?), and they are read as value / "
            f"65535{others}: scale all images of the folder in the same way ({remedy}) if that is not intended."
        )


def sampled_warnings(pairs: Sequence[Pair]) -> list[str]:
    """Return the warnings about a few evenly spaced pairs; unreadable images are reported where they are used."""
    watch = CountWatch()
    step = max(1, -(-len(pairs) // SAMPLE))
    for path in (path for pair in pairs[::step] for path in (pair.a, pair.b)):
        with contextlib.suppress(ImageError):
            watch.look(path, read_image(path))
    return watch.warnings()
