"""CPU seconds of commands whose cost is mostly what they load, beside the older commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

import numpy as np
from parts.builds import Build, Row, in_turns, seconds_row
from parts.stores import make_store
from PIL import Image

# what a command cannot do without, and what therefore bounds its ratio
NEEDED = {"explain": "torch", "figure": "matplotlib.figure, matplotlib.backends.backend_agg"}


def rows(builds: Mapping[str, Build], folder: Path, rounds: int) -> Iterator[Row]:
    random = np.random.default_rng(0)
    for name, shape in (("a", (240, 320)), ("b", (240, 320, 3))):
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{name}.png")
    a, b, fused, runs = (folder / name for name in ("a.png", "b.png", "fused.png", "ranked"))
    make_store(runs, sets=1, rows=4, images=20)
    works = {
        "`fuse -m refinefuse`, one 320x240 pair": (2.0, ("fuse", "-m", "refinefuse", a, b, "-o", fused)),
        "`explain EN 5` on that pair": (2.0, ("explain", "EN", "5", "--a", a, "--b", b, "--fused", fused)),
        "`figure ranks`, 4 runs of 20 images": (2.0, ("figure", "ranks", runs, "-o", folder / "ranks.png")),
        "`list methods`": (1.0, ("list", "methods", "--json")),
        "`--help`": (1.0, ("--help",)),
    }
    for work, (target, words) in works.items():
        costs = in_turns(builds, lambda build, words=words: build.seconds(*words), rounds)
        yield seconds_row(work, builds, costs, target)
        if imported := NEEDED.get(words[0]):
            alone = median(
                builds["now"].seconds_of("-c", f"import gc; gc.disable(); import {imported}")
                for _ in range(rounds)
            )
            then = costs["then"]
            label = f"{builds['then'].label}'s {work}"
            yield Row(
                f"`import {imported}` alone, no garbage collection",
                label,
                f"{then:.3f} s",
                f"{alone:.3f} s",
                then / alone,
            )
