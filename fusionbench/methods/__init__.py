"""The built-in methods, importable as ``fusionbench.methods.<name>``; the files lie in the folder ``methods``."""

from fusionbench.providers import share

__path__ = [str(share("methods"))]
