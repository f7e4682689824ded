"""Find constructor arguments that a method's class does not take, before any work."""

from __future__ import annotations

from collections.abc import Iterable

from fusionbench.errors import ConfigError, FusionbenchError
from fusionbench.runner.plan import PlannedCell


def wrong_arguments(cells: Iterable[PlannedCell]) -> list[str]:
    """Return one sentence a problem; code that cannot be imported is no problem here, it costs its own cells only."""
    problems = []
    for cell in {cell.method.name: cell for cell in cells if cell.config.args}.values():
        try:
            cell.method.build(cell.config.args)
        except ConfigError as error:
            problems.append(str(error))
        except FusionbenchError:
            continue
    return problems
