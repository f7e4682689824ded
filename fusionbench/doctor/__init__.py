"""`fusionbench doctor`: which parts of an installation work, and why the others do not."""

from fusionbench.doctor.report import Finding, examine

__all__ = ["Finding", "examine"]
