"""Fusing image files that belong to no data set."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from fusionbench.cells.fusing.forward import fuse_tensors, ready
from fusionbench.cells.fusing.fuse import seed_everything
from fusionbench.cells.outside.command import call_command, hand_over
from fusionbench.cells.outside.external import fused_image
from fusionbench.cells.progress import Reporter
from fusionbench.data.fused.fused_folder import find_fused
from fusionbench.data.images import PairImages, load_pair, write_image
from fusionbench.data.own.folder_pairs import pair_folders, reading_of
from fusionbench.data.pipeline import Writers, read_ahead
from fusionbench.data.raw_counts import sampled_warnings
from fusionbench.devices import pick_device
from fusionbench.errors import (
    DataNotFoundError,
    ImageError,
    PluginError,
    RequestError,
    UnknownNameError,
    WeightsError,
    in_one_line,
)
from fusionbench.files import check_writable
from fusionbench.method import FusionMethod
from fusionbench.metrics.memory import keep_freed_memory
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.registry.methods import spec
from fusionbench.types import FAMILIES, Pair
from fusionbench.weights.methods import Weights
from fusionbench.weights.published import available_weights, lacking_sentence, load_chosen


@dataclass(frozen=True)
class FileOptions:
    """How to fuse files; ``weights`` is "auto" (imported, published or shipped for the family), "random" or a path."""

    method: str
    family: str = "ir-vis"
    weights: str = "auto"
    device: str = "auto"
    seed: int = 0
    overrides: tuple[str, ...] = ()


def fuse_files(
    a: Path, b: Path, output: Path, options: FileOptions, reporter: Reporter | None = None
) -> Iterator[Path | ImageError]:
    """Fuse two images, or the pairs of two folders, and yield the path of each PNG as it is written.

    Two images give one file, ``output`` itself or a file in that folder; two folders give one file in the folder
    ``output`` for each name that both have. A pair with an image that cannot be used gives an ImageError in place of a
    path, and the others are fused. ``reporter`` receives warnings about sources and weights. Raises DataNotFoundError,
    RequestError, OutputError, WeightsError or PluginError.
    """
    reporter = reporter or Reporter()
    jobs = _jobs(a, b, output)
    _tell(jobs, reporter)
    method_spec = spec(options.method)
    if method_spec.card.command:
        method_spec.config(options.overrides)
        yield from _by_command(method_spec, jobs, pick_device(options.device))
        return
    keep_freed_memory()
    device = pick_device(options.device)
    method = ready(_built(options, reporter), device)
    with Writers() as writers:
        try:
            for ((pair, target),), (images,) in read_ahead([[job] for job in jobs], _load):
                if isinstance(images, ImageError):
                    yield images
                    continue
                writers.save(target, _fused(method, pair, images, device, options))
                yield from writers.written()
        except Exception:  # of a later pair: what was fused before is stored and told first
            yield from writers.written(0)
            raise
        yield from writers.written(0)


def _load(job: tuple[Pair, Path]) -> PairImages | ImageError:
    try:
        return load_pair(job[0])
    except ImageError as error:
        return error


def _fused(
    method: FusionMethod, pair: Pair, images: PairImages, device: str, options: FileOptions
) -> np.ndarray:
    # one pair at a time, seeded as a cell with batches of one is, so that both give the same image
    seed_everything(options.seed, [pair.id])
    try:
        return fuse_tensors(method, [images], device)[0].numpy()
    except PluginError:
        raise
    except Exception as error:  # a plug-in can raise anything
        traceback.print_exception(error)
        raise PluginError(f"{options.method} on '{pair.id}': {in_one_line(error)}") from error


def _tell(jobs: Sequence[tuple[Pair, Path]], reporter: Reporter) -> None:
    """Report how file names were matched, and which sources look like raw counts."""
    pairs = [pair for pair, _ in jobs]
    if len(pairs) > 1 and (sentence := reading_of(pairs)):
        reporter.say(sentence)
    for sentence in sampled_warnings(pairs):
        reporter.say(f"Warning: {sentence}")


def _jobs(a: Path, b: Path, output: Path) -> list[tuple[Pair, Path]]:
    for path in (a, b):
        if not path.exists():
            raise DataNotFoundError(f"'{path}' does not exist: give two images or two folders.")
    if a.is_dir() != b.is_dir():
        raise RequestError(f"'{a}' and '{b}' must both be images or both be folders.")
    if a.is_file() and a.samefile(b):
        raise RequestError(f"'{a}' is given twice: name two images, or two folders.")
    if a.is_file():
        target = output / f"{b.stem}.png" if output.is_dir() else output
        if target.suffix.lower() != ".png":
            raise RequestError(f"Output '{output}' must end in .png: fused images are stored without loss.")
        _check_apart(target, a, b)
        check_writable(target.parent)
        return [(Pair(b.stem, a, b), target)]
    return _folder_jobs(a, b, output)


def _folder_jobs(a: Path, b: Path, output: Path) -> list[tuple[Pair, Path]]:
    pairs = pair_folders(a, b, ("the first folder", "the second"))
    _check_apart(output, a, b)
    check_writable(output)
    return [(pair, output / f"{pair.id}.png") for pair in pairs]


def _check_apart(target: Path, *sources: Path) -> None:
    """Raise RequestError if fused images would be written over their sources, or between them."""
    if target.exists() and any(target.samefile(source) for source in sources):
        raise RequestError(
            f"'{target}' is a source, and fused images would be written over it: give another --output."
        )


def _by_command(
    method: MethodSpec, jobs: Sequence[tuple[Pair, Path]], device: str
) -> Iterator[Path | ImageError]:
    with TemporaryDirectory(prefix="fusionbench-") as folder:
        handed = []
        for pair, target in jobs:
            try:
                hand_over(pair, Path(folder))
                handed.append((pair, target))
            except ImageError as error:
                yield error
        if not handed:
            return
        call_command(method, Path(folder), device)
        fused = find_fused(Path(folder) / "out", [pair for pair, _ in handed])
        for pair, target in handed:
            try:
                write_image(target, fused_image(fused, pair))
                yield target
            except ImageError as error:
                yield error


def _built(options: FileOptions, reporter: Reporter) -> FusionMethod:
    """Return the method with its weights loaded. Raises WeightsError if there are none."""
    if options.family not in FAMILIES:
        raise UnknownNameError("family", options.family, FAMILIES)
    method_spec = spec(options.method)
    if method_spec.external:
        raise RequestError(
            "images:DIR is a folder of images that are fused already: name a method that can fuse pairs."
        )
    config = method_spec.config(options.overrides)
    torch.manual_seed(options.seed)
    method = method_spec.build(config.args)
    if not method.trainable or options.weights == "random":
        return method
    if options.weights != "auto":
        load_chosen(method_spec, method, Weights("file", Path(options.weights).expanduser()))
        return method
    known = available_weights(method_spec, options.family, config.args)
    if known is None and not method_spec.card.trainable:
        raise WeightsError(lacking_sentence(method_spec, options.family, config.args))
    if known is None:
        raise WeightsError(
            f"{method_spec.name} has no weights for {options.family}: train it and name the file with --weights, "
            f"or register a file with `fusionbench weights import FILE --method {method_spec.name}`."
        )
    if known.terms:
        reporter.say(f"{method_spec.name}: {known.terms}")
    load_chosen(method_spec, method, known)
    return method
