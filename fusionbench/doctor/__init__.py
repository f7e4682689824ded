"""`fusionbench doctor`: what of an installation works, and what keeps the rest from it."""

from fusionbench.doctor.report import Finding, examine

__all__ = ["Finding", "examine"]
