"""fusionbench: run, train, score and compare image-fusion methods.

The public names are imported on first use, so that ``import fusionbench`` loads neither torch nor Lightning.
"""

from importlib import import_module

__version__ = "0.1.0"

_WHERE = {
    "FusionMethod": "fusionbench.method",
    "fuse_pair": "fusionbench.method",
    "Pair": "fusionbench.types",
    "PairBatch": "fusionbench.types",
    "FusionbenchError": "fusionbench.errors",
    "load": "fusionbench.registry.methods",
    "run": "fusionbench.runs.run",
    "score": "fusionbench.folders.scores",
    "train": "fusionbench.training.fit",
    "read_runs": "fusionbench.cells.store",
}
__all__ = [*_WHERE, "__version__"]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'fusionbench' has no attribute '{name}'")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
