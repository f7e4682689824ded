"""The built-in methods, importable as ``fusionbench.methods.<name>``; their files are in the folder ``methods``."""

from fusionbench.providers import share

__path__ = [str(share("methods"))]
