"""Methods that are a command: they get the sources as folders of PNG files and write the fused images."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fusionbench.cells.outside.external import take_missing
from fusionbench.cells.planned import Done, Failure
from fusionbench.cells.store import Cell
from fusionbench.data.images import PairImages, load_pair, write_image
from fusionbench.errors import DataNotFoundError, ImageError, PluginError
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.types import Pair

# in a cell's folder while its command runs; kept afterwards only if results could not be used
FOLDER = "command"


def run_command(
    method: MethodSpec,
    pairs: Sequence[Pair],
    cell: Cell,
    device: str,
    done: Done,
    load: Callable[[Pair], PairImages] = load_pair,
) -> dict[str, Failure]:
    """Fuse the pairs without an image by one call of the command; return the failures by pair id.

    ``load`` reads the sources. Raises PluginError if the command cannot be started, ends with an exit code other than 0
    or removes its output folder.
    """
    folder = cell.path / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    failures: dict[str, Failure] = {}
    stored = cell.stored()
    for pair in [pair for pair in pairs if pair.id not in stored]:
        try:
            hand_over(pair, folder, load)
        except ImageError as error:
            failures[pair.id] = Failure("failed", str(error))
            done(pair.id, failures[pair.id])
    left = [pair for pair in pairs if pair.id not in stored and pair.id not in failures]
    if left:
        call_command(method, folder, device)
        failures |= _take(method, left, cell, done)
    drop_sources(cell.path)
    if not failures:
        shutil.rmtree(folder, ignore_errors=True)
    return failures


def _take(method: MethodSpec, pairs: Sequence[Pair], cell: Cell, done: Done) -> dict[str, Failure]:
    try:
        return take_missing(cell.path / FOLDER / "out", pairs, cell, done)
    except DataNotFoundError as error:
        raise PluginError(
            f"The command of {method.name} removed its output folder: let it write there."
        ) from error


def hand_over(pair: Pair, folder: Path, load: Callable[[Pair], PairImages] = load_pair) -> None:
    """Write a pair's sources to ``a`` and ``b`` below the folder as 8-bit PNG. Raises ImageError for unreadable sources."""
    images = load(pair)
    write_image(folder / "a" / f"{pair.id}.png", _to_8_bit(images.a))
    write_image(folder / "b" / f"{pair.id}.png", _to_8_bit(images.b))


def drop_sources(cell: Path) -> None:
    """Delete the sources that were written for a command, if there are any."""
    for name in ("a", "b"):
        shutil.rmtree(cell / FOLDER / name, ignore_errors=True)


def _to_8_bit(image: np.ndarray) -> np.ndarray:
    return (image * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def call_command(method: MethodSpec, folder: Path, device: str) -> None:
    """Run the command in the method's own folder on the sources below ``folder``; it writes its images to ``out`` there.

    Its output is copied to standard error. Raises PluginError as `run_command` does.
    """
    places = {name: folder.absolute() / name for name in ("a", "b", "out")}
    places["out"].mkdir(parents=True)
    command = [_filled(part, {"python": sys.executable, **places}) for part in method.card.command]
    try:
        process = subprocess.Popen(
            command,
            cwd=method.source,
            env=_environment(device),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        raise PluginError(
            f"The command '{command[0]}' of {method.name} cannot be started ({error.strerror}): install it, or "
            f"fix {method.source / 'card.yaml'}."
        ) from error
    with process:
        last = _pass_on(process)
    if process.returncode:
        ended = (
            f"exit code {process.returncode}" if process.returncode > 0 else f"signal {-process.returncode}"
        )
        raise PluginError(f"The command of {method.name} ended with {ended}: {last or 'it printed nothing'}")


def _pass_on(process: subprocess.Popen[bytes]) -> str:
    """Copy a command's output to standard error as it arrives and return its last non-empty line."""
    last = ""
    for line in process.stdout or ():  # it was started with a pipe
        sys.stderr.write(line.decode(errors="replace"))
        sys.stderr.flush()
        # progress bars rewrite a line with carriage returns: only the text after the last one is on the screen
        last = next(
            (part for part in reversed(line.decode(errors="replace").split("\r")) if part.strip()), last
        )
    return last.strip()


def _filled(part: str, values: dict[str, object]) -> str:
    # not str.format, because braces are common in shell and Octave commands
    for name, value in values.items():
        part = part.replace(f"{{{name}}}", str(value))
    return part


def _environment(device: str) -> dict[str, str]:
    """Return this process's environment, in which the command sees only the GPU of its slot."""
    index = device.partition(":")[2]
    if not index:
        return dict(os.environ)
    # torch counts devices within CUDA_VISIBLE_DEVICES, so the index of "cuda:1" is looked up in that list
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return {**os.environ, "CUDA_VISIBLE_DEVICES": seen.split(",")[int(index)] if seen else index}
