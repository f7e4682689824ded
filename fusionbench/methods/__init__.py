"""The built-in methods, importable as ``fusionbench.methods.<name>``; the files lie in the folder ``methods``."""

from fusionbench.shipped import share

__path__ = [str(share("methods"))]
