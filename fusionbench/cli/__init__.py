"""The command line: one short file per verb that parses, calls, prints and sets the exit code."""

from fusionbench.cli.app import main

__all__ = ["main"]
