"""Comparing one metric of two runs image by image: the mean difference, its interval, and a verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fusionbench.tables.cells import WHOLE_SET, ImageScore, Scores, version_key
from fusionbench.tables.model import printed

if TYPE_CHECKING:
    from fusionbench.metrics import MetricCard


@dataclass(frozen=True)
class Difference:
    """Scores of B minus scores of A over the images for which both have a score.

    ``kind`` is "identical", "rounding" (no image differs by half a unit of the last printed digit), "unclear" (the
    interval contains zero), "differs" or "incomparable"; ``verdict`` says it in words. ``low`` and ``high`` are the 95 %
    bootstrap interval of the mean difference, None for fewer than two images. ``left_out`` counts, by reason, the common
    images that lack a score in A or B; ``one_sided`` counts those that lack it in only one of them.
    """

    metric: str
    kind: str
    verdict: str
    version: str = ""
    better: str = "higher"
    digits: int = 4
    count: int = 0
    mean_a: float | None = None
    mean_b: float | None = None
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    largest: float | None = None
    left_out: tuple[tuple[str, int], ...] = ()
    one_sided: int = 0


def metric_difference(card: MetricCard, common: Sequence[str], a: Scores, b: Scores) -> Difference:
    """Return the difference in one metric on the common images, by the newest version of it that both have scores of."""
    ours, theirs = a.get(card.name, {}), b.get(card.name, {})
    versions = sorted(ours.keys() & theirs.keys(), key=version_key)
    if not versions:
        return Difference(card.name, "incomparable", _unversioned(ours, theirs), better=card.better)
    version = versions[-1]
    if card.per == "set":
        return _of_sets(card, version, ours[version].get(WHOLE_SET), theirs[version].get(WHOLE_SET))
    return _paired(card, version, common, ours[version], theirs[version])


def _of_sets(card: MetricCard, version: str, a: ImageScore | None, b: ImageScore | None) -> Difference:
    """Return the difference of two values of whole sets, incomparable if their settings differ."""
    facts: dict[str, Any] = {"version": version, "better": card.better, "digits": card.digits}
    if a is None or b is None or a.value is None or b.value is None:
        absent = ImageScore("not scored", None, "")
        pairs = [(a or absent, b or absent)]
        one_sided = sum((x.value is None) != (y.value is None) for x, y in pairs)
        kind, verdict = _judge_unscored(pairs)
        return Difference(
            card.name, kind, verdict.replace("image", "set"), left_out=_left_out(pairs), one_sided=one_sided, **facts
        )  # fmt: skip
    if a.detail != b.detail:
        verdict = f"not comparable: computed with {a.detail} in A, {b.detail} in B"
        return Difference(card.name, "incomparable", verdict, mean_a=a.value, mean_b=b.value, **facts)
    gap = b.value - a.value
    kind, verdict = _judge_sets(gap, card)
    return Difference(
        card.name, kind, verdict, count=1, mean_a=a.value, mean_b=b.value, mean=gap, largest=abs(gap), **facts
    )


def _judge_sets(gap: float, card: MetricCard) -> tuple[str, str]:
    if gap == 0:
        return "identical", "identical for the set"
    if abs(gap) < 0.5 * 10.0**-card.digits:
        return "rounding", f"same within rounding: {abs(gap):.1e} for the set"
    improved = (gap > 0) == (card.better == "higher")
    better = "better" if improved else "worse"
    return "differs", f"differs: {signed(gap, card.digits)}, one value for the set, no interval, B {better}"


def _unversioned(a: Mapping[str, object], b: Mapping[str, object]) -> str:
    if a and b:
        return f"not comparable: metric version {', '.join(a)} in A, {', '.join(b)} in B"
    return "not comparable: " + (
        "scored in neither" if not a and not b else f"scored in {'A' if a else 'B'} only"
    )


def _paired(
    card: MetricCard,
    version: str,
    common: Sequence[str],
    a: Mapping[str, ImageScore],
    b: Mapping[str, ImageScore],
) -> Difference:
    absent = ImageScore("not scored", None, "")
    pairs = [(a.get(image, absent), b.get(image, absent)) for image in common]
    values = [(x.value, y.value) for x, y in pairs if x.value is not None and y.value is not None]
    facts: dict[str, Any] = {
        "version": version,
        "better": card.better,
        "digits": card.digits,
        "left_out": _left_out(pairs),
        "one_sided": sum((x.value is None) != (y.value is None) for x, y in pairs),
    }
    if not values:
        return Difference(card.name, *_judge_unscored(pairs), **facts)
    import numpy as np

    from fusionbench.statistics.intervals import mean_interval

    gaps = [y - x for x, y in values]
    mean = math.fsum(gaps) / len(gaps)
    low, high = mean_interval(np.asarray(gaps)) if len(gaps) > 1 else (None, None)
    largest = max(map(abs, gaps))
    kind, verdict = _judge(mean, low, high, largest, len(gaps), card)
    if facts["one_sided"]:
        verdict += f"; {facts['one_sided']} more scored on one side only"
    return Difference(
        card.name, kind, verdict, count=len(gaps), mean=mean, low=low, high=high, largest=largest,
        mean_a=math.fsum(x for x, _ in values) / len(values),
        mean_b=math.fsum(y for _, y in values) / len(values), **facts,
    )  # fmt: skip


def _left_out(pairs: Sequence[tuple[ImageScore, ImageScore]]) -> tuple[tuple[str, int], ...]:
    """Return the numbers of images without a score by reason, such as ("undefined in B", 3); each image counts once."""
    reasons = Counter(
        " and ".join(
            f"{score.status} in {side}" for side, score in zip("AB", pair, strict=True) if score.value is None
        )
        for pair in pairs
    )
    return tuple(sorted((reason, count) for reason, count in reasons.items() if reason))


def _judge_unscored(pairs: Sequence[tuple[ImageScore, ImageScore]]) -> tuple[str, str]:
    statuses = {score.status for pair in pairs for score in pair}
    if statuses == {"undefined"}:
        return "identical", "undefined for every image in both"
    return "incomparable", "not comparable: no image has a score in both"


def _judge(
    mean: float, low: float | None, high: float | None, largest: float, count: int, card: MetricCard
) -> tuple[str, str]:
    over = f"over {count} {'image' if count == 1 else 'images'}"
    if largest == 0:
        return "identical", f"identical {over}"
    if largest < 0.5 * 10.0**-card.digits:
        return "rounding", f"same within rounding: at most {largest:.1e} {over}"
    said = f"mean {signed(mean, card.digits)}"
    if low is None or high is None:
        return "differs", f"differs: {signed(mean, card.digits)} on one image, which says nothing of others"
    said += f" [{signed(low, card.digits)}, {signed(high, card.digits)}] {over}"
    if low <= 0 <= high:
        return "unclear", f"no clear difference: {said}"
    improved = (mean > 0) == (card.better == "higher")
    return "differs", f"differs: {said}, B {'better' if improved else 'worse'}"


def signed(value: float, digits: int) -> str:
    """Return a difference with its sign, in exponential notation if it would be printed as zero."""
    if value and abs(value) < 0.5 * 10.0**-digits:
        return f"{value:+.1e}"
    text = printed(value, digits)
    return text if value <= 0 else f"+{text}"
