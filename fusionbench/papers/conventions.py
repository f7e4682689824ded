"""The definitions by which papers computed metrics, as far as known, and their differences from scored profiles."""

from __future__ import annotations

from typing import NamedTuple

from fusionbench.errors import UnknownNameError
from fusionbench.metrics.field_profiles import Profile
from fusionbench.metrics.profiles import profiles
from fusionbench.metrics.registry import MetricCard, cards, spelled
from fusionbench.papers.printed import Paper
from fusionbench.tables.caption import CHANNELS


class PaperDefinition(NamedTuple):
    """A paper's convention for a metric: a definition in its profile, and what of it had to be assumed."""

    profile: Profile
    definition: str | None
    undecided: str

    @property
    def text(self) -> str:
        """The convention in words, such as "profile refinefuse, definition skimage-l2" or "undecided, ..."."""
        named = f"profile {self.profile.name}, definition {self.definition}" if self.definition else ""
        open_ = f"undecided, {self.undecided}" if self.undecided else ""
        return "; ".join(filter(None, (named, open_)))


def metric_card(printed: str) -> MetricCard | None:
    """Return the card of a metric by the name that a paper prints, None if there is no such metric here."""
    try:
        return cards()[spelled(printed, cards(), "metric")]
    except UnknownNameError:
        return None


def convention(paper: Paper, printed: str) -> PaperDefinition:
    """Return a paper's convention for a metric, by the name that it prints."""
    card, profile = metric_card(printed), profiles()[paper.profile]
    name = card.name if card else printed
    definition = profile.metrics.get(name)
    undecided = profile.undecided.get(name) or paper.undecided.get(name, "")
    if card and definition is None and not undecided:
        undecided = f"profile {profile.name} has no definition of it"
    return PaperDefinition(profile, definition, undecided)


def departure_in_words(meant: PaperDefinition, metric: str, scored: str) -> str:
    """Return how the scores of a profile differ from a paper's convention, empty if they are computed in the same way."""
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
