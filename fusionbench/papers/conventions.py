"""By which definition a paper's metric was computed, as far as that is known, and whether ours is the same."""

from __future__ import annotations

from typing import NamedTuple

from fusionbench.errors import UnknownNameError
from fusionbench.metrics.field_profiles import Profile
from fusionbench.metrics.profiles import profiles
from fusionbench.metrics.registry import MetricCard, cards, spelled
from fusionbench.papers.printed import Paper
from fusionbench.tables.caption import CHANNELS


class Convention(NamedTuple):
    """What a paper means by a metric: a definition of its profile, and what of it had to be assumed."""

    profile: Profile
    definition: str | None
    undecided: str

    @property
    def text(self) -> str:
        """Say it in words: "profile refinefuse, definition skimage-l2", "undecided: ..."."""
        named = f"profile {self.profile.name}, definition {self.definition}" if self.definition else ""
        open_ = f"undecided, {self.undecided}" if self.undecided else ""
        return "; ".join(filter(None, (named, open_)))


def metric_card(printed: str) -> MetricCard | None:
    """Return the card of a metric by the name that a paper prints; None where we do not compute it."""
    try:
        return cards()[spelled(printed, cards(), "metric")]
    except UnknownNameError:
        return None


def convention(paper: Paper, printed: str) -> Convention:
    """Return what a paper means by a metric."""
    card, profile = metric_card(printed), profiles()[paper.profile]
    name = card.name if card else printed
    definition = profile.metrics.get(name)
    undecided = profile.undecided.get(name) or paper.undecided.get(name, "")
    if card and definition is None and not undecided:
        undecided = f"profile {profile.name} holds no definition of it"
    return Convention(profile, definition, undecided)


def difference(meant: Convention, metric: str, scored: str) -> str:
    """Say in what the scores of a profile differ from a paper's convention; nothing where they are computed alike."""
    ours = profiles().get(scored)
    if ours is None:
        return f"scored under profile {scored}, which this installation does not know"
    if ours.name == meant.profile.name:
        return ""
    if ours.metrics.get(metric) != meant.definition:
        return f"{scored} computes {ours.metrics.get(metric)}, the paper {meant.definition}"
    if ours.gray != meant.profile.gray:
        return f"{scored} scores {CHANNELS[ours.gray]}, the paper {CHANNELS[meant.profile.gray]}"
    return ""
