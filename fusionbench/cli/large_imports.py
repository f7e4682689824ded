"""Imports of large libraries without Python's cyclic garbage collector, for the process of the command line.

Such an import makes hundreds of thousands of objects that stay until the process ends. The collector would visit all of
them again and again while they are made, in later collections, and twice when the process ends.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

LARGE = frozenset(
    [
        "numpy",
        "torch",
        "numba",
        "scipy.special",
        "matplotlib",
        "matplotlib.figure",
        "pytorch_lightning",
        "kornia",
    ]
)


class _FrozenLoader(SourceFileLoader):
    """Runs a module with the collector paused, and takes what it made out of all later collections."""

    def exec_module(self, module: ModuleType) -> None:
        from fusionbench.files import paused_collector  # here, because --help needs neither

        with paused_collector():
            super().exec_module(module)
            gc.freeze()


class _LargeFinder(MetaPathFinder):
    """Finds the modules of `LARGE` as Python does, for the loader above."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in LARGE else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _FrozenLoader(spec.loader.name, spec.loader.path)
        return spec


@contextmanager
def frozen_imports() -> Iterator[None]:
    """Freeze what has been imported, and import `LARGE` libraries without the collector; it is on for everything else."""
    gc.freeze()
    finder = _LargeFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
