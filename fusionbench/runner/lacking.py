"""Whether a metric's weights are here; nothing here loads torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fusionbench.errors import ConfigError, WeightsError
from fusionbench.metric_weights import find_weights
from fusionbench.metrics import cards
from fusionbench.metrics.sets_options import options_of, setting_of
from fusionbench.runner.store import WHOLE_SET, Cell, ScoreKey
from fusionbench.types import Pair


def lacking(metric: str) -> str | None:
    """Return what to do before a metric can be computed, None where all it needs is here."""
    card = cards()[metric]
    try:
        if card.per == "set":
            setting_of(metric)
        else:
            for name in card.weights:
                find_weights(name)
    except (WeightsError, ConfigError) as error:
        return str(error)
    return None


def check_options(metrics: Iterable[str]) -> None:
    """Raise ConfigError where what set-level metrics are computed with is written wrongly."""
    for name in metrics:
        if cards()[name].per == "set":
            options_of(name)


def unavailable(cell: Cell, pairs: Sequence[Pair], versions: dict[str, int], profile: str) -> dict[str, str]:
    """Return why metrics have no value for lack of weights, as their lines in the store say it."""
    scores, found = cell.scores(), {}
    for name, version in versions.items():
        images = [WHOLE_SET] if cards()[name].per == "set" else [pair.id for pair in pairs]
        for image in images:
            line = scores.get(ScoreKey(image, name, version, profile))
            if line is not None and line["status"] == "unavailable":
                found.setdefault(name, line["detail"])
    return found
