"""Examining an installation: packages, hardware, data, methods, weights, folders; without torch or code of plug-ins."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from platformdirs import user_cache_dir

import fusionbench
from fusionbench.data.pairs import data_root as resolve_root
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import datasets
from fusionbench.data.spec import DatasetSpec
from fusionbench.devices import cuda_devices
from fusionbench.doctor.plugins import Plugin, dataset_plugins, metric_plugins, plugins
from fusionbench.errors import DataNotFoundError, FusionbenchError
from fusionbench.metrics import cards
from fusionbench.metrics.learned.fetch import file_states
from fusionbench.metrics.learned.weight_files import fetch_hint
from fusionbench.provenance import cpu_model, git_state, gpu_driver, nvidia_smi, package_version
from fusionbench.providers import (
    damaged_packages,
)
from fusionbench.weights.listing import known_weights, verify_entry
from fusionbench.weights.methods import weights_folder

NEEDED = (
    "torch", "pytorch-lightning", "numpy", "numba", "scipy", "kornia", "timm", "open_clip_torch", "pyiqa", "pandas",
    "setuptools", "safetensors", "pillow",
)  # fmt: skip
COMPROMISED = ("2.6.2", "2.6.3")  # releases of pytorch-lightning whose packages had been tampered with
GIB = 2**30
LITTLE = 2  # GiB of free space below which the images of a large split may not fit


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``state`` is "ok", "warning" (works, but deserves attention) or "broken"."""

    section: str
    name: str
    state: str
    text: str


def examine(data_root: str | None = None) -> list[Finding]:
    """Return all findings in the order of sections; an error in one section does not hide the others."""
    sections: dict[str, Callable[[], Iterator[tuple[str, str, str]]]] = {
        "packages": _packages,
        "hardware": _hardware,
        "data sets": lambda: _data(data_root),
        "methods": _methods,
        "metrics": _metrics,
        "weights": _weights,
        "metric weights": _metric_weights,
        "folders": lambda: _folders(data_root),
    }
    return [Finding(title, *line) for title, look in sections.items() for line in _guarded(look)]


def _guarded(look: Callable[[], Iterator[tuple[str, str, str]]]) -> Iterator[tuple[str, str, str]]:
    try:
        yield from look()
    except Exception as error:  # of any kind: a report that ends at the first fault would be useless
        yield "", "broken", f"{type(error).__name__}: {error}"


def _packages() -> Iterator[tuple[str, str, str]]:
    yield "python", "ok", platform.python_version()
    git = git_state()
    yield "fusionbench", "ok", fusionbench.__version__ + (f", checkout {git}" if git else "")
    for name in NEEDED:
        yield name, *_judge_package(name, package_version(name))
    for problem in damaged_packages():
        yield "not usable", "broken", problem


def _judge_package(name: str, version: str | None) -> tuple[str, str]:
    if version is None:
        return "broken", f"not installed: `{sys.executable} -m pip install {name}`"
    if name == "pytorch-lightning" and version in COMPROMISED:
        return (
            "broken",
            f"{version} is a compromised release: uninstall it and change what it could have read",
        )
    if name == "setuptools" and int(version.partition(".")[0]) >= 81:
        return (
            "warning",
            f"{version}: pyiqa's CLIP metrics need pkg_resources, which 81 dropped; install setuptools<81",
        )
    return "ok", version


def _hardware() -> Iterator[tuple[str, str, str]]:
    memory = psutil.virtual_memory()
    yield (
        "cpu",
        "ok",
        f"{cpu_model()}, {os.cpu_count()} threads, {psutil.cpu_count(logical=False) or '?'} cores",
    )
    yield "memory", "ok", f"{memory.total / GIB:.1f} GiB, {memory.available / GIB:.1f} GiB available"
    cards, usable = nvidia_smi("name", "memory.total"), cuda_devices()
    for number, facts in enumerate(cards):
        yield f"gpu {number}", "ok", f"{', '.join(facts)}, driver {gpu_driver()}"
    if usable:
        yield "cuda devices", "ok", str(usable)
    elif cards:
        remedy = "install a torch built for CUDA, or look at CUDA_VISIBLE_DEVICES"
        yield "cuda devices", "warning", f"torch will use none of {len(cards)} GPUs: {remedy}"
    else:
        yield "cuda devices", "ok", "none, the CPU is used"


def _data(data_root: str | None) -> Iterator[tuple[str, str, str]]:
    root = resolve_root(data_root)
    absent = []
    for data in datasets().values():
        if data.generated:
            yield data.name, "ok", "generated on first use"
        elif (root / data.folder).is_dir():
            for split in data.splits:
                yield f"{data.name} {split}", *_count(data, split, root)
        else:
            absent.append(data.name)
    if absent:
        yield "not here", "ok", ", ".join(absent)
    for plugin in dataset_plugins():
        yield plugin.name, *_judge(plugin)


def _count(spec: DatasetSpec, split: str, root: Path) -> tuple[str, str]:
    try:
        pairs, expected = len(find_split(spec, split, root).pairs), spec.splits[split].count
    except DataNotFoundError:
        prepare = f": `fusionbench data prepare {spec.name}`" if spec.prepare else ""
        return "ok", f"not {'prepared' if prepare else 'here'}{prepare}"
    except FusionbenchError as error:
        return "broken", str(error)
    if expected and pairs < expected:
        return "ok", f"partial, {pairs} of {expected} pairs"
    return "ok", f"{pairs} pairs" + ("" if expected else ", their full number is not known")


def _methods() -> Iterator[tuple[str, str, str]]:
    methods = plugins()
    built_in = [plugin.name for plugin in methods if plugin.built_in and not plugin.problem]
    yield "built in", "ok", ", ".join(built_in)
    for plugin in methods:
        if plugin.problem or not plugin.built_in:
            yield plugin.name, *_judge(plugin)


def _metrics() -> Iterator[tuple[str, str, str]]:
    metrics = metric_plugins()
    theirs = {plugin.name for plugin in metrics}
    yield "built in", "ok", ", ".join(name for name in cards() if name not in theirs)
    for plugin in metrics:
        yield plugin.name or "not usable", *_judge(plugin)


def _judge(plugin: Plugin) -> tuple[str, str]:
    """Return state and text of a plug-in; the problem of one without a name already names its provider."""
    origin = "built in" if plugin.built_in else f"plug-in {plugin.origin}"
    if plugin.problem:
        return "broken", f"{origin}: {plugin.problem}" if plugin.name else plugin.problem
    return "ok", origin


def _weights() -> Iterator[tuple[str, str, str]]:
    for entry in map(verify_entry, known_weights()):
        about = f"{', '.join(entry.families)} {entry.source}".strip()
        if entry.path and not entry.problem:
            yield entry.method, "ok", f"{about}, SHA-256 {str(entry.sha256)[:10]} verified"
        elif entry.path or (entry.problem and entry.source == "imported"):
            yield entry.method, "broken", f"{about}: {entry.problem}"
        elif entry.command:
            yield entry.method, "ok", f"{about}: `{entry.command}`"


def _metric_weights() -> Iterator[tuple[str, str, str]]:
    for state in file_states():
        known, users = state.known, f"for {', '.join(state.known.used_by)}"
        if state.problem:
            yield known.name, "broken", f"{users}: {state.problem}"
        elif state.state == "missing":
            yield known.name, "ok", f"{users}, missing: {fetch_hint(known)}"
        elif state.trusted:
            yield known.name, "warning", f"{users}, {state.path}: trusted, though not the published file"
        else:
            verified = "verified" if known.sha256 else "(its publisher states none)"
            yield known.name, "ok", f"{users}, SHA-256 {str(state.sha256)[:10]} {verified}"


def _folders(data_root: str | None) -> Iterator[tuple[str, str, str]]:
    cache = Path(os.environ.get("FUSIONBENCH_CACHE") or user_cache_dir("fusionbench"))
    yield "data root", *_space(resolve_root(data_root), written=False)
    yield "cache", *_space(cache)
    yield "imported weights", *_space(weights_folder())
    yield "here", *_space(Path.cwd())


def _space(folder: Path, written: bool = True) -> tuple[str, str]:
    """Return state and text of a folder, judged by its nearest existing parent, because it is created when needed."""
    folder = folder.absolute()
    base = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(base).free / GIB
    said = f"{folder}{'' if folder.exists() else ' (not there yet)'}, {free:.1f} GiB free"
    if written and not os.access(base, os.W_OK):
        return "warning", f"{said}, cannot be written to"
    return ("warning" if written and free < LITTLE else "ok"), said
