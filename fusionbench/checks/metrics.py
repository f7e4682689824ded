"""Contract checks of metrics, built-in ones and those of plug-ins."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from fusionbench.checks.samples import Levels, dull, extremes, sample_scene
from fusionbench.checks.verdict import Check, Subject, not_applicable, require
from fusionbench.errors import WeightsError
from fusionbench.metrics import CANONICAL, MetricCard, compute, definition_of
from fusionbench.metrics.references import metric_of
from fusionbench.metrics.registry import card_of, function_of

SIDE = 48  # pixels, unless the metric needs more
ROUNDING = 1e-9  # relative tolerance of bounds, and of values in a batch
UNSTATED = "not a finite number"  # the framework's reason if the metric gives none
CHECKS: dict[str, Check] = {}


def contract(check: Check) -> Check:
    """Add a function to `CHECKS` under its own name."""
    CHECKS[check.__name__] = check
    return check


def metric_subject(name: str) -> Subject:
    """Return the subject of a metric or of a file with one. Raises as `metric_of`."""
    card = card_of(metric_of(name))
    return Subject("metric", card.name, CHECKS, lambda: _imported(card), card.xfail)


def _imported(card: MetricCard) -> tuple[MetricCard]:
    function_of(definition_of(card.name))
    return (card,)


def evaluate(card: MetricCard, levels: Levels) -> tuple[Tensor, list[str | None]]:
    """Return values and reasons of a batch, or end the check if it is not applicable to this metric."""
    if card.per == "set":
        not_applicable("one value belongs to a whole set of images")
    try:
        outcome = compute(*levels, metrics=[card.name], profile=CANONICAL, reasons=True)
    except WeightsError as error:
        not_applicable(str(error))
    assert isinstance(outcome, tuple)  # with reasons
    values, reasons = outcome
    return values[card.name], reasons[card.name]


def side_of(card: MetricCard) -> int:
    return max(SIDE, card.smallest)


@contract
def card(card: MetricCard) -> str:
    """The card says what a reader of a table needs."""
    for key in ("title", "unit", "convention"):
        text = getattr(card, key)
        require(isinstance(text, str) and text.strip(), f"{key} is {text!r}", f"write {key}= in @metric")
    require(
        not card.doi or re.fullmatch(r"10\.\d{4,9}/\S+", card.doi),
        f"doi is {card.doi!r}",
        "write it without an address before it, as in 10.1109/TIP.2003.819861, or '' for an unpublished metric",
    )
    low, high = card.range
    return f"{card.better} is better, {card.unit}, {low} … {high}, {card.doi or 'without DOI'}"


@contract
def dtype(card: MetricCard) -> str:
    """It returns one float64 value per image."""
    values, _ = evaluate(card, sample_scene(side_of(card), batch=2))
    require(
        values.dtype == torch.float64 and tuple(values.shape) == (2,),
        f"{values.dtype} {list(values.shape)} for two images",
        "return Outcome(values) with values in float64 [B]",
    )
    return "float64 [B]"


@contract
def value_range(card: MetricCard) -> str:
    """Values are in the card's range, on extreme images too."""
    defined = []
    low, high = card.range
    for what, levels in extremes(side_of(card)):
        values, reasons = evaluate(card, levels)
        for value in (v for v, reason in zip(values.tolist(), reasons, strict=True) if reason is None):
            slack = ROUNDING * max(1, abs(value))
            inside = (low is None or value >= low - slack) and (high is None or value <= high + slack)
            require(
                inside, f"{value:.6g} on {what} is outside {low} … {high}", "correct the function or range="
            )
            defined.append(value)
    require(defined, "no extreme image has a value", "return values where the definition has one")
    return f"[{min(defined):.4g}, {max(defined):.4g}]"


@contract
def finite_or_undefined(card: MetricCard) -> str:
    """Undefined values have a reason; NaN and infinity never come without one."""
    told = {}
    for what, levels in extremes(side_of(card)):
        reason = evaluate(card, levels)[1][0]
        require(
            reason is None or UNSTATED not in reason,
            f"NaN or infinity on {what}, without a reason",
            "return Outcome(values, ((mask, 'why'),)) with a mask [B] of the images without a value",
        )
        if reason is not None:
            told[what] = reason
    return (
        "; ".join(f"undefined on {what}: {why}" for what, why in told.items())
        or "finite on every extreme image"
    )


@contract
def direction(card: MetricCard) -> str:
    """The mean of the sources scores no worse than an unrelated image of two levels."""
    good, bad = (evaluate(card, make(side_of(card))) for make in (sample_scene, dull))
    if good[1][0] or bad[1][0]:
        not_applicable(f"no value there: {good[1][0] or bad[1][0]}")
    kept, lost = good[0].item(), bad[0].item()
    gain = kept - lost if card.better == "higher" else lost - kept
    holds = gain >= -0.5 * 10.0**-card.digits  # smaller differences are not printed
    require(
        holds,
        f"{kept:.4g} for the mean, {lost:.4g} for the dull image, but {card.better} is to be better",
        "correct better= or the sign",
    )
    return f"{kept:.4g} for the mean, {lost:.4g} for the dull image, {card.better} is better"


@contract
def deterministic(card: MetricCard) -> str:
    """Two calls on the same images are equal."""
    first, second = (evaluate(card, sample_scene(side_of(card)))[0] for _ in range(2))
    require(
        torch.equal(first, second), f"{first.item()} and {second.item()}", "seed or remove what is random"
    )
    return "two calls are equal"


@contract
def batch_independent(card: MetricCard) -> str:
    """The value of image i in a batch equals that of image i alone."""
    levels = sample_scene(side_of(card), batch=3)
    together = evaluate(card, levels)[0]
    alone = torch.cat([evaluate(card, levels.image(i))[0] for i in range(3)])
    gap = ((together - alone).abs() / alone.abs().clamp(min=1)).max().item()
    require(
        gap <= ROUNDING, f"they differ by {gap:.2g}", "reduce over rows and columns only, not over the batch"
    )
    return f"largest relative difference {gap:.1e}"


@contract
def inputs_untouched(card: MetricCard) -> str:
    """It does not change the images."""
    levels = sample_scene(side_of(card))
    before = [image.clone() for image in levels]
    evaluate(card, levels)
    same = all(torch.equal(image, old) for image, old in zip(levels, before, strict=True))
    require(same, "an image was changed", "copy before writing")
    return "images are as before"


@contract
def any_size(card: MetricCard) -> str:
    """Images with sides from the card's smallest on, odd ones too, have a value or a reason."""
    least = card.smallest
    for height, width in ((least, least), (least + 1, 2 * least + 3)):
        levels = Levels(*(image[..., :height, :width] for image in sample_scene(2 * least + 3)))
        values, reasons = evaluate(card, levels)
        told = reasons[0] and UNSTATED not in reasons[0]
        require(values.isfinite().all() or told, f"no value on {width}x{height}", "raise smallest=")
    return f"from {least}x{least}"


@contract
def symmetric(card: MetricCard) -> str:
    """If the card claims symmetry, swapping a and b changes the value only by rounding."""
    if not card.symmetric:
        not_applicable("the card does not claim it")
    levels = sample_scene(side_of(card))
    there, back = (evaluate(card, triple)[0].item() for triple in (levels, levels.swapped()))
    require(
        abs(there - back) <= ROUNDING * max(1, abs(there)),  # sums may be computed in another order
        f"{there} and {back} with a and b swapped",
        "leave symmetric= out, or fix the function",
    )
    return "equal with a and b swapped"
