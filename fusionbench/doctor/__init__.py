"""`fusionbench doctor`: which parts of an installation work, and why the others do not."""

from fusionbench.doctor.findings import Finding, examine

__all__ = ["Finding", "examine"]
