"""The source images of a group, found through the catalog; a page without them says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fusionbench.data.pairs import find_split
from fusionbench.data.spec import dataset
from fusionbench.errors import FusionbenchError
from fusionbench.report.page.groups import Group
from fusionbench.types import Pair


@dataclass(frozen=True)
class Sources:
    """The pairs that are here by id; ``note`` says what is missing, and is empty where nothing is."""

    pairs: Mapping[str, Pair] = field(default_factory=dict)
    note: str = ""


def find_sources(group: Group, data_root: str | None = None) -> Sources:
    """Find the sources of a group below the data root.

    Files of another content than the runs were made from are not shown. No path gets into the note: the page is
    made to be passed on.
    """
    data = group.data
    title = data["title"] or data["name"]
    try:
        split = find_split(dataset(data["name"]), data["split"], data_root)
        wanted = set(group.first.images)
        split = replace(split, pairs=tuple(pair for pair in split.pairs if pair.id in wanted))
        if len(split.pairs) == len(wanted) and split.content_hash() != group.first.table.data:
            return Sources(note=_other(title))
    except FusionbenchError:
        return Sources(note=_absent(title))
    return Sources({pair.id: pair for pair in split.pairs}, _partial(title, len(split.pairs), len(wanted)))


def _absent(title: str) -> str:
    return (
        f"Only fused images are shown: the source images of {title} were not at hand when this page was made "
        "(--data-root names the folder that holds the data sets)."
    )


def _other(title: str) -> str:
    return (
        f"Only fused images are shown: the source images of {title} that were at hand when this page was made are "
        "not those that were fused (another data hash)."
    )


def _partial(title: str, here: int, wanted: int) -> str:
    if here == wanted:
        return ""
    return (
        f"The source images of {title} were at hand for {here} of {wanted} pairs when this page was made, and "
        "were not compared with the runs' data hash."
    )
