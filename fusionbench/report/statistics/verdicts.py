"""One sentence on each winner: by what margin of choices it wins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fusionbench.report.statistics.stability import Choice, Outcome


def verdict(outcome: Outcome) -> str:
    """Return a sentence that names the winner and every choice under which another one wins."""
    verb = "wins" if len(outcome.winners) == 1 else "tie for first"
    by = (
        f"by mean rank over {_counted(outcome.metrics, 'metric')}"
        if outcome.metric is None
        else outcome.metric
    )
    stays = "; ".join(_findings(outcome))
    return f"{_joined(outcome.winners)} {verb} {by} among {outcome.methods} methods: {stays or 'nothing to vary'}."


def _findings(outcome: Outcome) -> Iterator[str]:
    if outcome.halves is not None:
        halves = outcome.halves
        yield f"the same in {percent(halves.share)} of {halves.count} random halves of the images"
        rival = next((pair for pair in halves.wins if pair[0] not in outcome.winners), None)
        if rival:
            yield f"{rival[0]} in {percent(rival[1])}"
    yield from _choices(outcome.kind("aggregation"), "aggregations", "by")
    yield from _choices(outcome.kind("metric left out"), "sets with one metric left out", "without")
    yield from _choices(outcome.kind("profile"), "other profiles", "under")


def _choices(choices: Sequence[Choice], what: str, word: str) -> Iterator[str]:
    """Word the choices of one kind: how many keep the winner, and who wins by the others."""
    if not choices:
        return
    changed: dict[tuple[str, ...], list[str]] = {}
    for choice in choices:
        if not choice.same:
            changed.setdefault(choice.winners, []).append(choice.name)
    kept = sum(choice.same for choice in choices)
    others = ", ".join(f"{_joined(who)} {word} {', '.join(names)}" for who, names in changed.items())
    yield f"by {kept} of {len(choices)} {what}" + (f" ({others})" if others else "")


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
