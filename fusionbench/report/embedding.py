"""Embedding of images: the best size and quality at which the images of all groups fit into a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.report.chosen_images import ChosenImage
from fusionbench.report.groups import Group
from fusionbench.report.pictures import FORMS, Encoding, Picture, compress, encode, load_pixels, text_length
from fusionbench.tables.source_pairs import SourcePairs, stored_image

if TYPE_CHECKING:
    from PIL.Image import Image

DEFAULT_IMAGES = 12  # per data set, by default
SAMPLE = 5  # images of a data set whose sizes give an estimate for all
SLACK = 0.93  # share of the room to plan with, since the estimate may be too low


@dataclass(frozen=True)
class Shelf:
    """A group, its sources and the images chosen for the page; `files` returns an image's sources and fused images."""

    group: Group
    sources: SourcePairs
    chosen: Sequence[ChosenImage]

    def files(self, image: str) -> list[Path | None]:
        pair = self.sources.pairs.get(image)
        sources: list[Path | None] = [pair.a, pair.b] if pair else [None, None]
        return sources + [stored_image(run, image) for run in self.group.first.runs]


@dataclass
class Embedded:
    """The images of a shelf in the page; ``pictures`` are the encoded `Shelf.files` of each image.

    ``cut`` is whether the page had no room for all chosen images.
    """

    shelf: Shelf
    form: Encoding
    asked: int | None
    pictures: dict[str, list[Picture | None]] = field(default_factory=dict)
    cut: bool = False

    @property
    def shown(self) -> list[ChosenImage]:
        return [chosen for chosen in self.shelf.chosen if chosen.id in self.pictures]


def encode_images(shelves: Sequence[Shelf], room: int, asked: int | None = None) -> list[Embedded]:
    """Encode the chosen images in up to ``room`` characters, in the best form in which all of them fit.

    Only if they do not fit in the smallest form, images are left out: the last chosen first, evenly over the groups.
    """
    with ThreadPoolExecutor() as pool:
        samples = list(pool.map(_sample, shelves))
        fitting = (form for form in FORMS if sum(sample.length(form) for sample in samples) <= SLACK * room)
        form = next(fitting, FORMS[-1])
        embedded = [Embedded(shelf, form, asked) for shelf in shelves]
        for entry, image in _turns(embedded):
            pictures = list(pool.map(partial(encode, form=form), entry.shelf.files(image)))
            room -= sum(text_length(picture.data) + 3 for picture in pictures if picture)
            if room < 0:
                for other in embedded:
                    other.cut = True
                break
            if any(pictures):
                entry.pictures[image] = pictures
    return embedded


def _turns(entries: Sequence[Embedded]) -> Iterator[tuple[Embedded, str]]:
    """Yield the first image of each group, the second of each group, and so on."""
    longest = max((len(entry.shelf.chosen) for entry in entries), default=0)
    for turn in range(longest):
        for entry in entries:
            if turn < len(entry.shelf.chosen):
                yield entry, entry.shelf.chosen[turn].id


@dataclass(frozen=True)
class _Sample:
    """Some decoded images of a shelf, and the number of all its files."""

    images: list[Image]
    count: int  # a NamedTuple cannot have a field of this name, its method

    def length(self, form: Encoding) -> float:
        """Return the estimated number of characters of all files in a form."""
        characters = sum(text_length(compress(image, form).data) for image in self.images)
        return self.count * characters / len(self.images) if self.images else 0.0


def _sample(shelf: Shelf) -> _Sample:
    files = [path for chosen in shelf.chosen for path in shelf.files(chosen.id) if path]
    spread = [files[(2 * i + 1) * len(files) // (2 * SAMPLE)] for i in range(SAMPLE if files else 0)]
    return _Sample([image for path in spread if (image := load_pixels(path))], len(files))


def wanted_images(asked: int | None, group: Group) -> int:
    return min(DEFAULT_IMAGES if asked is None else asked, len(group.first.images))


def embedding_sentence(entry: Embedded, max_mb: float) -> str:
    """Return the sentence on which images are in the page, in what form, and why not all."""
    shown, pairs = len(entry.pictures), len(entry.shelf.group.first.images)
    if not shown:
        return _nothing(entry, max_mb)
    sentence = f"{shown} of {pairs} pairs embedded"
    if shown < pairs:
        sentence += f" ({_why_not_all(entry, max_mb)}; best, worst and most disputed first, then spread over the split)"
    return f"{sentence}. {_form(entry.pictures, entry.form)} Scores are of the stored PNG files."


def _why_not_all(entry: Embedded, max_mb: float) -> str:
    if len(entry.pictures) < len(entry.shelf.chosen):
        return f"more would exceed {max_mb:g} MB" if entry.cut else "no image of the others can be read"
    return f"--images {entry.asked}" if entry.asked is not None else f"{DEFAULT_IMAGES} a data set"


def _nothing(entry: Embedded, max_mb: float) -> str:
    if entry.asked == 0:
        return "No image is embedded (--images 0)."
    if entry.cut:
        return f"No image is embedded: none fits into {max_mb:g} MB (--max-mb)."
    if any(any(entry.shelf.files(chosen.id)) for chosen in entry.shelf.chosen):
        return "No image is embedded: none of the stored images can be read."
    return "No image is embedded: none of the stored images was found."


def _form(pictures: Mapping[str, Sequence[Picture | None]], form: Encoding) -> str:
    from fusionbench.report.pictures import FORMAT

    every = [picture for row in pictures.values() for picture in row if picture]
    reduced = any(picture.size != picture.native for picture in every)
    size = f"reduced to {form.side} pixels" if reduced else "at native size"
    return f"Shown as {'WebP' if FORMAT == 'webp' else 'JPEG'}, quality {form.quality}, {size}."
