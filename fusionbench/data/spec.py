"""What a data set is: its sources, splits, labels and how its files are named. Nothing here opens an image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fusionbench.errors import ConfigError
from fusionbench.spelling import folded
from fusionbench.types import Family

_NAME = re.compile(r"\w[\w.+-]*")


@dataclass(frozen=True)
class SplitSpec:
    """Where the images of a split lie: globs below the data set's folder, and the official number of pairs.

    The files of the globs are matched by their stem: ``test/ir/*`` with ``test/vi/*``. ``count`` is None
    where the publisher names no number; ``label`` where there are no label maps, ``boxes`` where there are no
    bounding boxes: text files (YOLO), XML files (Pascal VOC) or label maps whose objects become boxes. ``part`` draws
    a split out of folders that hold all pairs: the ids whose ``pairs.position`` lies in [part[0], part[1]), and of
    more than ``count`` of them those of the lowest positions. ``learned_on`` names the split that methods are trained on
    where this one is fused. ``without`` are ids that the folders hold and the split must not, such as another split's.
    """

    a: str
    b: str
    label: str | None = None
    boxes: str | None = None
    count: int | None = None
    part: tuple[float, float] | None = None
    learned_on: str = "train"
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelSpec:
    """The classes of the label maps: a pixel's number is the position of its class in ``classes``.

    Pixels of the ``ignored`` classes take no part in training or scoring a segmentation.
    """

    classes: tuple[str, ...]
    salient: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def salient_numbers(self) -> tuple[int, ...]:
        """Return the pixel values that count as a salient object."""
        return tuple(self.classes.index(name) for name in self.salient)


@dataclass(frozen=True)
class BoxSpec:
    """The classes of the bounding boxes: a YOLO line's number is the position of its class in ``classes``.

    ``aliases`` maps other names of the classes, as XML files and papers have them, to those in ``classes``.
    """

    classes: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def number_of(self, name: str) -> int | None:
        """Return the number of a class by its name or an alias, whatever the case; None for an unknown one."""
        known = {other.casefold(): target for other, target in self.aliases.items()}
        names = [own.casefold() for own in self.classes]
        asked = known.get(name.casefold(), name).casefold()
        return names.index(asked) if asked in names else None


@dataclass(frozen=True)
class PrepareSpec:
    """What ``data prepare`` makes 8-bit images of, which it writes to the folders of the test split.

    ``a`` and ``b`` are globs of GeoTIFFs below the data set's folder. ``patch`` is the side of the patches
    that each scene is tiled into, without overlap (None: whole scenes). ``decibel`` is the range, low and
    high, that a's first band is mapped from to 0..255; None where a is no backscatter in dB. ``label`` is a glob of
    label maps, tiled alike where they are there; ``label_values`` are the pixel values of the classes in their order.
    """

    a: str
    b: str
    patch: int | None = None
    decibel: tuple[float, float] | None = None
    label: str | None = None
    label_values: tuple[int, ...] = ()


@dataclass(frozen=True)
class StemMarks:
    """The texts in which the stems of partners differ; an id has ``_`` in their place."""

    a: str
    b: str


@dataclass(frozen=True)
class DatasetSpec:
    """One entry of the catalog.

    ``a`` names the one-channel source, ``b`` the one whose colour the result inherits. ``folder`` is relative
    to the data root. ``citation`` is BibTeX; ``sources`` are addresses the images can be had from; ``quirks``
    is what a user has to know. ``generated`` data sets are made by our own code where the folder is absent.
    ``stem_marks`` and ``prepare`` are None where partners share their stem and images are read as published.
    ``ids`` says what names a pair: the stem of its files, or, where stems repeat in the folders that a glob's
    wildcards span, these folders and the stem, joined by ``_`` ("path").
    """

    name: str
    title: str
    family: Family
    a: str
    b: str
    folder: str
    splits: Mapping[str, SplitSpec]
    licence: str
    citation: str
    url: str
    quirks: str
    doi: str | None = None
    labels: LabelSpec | None = None
    boxes: BoxSpec | None = None
    sources: tuple[str, ...] = ()
    generated: bool = False
    stem_marks: StemMarks | None = None
    prepare: PrepareSpec | None = None
    ids: Literal["stem", "path"] = "stem"


def check_name(name: str, what: str) -> str:
    """Return the name if it can be a folder's in runs/. Raises ConfigError; ``what`` is called so."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{what} cannot name a data set ('{name}'): rename it, using letters, digits and the signs . + - only."
        )
    return name


def canonical(name: str) -> str:
    """Return a data set's name as it is stored and compared."""
    return folded(name).replace("_", "-")
