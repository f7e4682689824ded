"""DATFuse: dual attention around two transformer blocks."""

from fusionbench.methods.datfuse.method import DATFuse

__all__ = ["DATFuse"]
