"""The description of data sets: sources, splits, labels and names of files. Nothing here opens an image."""

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
    """The files of a split.

    ``a``, ``b``, ``label`` and ``boxes`` are globs below the data set's folder, matched by stem: ``test/ir/*`` with
    ``test/vi/*``. ``label`` are label maps; ``boxes`` are text files (YOLO), XML files (Pascal VOC) or label maps whose
    objects become boxes. ``count`` is the official number of pairs, None if the publisher states none. ``part`` selects a
    split from folders with all pairs: the ids whose `pairs.position` is in [part[0], part[1]), and the ``count`` lowest
    of them if there are more. ``learned_on`` is the split on which methods are trained when this one is fused.
    ``without`` are ids to leave out, such as those of another split.
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
    """The classes of label maps: a pixel's number is the position of its class in ``classes``.

    ``salient`` classes are those of salient objects. Pixels of ``ignored`` classes are neither trained nor scored in
    segmentation.
    """

    classes: tuple[str, ...]
    salient: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def salient_numbers(self) -> tuple[int, ...]:
        """The pixel values of salient objects."""
        return tuple(self.classes.index(name) for name in self.salient)


@dataclass(frozen=True)
class BoxSpec:
    """The classes of bounding boxes: the number in a YOLO line is the position of its class in ``classes``.

    ``aliases`` maps other names of the classes, as in XML files and papers, to those in ``classes``.
    """

    classes: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def number_of(self, name: str) -> int | None:
        """Return the number of a class by its name or an alias, ignoring case; None for an unknown name."""
        known = {other.casefold(): target for other, target in self.aliases.items()}
        names = [own.casefold() for own in self.classes]
        asked = known.get(name.casefold(), name).casefold()
        return names.index(asked) if asked in names else None


@dataclass(frozen=True)
class PrepareSpec:
    """The input of ``data prepare``, which writes 8-bit images to the folders of the test split.

    ``a`` and ``b`` are globs of GeoTIFFs below the data set's folder. ``patch`` is the side in pixels of the patches into
    which scenes are tiled without overlap (None: whole scenes). ``decibel`` is the range in dB, (low, high), of a's first
    band that is mapped to 0..255, None if a is no backscatter in dB. ``label`` is a glob of label maps, tiled in the same
    way; ``label_values`` are the pixel values of the classes in their order.
    """

    a: str
    b: str
    patch: int | None = None
    decibel: tuple[float, float] | None = None
    label: str | None = None
    label_values: tuple[int, ...] = ()


@dataclass(frozen=True)
class StemMarks:
    """The texts in which the stems of partners differ; in an id they are replaced by ``_``."""

    a: str
    b: str


@dataclass(frozen=True)
class DatasetSpec:
    """One entry of the catalog.

    ``a`` is the modality of the one-channel source, ``b`` that of the source whose colour the result inherits. ``folder``
    is relative to the data root. ``citation`` is BibTeX, ``sources`` are addresses of the images, and ``quirks`` is what
    a user must know about the data. ``generated`` data sets are generated if the folder is missing. ``stem_marks`` is
    None if partners have the same stem, ``prepare`` if images are read as published. ``ids`` says what identifies a pair:
    the "stem" of its files or, if stems repeat in several folders, the "path" from the glob's first wildcard on, joined
    by ``_``.
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
    """Return the name if it can be that of a folder in runs/. Raises ConfigError; ``what`` begins its message."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{what} cannot name a data set ('{name}'): rename it, using letters, digits and the signs . + - only."
        )
    return name


def canonical(name: str) -> str:
    """Return a data set's name in the form in which it is stored and compared: lower case with hyphens."""
    return folded(name).replace("_", "-")
