"""Tell what is left to do in a cell, from its files alone: nothing here loads torch."""

from __future__ import annotations

from collections.abc import Sequence

from fusionbench.errors import FusionbenchError
from fusionbench.metrics import definition_of
from fusionbench.runner.outcome import CellResult
from fusionbench.runner.plan import PlannedCell
from fusionbench.runner.record import CellOptions, cell_of, make_identity
from fusionbench.runner.store import FINAL, Cell, ScoreKey
from fusionbench.runner.weights import choose
from fusionbench.types import Pair
from fusionbench.weights import Weights


def unfused(cell: Cell, pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs without a stored image."""
    stored = cell.stored()
    return [pair for pair in pairs if pair.id not in stored]


def missing_metrics(
    cell: Cell, pairs: Sequence[Pair], metrics: Sequence[str], profile: str
) -> dict[str, list[str]]:
    """Return, by pair id, the metrics whose current version has no final score; pairs without any are left out."""
    versions = {name: definition_of(name, profile).version for name in metrics}
    final = {key for key, line in cell.scores().items() if line["status"] in FINAL}
    wanted = {
        p.id: [m for m, version in versions.items() if ScoreKey(p.id, m, version, profile) not in final]
        for p in pairs
    }
    return {pair_id: names for pair_id, names in wanted.items() if names}


def find_done(planned: PlannedCell, manifest: str, options: CellOptions) -> CellResult | None:
    """Return the result of a cell in which nothing is left to do, None for any other."""
    if options.fresh:
        return None
    try:
        chosen = choose(planned, options.policy) if planned.method.has_class else None
    except FusionbenchError:
        return None
    # only importing a method tells whether it has parameters; a complete cell without weights says that it has none
    for weights in (chosen, Weights("none")):
        if weights is not None:
            cell = cell_of(planned, make_identity(planned, manifest, options, weights), options.out)
            if _complete(cell, planned.split.pairs, options):
                return CellResult(planned, cell.path, "ok")
    return None


def _complete(cell: Cell, pairs: Sequence[Pair], options: CellOptions) -> bool:
    record = cell.read_record()
    if record is None or record["status"] != "ok":
        return False
    return not unfused(cell, pairs) and not missing_metrics(cell, pairs, options.metrics, options.profile)
