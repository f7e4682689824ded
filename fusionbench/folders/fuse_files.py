"""Fuse images that belong to no data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from fusionbench.cells.command import call_command, hand_over
from fusionbench.cells.device import pick_device
from fusionbench.cells.external import fused_image
from fusionbench.cells.fuse import fuse_arrays
from fusionbench.cells.progress import Reporter
from fusionbench.data.counts import sampled_warnings
from fusionbench.data.fused_folder import find_fused
from fusionbench.data.images import load_pair, write_image
from fusionbench.data.pairs import list_images
from fusionbench.errors import DataNotFoundError, RequestError, UnknownNameError, WeightsError
from fusionbench.method import FusionMethod
from fusionbench.registry.methods import MethodSpec, spec
from fusionbench.types import FAMILIES, Pair
from fusionbench.weights.methods import imported_weights, load_weights, shipped_weights


@dataclass(frozen=True)
class FileOptions:
    """How to fuse files; ``weights`` is auto (imported or shipped for the family), random or a path."""

    method: str
    family: str = "ir-vis"
    weights: str = "auto"
    device: str = "auto"
    seed: int = 0
    overrides: tuple[str, ...] = ()


def fuse_files(
    a: Path, b: Path, output: Path, options: FileOptions, reporter: Reporter | None = None
) -> Iterator[Path]:
    """Yield the path of each fused PNG as it is written; ``reporter`` hears what is odd about the sources.

    Two images give one file (a PNG under ``output``'s name), two folders one file for each name in both. Raises
    DataNotFoundError, RequestError, ImageError, WeightsError or PluginError.
    """
    jobs = _jobs(a, b, output)
    for sentence in sampled_warnings([pair for pair, _ in jobs]):
        (reporter or Reporter()).say(f"Warning: {sentence}")
    found = spec(options.method)
    if found.card.command:
        found.config(options.overrides)
        yield from _by_command(found, jobs, pick_device(options.device))
        return
    method = _ready(options)
    device = pick_device(options.device)
    method.to(device)
    for pair, target in jobs:
        write_image(target, fuse_arrays(method, [load_pair(pair)], device)[0])
        yield target


def _jobs(a: Path, b: Path, output: Path) -> list[tuple[Pair, Path]]:
    for path in (a, b):
        if not path.exists():
            raise DataNotFoundError(f"'{path}' does not exist: give two images or two folders.")
    if a.is_dir() != b.is_dir():
        raise RequestError(f"'{a}' and '{b}' must both be images or both be folders.")
    if a.is_file():
        target = output / f"{b.stem}.png" if output.is_dir() else output
        if target.suffix.lower() != ".png":
            raise RequestError(f"Output '{output}' must end in .png: fused images are stored without loss.")
        target.parent.mkdir(parents=True, exist_ok=True)
        return [(Pair(b.stem, a, b), target)]
    return _folder_jobs(a, b, output)


def _folder_jobs(a: Path, b: Path, output: Path) -> list[tuple[Pair, Path]]:
    in_a, in_b = list_images(a, "*"), list_images(b, "*")
    common = [stem for stem in in_a if stem in in_b]
    alone = sorted(in_a.keys() ^ in_b.keys())
    if alone:
        raise DataNotFoundError(
            f"{len(alone)} images of '{a}' and '{b}' have no partner of that name, such as '{alone[0]}': complete or remove them."
        )
    if not common:
        raise DataNotFoundError(f"No images in '{a}' and '{b}': give folders with images of equal names.")
    output.mkdir(parents=True, exist_ok=True)
    return [(Pair(stem, in_a[stem], in_b[stem]), output / f"{stem}.png") for stem in common]


def _by_command(found: MethodSpec, jobs: list[tuple[Pair, Path]], device: str) -> Iterator[Path]:
    pairs = [pair for pair, _ in jobs]
    with TemporaryDirectory(prefix="fusionbench-") as folder:
        for pair in pairs:
            hand_over(pair, Path(folder))
        call_command(found, Path(folder), device)
        fused = find_fused(Path(folder) / "out", pairs)
        for pair, target in jobs:
            write_image(target, fused_image(fused, pair))
            yield target


def _ready(options: FileOptions) -> FusionMethod:
    """Build the method and load its weights."""
    if options.family not in FAMILIES:
        raise UnknownNameError("family", options.family, FAMILIES)
    found = spec(options.method)
    if found.external:
        raise RequestError("images:DIR holds images that are fused already: name a method that computes.")
    config = found.config(options.overrides)
    torch.manual_seed(options.seed)
    method = found.build(config.args)
    if not method.trainable or options.weights == "random":
        return method
    if options.weights != "auto":
        load_weights(method, Path(options.weights).expanduser())
        return method
    wanted = found, options.family, config.args
    known = imported_weights(*wanted) or shipped_weights(*wanted)
    if known is None:
        raise WeightsError(
            f"{found.name} has no weights for {options.family}: train it and name the file with --weights, "
            f"or register a file with `fusionbench weights import FILE --method {found.name}`."
        )
    load_weights(method, known.path)
    return method
