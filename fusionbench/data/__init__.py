"""Data sets, pairs of images and colour: everything between the disk and a method's ``fuse``."""

from importlib import import_module

_HOME = {
    "DatasetSpec": "spec",
    "LabelSpec": "spec",
    "PrepareSpec": "spec",
    "SplitSpec": "spec",
    "dataset": "registry",
    "datasets": "registry",
    "Split": "pairs",
    "data_root": "pairs",
    "find_split": "pairs",
    "PairImages": "images",
    "load_pair": "images",
    "read_image": "images",
    "write_image": "images",
    "Problem": "checking.verify",
    "verify": "checking.verify",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    """Return a public name, imported on first use, so that the catalog can be listed without NumPy or Pillow."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
