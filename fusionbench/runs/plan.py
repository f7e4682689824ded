"""Planning: check a whole request (names, families, data) before any work and report all of its problems at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from fusionbench.cells.planned import PlannedCell, RunOptions
from fusionbench.data.fused.fused_folder import find_fused
from fusionbench.data.noise.setting import read_noise
from fusionbench.data.own.modalities import actual_folder
from fusionbench.data.pairs import Split, data_root, find_split
from fusionbench.data.registry import dataset, datasets
from fusionbench.data.spec import canonical
from fusionbench.errors import ConfigError, DataNotFoundError, FusionbenchError, PlanError, RequestError
from fusionbench.files import folder_name
from fusionbench.registry.cards import Card
from fusionbench.registry.method_spec import MethodSpec, check_family
from fusionbench.registry.methods import card, names, spec
from fusionbench.types import FAMILIES

DEFAULT_BASELINES = ("visible", "infrared", "average", "maximum", "noisy_average")
METHOD_GROUPS: dict[str, Callable[[Card], bool]] = {
    "all": lambda card: True,
    "baselines": lambda card: card.kind in ("trivial", "classical"),
    "learned": lambda card: card.kind == "learned" and card.trainable,
    "deep": lambda card: card.kind == "learned" and not card.trainable,
}


@dataclass(frozen=True)
class Plan:
    """The planned cells in order, the request with names and device resolved, and what was left out.

    ``skipped`` are (data set, method, reason) of methods whose family does not fit. ``broken`` says why methods and data
    sets that nobody named are left out: a broken plug-in must not stop a run of a group. ``left_out`` says on which data sets
    methods that were named are not run.
    """

    cells: tuple[PlannedCell, ...]
    options: RunOptions
    skipped: tuple[tuple[str, str, str], ...] = ()
    broken: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class Lookup:
    """Cached look-ups of methods, configurations and splits, so that the runs of a sweep read each of them once."""

    def __init__(self) -> None:
        self.spec = functools.cache(spec)
        self.config = functools.cache(lambda reference, *chosen: self.spec(reference).config(*chosen))
        self.split = functools.cache(lambda name, *where: find_split(dataset(name), *where))


def make_plan(options: RunOptions, lookup: Lookup | None = None) -> Plan:
    """Return the cells that the options name. Raises PlanError with a sentence for every problem."""
    problems = [] if options.method and options.dataset else ["Nothing to run: name a method and a data set."]
    noise = read_noise(options.noise)
    sources = [dataset(name).name for name in (options.train_dataset or "").split(",") if name.strip()]
    varied = options.setting or (f"from={'+'.join(sources)}" if sources else "")
    lookup = lookup or Lookup()
    broken: list[str] = []
    methods = _methods(options, lookup, problems, broken)
    splits = _splits(options, lookup, problems, broken)
    cells, skipped = [], []
    misfits = _misfits(methods, splits, problems)
    splits = [split for split in splits if _fits_somebody(split, methods, misfits)]
    for split in splits:
        for method, overrides, asked_by_name in methods:
            # baselines that were added by default or as a group do not depend on what a sweep varies: without its
            # setting they are the same cell in each of its runs, and are computed once
            setting = varied if asked_by_name or method.card.kind == "learned" else ""
            try:
                check_family(method, split.spec.name, split.spec.family)
            except RequestError as error:
                skipped.append((split.spec.name, method.name, str(error)))
                continue
            if noise and method.external:
                problems.append(_fused_already(method))
                continue
            if method.external and (wrong := _without_images(method, split)):
                problems.append(wrong)
                continue
            config = lookup.config(method.reference, overrides, "+".join(sources) or split.spec.name)
            cells.append(PlannedCell(method, config, split, setting, noise))
    if not cells and not problems:
        problems = [reason for *_, reason in skipped] or ["Nothing to run: name a method and a data set."]
    problems += unusable_names(cells)
    if problems:
        raise PlanError(problems)
    left_out = [
        f"{name} is not run on {', '.join(others)}: {why}." for name, (others, why) in misfits.items()
    ]
    return Plan(tuple(cells), options, tuple(skipped), tuple(dict.fromkeys(broken)), tuple(left_out))


Methods = list[tuple[MethodSpec, tuple[str, ...], bool]]


def _misfits(methods: Methods, splits: list[Split], problems: list[str]) -> dict[str, tuple[list[str], str]]:
    """Return, for each method named by the user, the data sets of families that it does not fuse, with the reason.

    A method that fits none of the data sets is added to ``problems`` instead.
    """
    misfits: dict[str, tuple[list[str], str]] = {}
    for method in (method for method, _, named in methods if named):
        families = method.card.families
        others = [split.spec for split in splits if split.spec.family not in families]
        if others and len(others) == len(splits):
            try:
                check_family(method, others[0].name, others[0].family)
            except RequestError as error:
                problems.append(str(error))
        elif others:
            misfits[method.name] = [other.name for other in others], f"it fuses {', '.join(families)}"
    return misfits


def _fits_somebody(split: Split, methods: Methods, misfits: dict[str, tuple[list[str], str]]) -> bool:
    """Tell whether a method other than default baselines runs on a split; for baselines alone it is left out."""
    named = [method.name for method, _, asked in methods if asked]
    grouped = any(not asked and method.card.kind == "learned" for method, _, asked in methods)
    return (
        grouped or not named or any(split.spec.name not in misfits.get(name, ([], ""))[0] for name in named)
    )


def _without_images(method: MethodSpec, split: Split) -> str:
    """Return a sentence on a folder of fused images that has an image for none of a split's pairs, else an empty text."""
    fused = find_fused(method.source, split.pairs)
    if fused.files or not split.pairs:
        return ""
    if fused.conflicts:
        return f"--method {method.reference}: {fused.conflicts[0]}"
    images = f"{len(fused.extra)} images, none of them named" if fused.extra else "no image, named"
    example = split.pairs[0].id
    hint = f" ({fused.hint})" if fused.hint else ""
    return (
        f"--method {method.reference}: the folder holds {images} as a pair of {split.spec.name} {split.name} "
        f"is{hint}: expected names like '{example}.png'."
    )


def _fused_already(method: MethodSpec) -> str:
    return (
        f"'{method.reference}' are images that were fused already: noise cannot be added to their sources any more, "
        "leave them out."
    )


def _methods(options: RunOptions, lookup: Lookup, problems: list[str], broken: list[str]) -> Methods:
    """Return (method, its overrides, whether the user named it), each method once, default baselines last.

    An error in a method is added to ``problems`` if the user named it, else to ``broken``.
    """
    wanted = [(name, True) for name in options.method if name.lower() not in METHOD_GROUPS]
    for group in (name.lower() for name in options.method if name.lower() in METHOD_GROUPS):
        members, unreadable = _members(group)
        wanted += [(name, False) for name in members]
        broken += unreadable
    if options.baselines:
        wanted += [(name, False) for name in DEFAULT_BASELINES]
    chosen: dict[str, tuple[MethodSpec, tuple[str, ...], bool]] = {}
    for reference, named in wanted:
        try:
            method = lookup.spec(reference)
            overrides = options.overrides if named else ()
            lookup.config(
                reference, overrides
            )  # now, so that a wrong key is among the problems reported together
        except FusionbenchError as error:
            (problems if named else broken).append(str(error))
            continue
        first = chosen.setdefault(method.name, (method, overrides, named))[0]
        if first.source != method.source:
            problems.append(
                f"'{first.reference}' and '{method.reference}' would both be called '{method.name}': rename one."
            )
    return list(chosen.values())


def group_members(group: str) -> list[str]:
    """Return the names of the registered methods of a group: all, learned, deep or baselines.

    "baselines" are the trivial and classical methods, "learned" the methods that can be trained here, "deep" published
    networks with their authors' weights. A method whose card cannot be read belongs to no group.
    """
    return _members(group)[0]


def _members(group: str) -> tuple[list[str], list[str]]:
    """Return the names of a group's methods, and a sentence for each method whose card cannot be read."""
    members, unreadable = [], []
    for name in names():
        try:
            if METHOD_GROUPS[group](card(name)):
                members.append(name)
        except FusionbenchError as error:
            unreadable.append(str(error))
    return members, unreadable


def _splits(options: RunOptions, lookup: Lookup, problems: list[str], broken: list[str]) -> list[Split]:
    splits: dict[str, Split] = {}
    for asked in options.dataset:
        for name in expand_dataset(asked, options, problems, broken):
            try:
                split = lookup.split(name, options.split, options.data_root, options.limit)
                first = splits.setdefault(split.spec.name, split)
                if first.root != split.root:
                    problems.append(
                        f"'{first.root}' and '{split.root}' would both be called '{split.spec.name}': rename one."
                    )
            except FusionbenchError as error:
                problems.append(str(error))
    return list(splits.values())


def expand_dataset(asked: str, options: RunOptions, problems: list[str], broken: list[str]) -> list[str]:
    """Return the data sets that a name, a family or ``all`` stands for; the latter two mean those on this machine.

    Errors are added to ``problems``, and to ``broken`` the reasons why data sets of a family are left out that are here.
    """
    name = canonical(asked)
    if name not in (*FAMILIES, "all"):
        try:
            known = dataset(asked.strip())
            # the user's own keep their path: two of one name are told apart by it, and reported
            return [known.name if known.name in datasets() else asked.strip()]
        except FusionbenchError as error:
            problems.append(str(error))
            return []
    candidates = [
        d.name for d in datasets().values() if name in ("all", d.family) and options.split in d.splits
    ]
    absent = {name: reason for name in candidates if (reason := _absent(name, options)) is not None}
    present = [name for name in candidates if name not in absent]
    unusable = [reason for reason in absent.values() if reason]
    broken += unusable
    if not present:
        where = f"point --data-root at the folder that holds {', '.join(candidates)}"
        problems += unusable or [f"No data set of '{asked}' is here: {where}."]
    return present


def _absent(name: str, options: RunOptions) -> str | None:
    """Return None for a data set that is here, else why its folder cannot be used; an empty text without a folder."""
    spec = dataset(name)
    try:
        find_split(spec, options.split, options.data_root)
    except DataNotFoundError as error:
        return str(error) if actual_folder(data_root(options.data_root), Path(spec.folder)).is_dir() else ""
    return None


def unusable_names(cells: Iterable[PlannedCell]) -> list[str]:
    """Return one sentence for each row whose name cannot be the name of a folder."""
    problems = []
    for name in dict.fromkeys(cell.name for cell in cells):
        try:
            folder_name(name)
        except RequestError as error:
            problems.append(str(error))
    return problems


def wrong_arguments(cells: Iterable[PlannedCell]) -> list[str]:
    """Return one sentence for each method whose class does not take its arguments.

    This imports the methods. One that cannot be imported is not reported, because only its own cells fail.
    """
    problems = []
    for cell in {cell.method.name: cell for cell in cells if cell.config.args}.values():
        try:
            cell.method.build(cell.config.args)
        except ConfigError as error:
            problems.append(str(error))
        except FusionbenchError:
            continue
    return problems
