"""Contract checks of methods: built-in ones, plug-ins and single files.

Each check takes a built method and its card, and returns what it measured. A card's ``xfail`` excuses a check with a
reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from fusionbench.checks.verdict import Check, Subject, Verdict, not_applicable, require, verdicts
from fusionbench.method import FusionMethod, fuse_pair
from fusionbench.profiling import example, macs, parameter_count
from fusionbench.registry.cards import Card
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.types import FAMILIES, PairBatch

TOLERANCE = 1e-5  # kernels may sum in another order for another batch size

CHECKS: dict[str, Check] = {}


def contract(check: Check) -> Check:
    """Add a function to `CHECKS` under its own name."""
    CHECKS[check.__name__] = check
    return check


def method_subject(spec: MethodSpec) -> Subject:
    """Return the subject of a method. Raises RequestError if the method has no class."""
    spec.require_class()
    return Subject("method", spec.name, CHECKS, lambda: build(spec), excuses(spec))


def excuses(spec: MethodSpec) -> dict[str, str]:
    """Return the reasons for checks that the method or its requested variants cannot pass, by name of the check."""
    known = spec.known_variants()
    variants = (known[name].get("xfail", {}) for name in spec.variants if name in known)
    return {check: reason for xfail in (spec.card.xfail, *variants) for check, reason in xfail.items()}


def run_checks(spec: MethodSpec) -> Iterator[Verdict]:
    """Build the method and yield one verdict per check."""
    return verdicts(method_subject(spec))


def build(spec: MethodSpec) -> tuple[FusionMethod, Card]:
    """Return the method built by its recipe with seed 0, and its card."""
    torch.manual_seed(0)
    arguments = spec.config().args
    method = spec.build(arguments)
    # the card's sizes are those of the published method, not of its ablations
    return method, spec.card if arguments == base_arguments(spec) else replace(spec.card, expect={})


def base_arguments(spec: MethodSpec) -> dict[str, object]:
    return replace(spec, variants=()).config().args


@contract
def families(method: FusionMethod, card: Card) -> str:
    """The class and the card name the same families."""
    declared = sorted(getattr(method, "families", ()))
    require(declared, "the class names no families", 'write families = frozenset({"ir-vis"}) in it')
    require(
        set(declared) <= set(FAMILIES), f"families {declared} are not among {FAMILIES}", "correct the class"
    )
    require(
        declared == sorted(card.families),
        f"class says {declared}, card {sorted(card.families)}",
        "make them equal",
    )
    return ", ".join(declared)


@contract
def shape(method: FusionMethod, card: Card) -> str:
    """fuse returns the sources' size, with one channel or as many as b."""
    a, b = example(method, 48, 64)
    fused = fuse(method, a, b)
    allowed = [(1, c, *a.shape[-2:]) for c in sorted({1, b.shape[1]})]
    require(
        tuple(fused.shape) in allowed,
        f"fuse returned {tuple(fused.shape)} for a of {tuple(a.shape)}",
        f"return {' or '.join(map(str, allowed))}",
    )
    return f"{tuple(a.shape)} -> {tuple(fused.shape)}"


@contract
def value_range(method: FusionMethod, card: Card) -> str:
    """fuse returns finite values in [0, 1], on black, white and opposite sources too."""
    bounds = []
    for a, b in extremes(method):
        fused = fuse(method, a, b)
        require(
            torch.isfinite(fused).all(), "fuse returned NaN or infinity", "check divisions and logarithms"
        )
        bounds += [fused.min().item(), fused.max().item()]
    low, high = min(bounds), max(bounds)
    require(
        low >= -1e-6 and high <= 1 + 1e-6,
        f"fuse returned [{low:.4g}, {high:.4g}]",
        "bring it into [0, 1], with a sigmoid at the end or .clamp(0, 1)",
    )
    return f"[{low:.3f}, {high:.3f}]"


def extremes(method: FusionMethod) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield random, all-black, all-white and opposite pairs."""
    a, b = example(method, 32, 32)
    yield a, b
    for value_a, value_b in ((0, 0), (1, 1), (0, 1), (1, 0)):
        yield torch.full_like(a, value_a), torch.full_like(b, value_b)


@contract
def deterministic(method: FusionMethod, card: Card) -> str:
    """In eval mode, two calls on the same sources are equal."""
    a, b = example(method, 32, 48)
    first, second = finite(method, a, b), finite(method, a, b)
    require(torch.equal(first, second), "two calls differ", "seed or remove what is random in eval mode")
    return "two calls are equal"


@contract
def batch_independent(method: FusionMethod, card: Card) -> str:
    """Image i of a batch equals image i alone."""
    a, b = example(method, 32, 32)
    # squared, because a copy that is only mirrored would have the same statistics
    pair_a, pair_b = torch.cat([a, a.flip(-1) ** 2]), torch.cat([b, b.flip(-1) ** 2])
    together = finite(method, pair_a, pair_b)
    alone = torch.cat([fuse(method, pair_a[i : i + 1], pair_b[i : i + 1]) for i in range(2)])
    gap = (together - alone).abs().max().item()
    require(
        gap <= TOLERANCE + method.value_step,
        f"image i of a batch differs from image i alone by {gap:.2g}",
        "use no statistics over the batch",
    )
    return f"largest difference {gap:.1e}"


@contract
def inputs_untouched(method: FusionMethod, card: Card) -> str:
    """fuse does not change its inputs."""
    a, b = example(method, 32, 32)
    before = a.clone(), b.clone()
    fuse(method, a, b)
    same = torch.equal(a, before[0]) and torch.equal(b, before[1])
    require(same, "fuse changed its inputs", "copy before writing, and use no operation ending in _ on them")
    return "inputs are as before"


@contract
def any_size(method: FusionMethod, card: Card) -> str:
    """Padded to its multiple, the method takes images of any size, gray and in color."""
    generator = torch.Generator().manual_seed(1)
    for height, width in ((1, 1), (7, 5), (33, 50)):
        for channels in (1, 3):
            a = torch.rand(1, 1, height, width, generator=generator)
            b = torch.rand(1, channels, height, width, generator=generator)
            fused = fuse_pair(method.cpu().eval(), a, b)
            require(
                fused.shape == b.shape,
                f"{width}x{height}, {channels} channels came back as {tuple(fused.shape)}",
                "set `multiple` to what the sides must be divisible by",
            )
    return "1x1, 5x7 and 50x33, gray and color"


@contract
def size_as_reported(method: FusionMethod, card: Card) -> str:
    """Parameters are within 1 % and MACs within 2 % of what the paper prints, unless the card says otherwise."""
    expect = card.expect
    if not expect:
        not_applicable("no size is reported for it")
    measured = {"parameters": parameter_count(method, expect.get("parameters_of", ""))}
    require_close(
        "parameters", measured["parameters"], expect["parameters"], expect.get("parameters_tolerance", 0.01)
    )
    mode = expect.get("count", "all")
    for size, reported in expect.get("macs", {}).items():
        width, height = map(int, size.split("x"))
        measured[size] = macs(method, height, width)[mode]
        require_close(
            f"MACs at {size} ({mode})", measured[size], reported, expect.get("macs_tolerance", 0.02)
        )
    return ", ".join(f"{name}: {value:,}" for name, value in measured.items())


def require_close(what: str, measured: float, reported: float, tolerance: float) -> None:
    gap = abs(measured - reported) / reported if reported else float(measured != 0)
    require(
        gap <= tolerance,
        f"{what}: {measured:,} here, {reported:,} reported, {gap:.1%} apart",
        f"come within {tolerance:.0%}, or state the reason in the card's xfail",
    )


@contract
def learns(method: FusionMethod, card: Card) -> str:
    """losses returns finite scalars by name, and every parameter gets a gradient from them."""
    if not method.trainable:
        not_applicable("no parameters")
    if not card.trainable:
        not_applicable("inference only, with its authors' weights")
    a, b = example(method, 64, 64)
    batch = PairBatch(torch.cat([a, a.flip(-1)]), torch.cat([b, b.flip(-2)]))
    method.train().zero_grad()
    terms = method.losses(batch)
    require(terms, "losses returned no term", "return scalars by name")
    for name, term in terms.items():
        require(
            term.ndim == 0 and torch.isfinite(term),
            f"loss term '{name}' is not a finite scalar",
            "return its mean, and check divisions and logarithms",
        )
    torch.stack(list(terms.values())).sum().backward()
    silent = [n for n, p in method.named_parameters() if p.requires_grad and p.grad is None]
    method.zero_grad()
    require(
        not silent, f"{len(silent)} parameters get no gradient, such as {silent[:3]}", "use or remove them"
    )
    return f"terms {', '.join(terms)}; every parameter has a gradient"


@torch.no_grad()
def fuse(method: FusionMethod, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    fused = method.eval().fuse(a, b)
    require(
        isinstance(fused, torch.Tensor),
        f"fuse returned {type(fused).__name__}",
        "return the fused image as a tensor",
    )
    return fused


def finite(method: FusionMethod, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the fused image, or end a check that would compare NaN with NaN as not applicable."""
    fused = fuse(method, a, b)
    if not torch.isfinite(fused).all():
        not_applicable("fuse returned NaN or infinity")
    return fused
