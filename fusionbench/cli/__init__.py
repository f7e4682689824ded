"""The command line: one module per verb, which parses options, calls, prints and sets the exit code."""

from fusionbench.cli.app import main

__all__ = ["main"]
