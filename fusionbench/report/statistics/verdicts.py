"""One sentence on each winner: by what margin of choices it wins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fusionbench.report.statistics.stability import Choice, Outcome


def verdict(outcome: Outcome) -> str:
    """Return a sentence that names the winner and every choice under which another one wins."""
    one = len(outcome.winners) == 1
    what = (
        f"the mean rank over {_counted(outcome.metrics, 'metric')}"
        if outcome.metric is None
        else outcome.metric
    )
    won = f"{_joined(outcome.winners)} {'wins' if one else 'tie in'} {what} among {outcome.methods} methods"
    found = [*_halves(outcome), *_all_choices(outcome)]
    return f"{won}: the same {'; the same '.join(found)}." if found else f"{won}."


def _halves(outcome: Outcome) -> Iterator[str]:
    if outcome.halves is not None:
        halves = outcome.halves
        rival = next((pair for pair in halves.wins if pair[0] not in outcome.winners), None)
        other = f" ({rival[0]} wins {percent(rival[1])})" if rival else ""
        yield f"in {percent(halves.share)} of {halves.count} random halves of the images{other}"


def _all_choices(outcome: Outcome) -> Iterator[str]:
    kinds = {
        "aggregation": ("by {} of {} aggregations", "by"),
        "metric left out": ("by {} of {} sets with one metric left out", "without"),
        "profile": ("under {} of {} other profiles", "under"),
    }
    for kind, (words, preposition) in kinds.items():
        if choices := outcome.kind(kind):
            yield words.format(sum(choice.same for choice in choices), len(choices)) + _changed(
                choices, preposition
            )


def _changed(choices: Sequence[Choice], preposition: str) -> str:
    """Name who wins by the choices that have another winner."""
    changed: dict[tuple[str, ...], list[str]] = {}
    for choice in choices:
        if not choice.same:
            changed.setdefault(choice.winners, []).append(choice.name)
    others = [f"{_joined(who)} {preposition} {_joined(names)}" for who, names in changed.items()]
    return f" ({'; '.join(others)})" if others else ""


def percent(share: float) -> str:
    """Return a share in percent; 100 and 0 are printed for all and none only."""
    text = f"{100 * share:.0f}"
    if text == "100" and share < 1:
        text = "over 99"
    if text == "0" and share > 0:
        text = "under 1"
    return f"{text} %"


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
