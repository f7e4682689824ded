"""Checking a data set before work is spent on it, with one message per kind of problem instead of one per file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fusionbench.data import images
from fusionbench.data.checking.problem import Problem
from fusionbench.data.checking.verify_labels import Annotated, inspect_labels, label_problems
from fusionbench.data.pairs import Split, data_root, find_split
from fusionbench.data.raw_counts import CountWatch
from fusionbench.data.spec import DatasetSpec
from fusionbench.errors import DataNotFoundError, ImageError, first_names
from fusionbench.types import Pair

GREY, EQUAL, COLOR = "one channel", "RGB with equal channels", "colour"


@dataclass(frozen=True)
class _Finding:
    """The result of inspecting one pair: how its images are stored, or why it cannot be used."""

    id: str
    unreadable: str = ""
    unequal: str = ""
    a: str = ""
    b: str = ""
    identical: bool = False
    annotated: Annotated = field(default_factory=Annotated)


def verify(
    spec: DatasetSpec, root: str | Path | None = None, on_pair: Callable[[Pair], None] | None = None
) -> list[Problem]:
    """Decode every pair of a data set and return what is wrong or unusual, an empty list if nothing is.

    A missing split is a warning if another one is present. ``on_pair`` is called before each pair.
    """
    absent: list[str] = []
    problems: list[Problem] = []
    for name in spec.splits:
        try:
            problems += _of_split(find_split(spec, name, root), on_pair)
        except DataNotFoundError as error:
            absent.append(str(error))
        except ImageError as error:
            problems.append(Problem("error", f"{name}: {error}"))
    if len(absent) == len(spec.splits):
        return [Problem("error", absent[0])]
    return [Problem("warning", message) for message in absent] + problems


def summary(spec: DatasetSpec, problems: Sequence[Problem], root: str | Path | None = None) -> str:
    """Return the report as text: a heading and one line per problem."""
    errors = sum(problem.level == "error" for problem in problems)
    verdict = f"errors: {errors}, warnings: {len(problems) - errors}" if problems else "nothing to report"
    head = f"{spec.title} ({data_root(root) / spec.folder}): {verdict}"
    return "\n".join([head, *(f"  {problem}" for problem in problems)])


def _of_split(split: Split, on_pair: Callable[[Pair], None] | None) -> list[Problem]:
    findings, watch = [], CountWatch()
    for pair in split.pairs:
        if on_pair:
            on_pair(pair)
        findings.append(_inspect(split.spec, pair, watch))
    problems = [*_count(split), *_unmatched(split)]
    for check in (_unreadable, _unequal, _identical):
        problems += check(findings)
    problems += label_problems(split, {finding.id: finding.annotated for finding in findings})
    usable = [finding for finding in findings if not finding.unreadable and not finding.unequal]
    problems += [
        *_swapped(split.spec, usable),
        *_channels(split.spec, usable),
        *_true_color(split.spec, usable),
    ]
    problems += [Problem("warning", sentence) for sentence in watch.warnings()]
    return [Problem(problem.level, f"{split.name}: {problem.message}") for problem in problems]


def _inspect(spec: DatasetSpec, pair: Pair, watch: CountWatch) -> _Finding:
    try:
        a, b = images.read_image(pair.a), images.read_image(pair.b)
        label = images.read_label(pair.label) if pair.label else None
    except ImageError as error:
        return _Finding(pair.id, unreadable=str(error))
    watch.look(pair.a, a)
    watch.look(pair.b, b)
    try:
        images.check_same_size(a, pair.a, b, pair.b)
        if label is not None and pair.label:
            images.check_same_size(a, pair.a, label, pair.label)
    except ImageError as error:
        return _Finding(pair.id, unequal=str(error))
    # a common error in copying: one folder's files are in both
    identical = pair.a.read_bytes() == pair.b.read_bytes()
    annotated = inspect_labels(spec, pair, a.shape[:2], label)
    return _Finding(pair.id, a=_kind(a), b=_kind(b), identical=identical, annotated=annotated)


def _kind(image: np.ndarray) -> str:
    if image.ndim == 2:
        return GREY
    return EQUAL if images.drop_equal_channels(image).ndim == 2 else COLOR


def _count(split: Split) -> Iterator[Problem]:
    here = len(split.pairs)
    if split.expected and here != split.expected:
        what = "a partial copy; tables say so" if here < split.expected else "more than the publisher has"
        yield Problem("warning", f"{here} of {split.expected} official pairs ({what}).")


def _unmatched(split: Split) -> Iterator[Problem]:
    if split.unmatched:
        yield Problem("warning", f"no partner, so left out: {first_names(split.unmatched)}.")


def _unreadable(findings: Sequence[_Finding]) -> Iterator[Problem]:
    broken = [finding for finding in findings if finding.unreadable]
    if broken:
        yield Problem("error", f"not readable: {first_names([f.id for f in broken])}. {broken[0].unreadable}")


def _unequal(findings: Sequence[_Finding]) -> Iterator[Problem]:
    broken = [finding for finding in findings if finding.unequal]
    if broken:
        yield Problem(
            "error",
            f"sizes differ within the pair: {first_names([f.id for f in broken])}. {broken[0].unequal}",
        )


def _identical(findings: Sequence[_Finding]) -> Iterator[Problem]:
    same = [finding.id for finding in findings if finding.identical]
    if same:
        yield Problem(
            "error",
            f"the same file, byte for byte, in both folders ({len(same)} of {len(findings)} pairs): "
            f"{first_names(same)}; get one of the folders again.",
        )


def _swapped(spec: DatasetSpec, findings: Sequence[_Finding]) -> Iterator[Problem]:
    """Yield an error if the folders seem to be swapped: most images of a are coloured and none of b is.

    Two grey sources (TNO, MRI-CT) cannot be distinguished in this way.
    """
    colored = sum(finding.a == COLOR for finding in findings)
    if 2 * colored > len(findings) and not any(finding.b == COLOR for finding in findings):
        yield Problem(
            "error",
            f"the folders seem to be swapped: {colored} of {len(findings)} {spec.a} images are coloured and "
            f"no {spec.b} image is; exchange them.",
        )


def _channels(spec: DatasetSpec, findings: Sequence[_Finding]) -> Iterator[Problem]:
    for source, modality in (("a", spec.a), ("b", spec.b)):
        kinds: dict[str, list[str]] = {}
        for finding in findings:
            kinds.setdefault(getattr(finding, source), []).append(finding.id)
        if len(kinds) > 1:
            parts = [
                f"{kind}: {first_names(ids)}"
                for kind, ids in sorted(kinds.items(), key=lambda item: len(item[1]))
            ]
            yield Problem("warning", f"{modality} images are stored in different ways. {'; '.join(parts)}.")


def _true_color(spec: DatasetSpec, findings: Sequence[_Finding]) -> Iterator[Problem]:
    colored = [finding.id for finding in findings if finding.a == COLOR]
    if colored:
        yield Problem(
            "warning", f"{spec.a} images in true colour, of which the luma is taken: {first_names(colored)}."
        )
