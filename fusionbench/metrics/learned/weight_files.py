"""The files of weights that metrics need: content, origin and place. Does not load torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fusionbench.data.manifest import file_hashes
from fusionbench.errors import ImageError, WeightsError
from fusionbench.spelling import spelled
from fusionbench.weights.checkpoints import METRICS_FOLDER, is_torchscript, weights_folder

_CLIP = "https://openaipublic.azureedge.net/clip/models"
_PYIQA = "https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main"


@dataclass(frozen=True)
class WeightFile:
    """A file that metrics load; no such file is part of this package.

    ``name`` is its name on the command line, ``file`` that in the folder. ``used_by`` are names of metrics, ``purpose``
    says what it contains. ``size`` is its approximate size in bytes. ``sha256`` is None if its publisher states none,
    ``url`` if it is not published. ``check`` is a function "module:name" that takes the path and raises WeightsError if
    the tensors do not fit.
    """

    name: str
    file: str
    used_by: tuple[str, ...]
    purpose: str
    licence: str
    url: str | None = None
    size: int | None = None
    sha256: str | None = None
    note: str = ""
    check: str | None = None


_FILES = (
    WeightFile(
        name="liqe-koniq",
        file="liqe_koniq.pt",
        used_by=("LIQE",),
        purpose="LIQE trained on KonIQ-10k: a whole CLIP ViT-B/32, fine-tuned",
        licence="CC BY-NC-SA 4.0",
        url=f"{_PYIQA}/liqe_koniq.pt",
        size=605_000_000,
        check="fusionbench.metrics.learned.iqa_models:check_liqe",
    ),
    WeightFile(
        name="liqe-mix",
        file="liqe_mix.pt",
        used_by=("LIQE-mix",),
        purpose="LIQE trained on six data sets at once: a whole CLIP ViT-B/32, fine-tuned",
        licence="CC BY-NC-SA 4.0",
        url=f"{_PYIQA}/liqe_mix.pt",
        size=605_000_000,
        check="fusionbench.metrics.learned.iqa_models:check_liqe",
    ),
    WeightFile(
        name="clip-rn50",
        file="RN50.pt",
        used_by=("CLIP-IQA",),
        purpose="OpenAI's CLIP RN50, image and text tower",
        licence="MIT",
        url=f"{_CLIP}/afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762/RN50.pt",
        sha256="afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762",
        size=256_000_000,
        note="a TorchScript archive",
        check="fusionbench.metrics.learned.iqa_models:check_clip_iqa",
    ),
    WeightFile(
        name="clip-vit-l-14-336",
        file="ViT-L-14-336px.pt",
        used_by=("CMMD",),
        purpose="OpenAI's CLIP ViT-L/14 at 336 pixels, image and text tower",
        licence="MIT",
        url=f"{_CLIP}/3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02/ViT-L-14-336px.pt",
        sha256="3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
        size=891_000_000,
        note="a TorchScript archive",
        check="fusionbench.metrics.learned.towers:check_vit_l_14_336",
    ),
    WeightFile(
        name="remoteclip-rn50",
        file="RemoteCLIP-RN50.pt",
        used_by=("CMMDF",),
        purpose="RemoteCLIP RN50, image and text tower as open_clip writes them, trained on optical remote sensing",
        licence="Apache-2.0",
        url="https://huggingface.co/chendelong/RemoteCLIP/resolve/main/RemoteCLIP-RN50.pt",
        size=408_000_000,
        check="fusionbench.metrics.learned.towers:check_rn50",
    ),
    WeightFile(
        name="sarclip-rn50",
        file="SARCLIP-RN50.pt",
        used_by=("CMMDF",),
        purpose="SARCLIP RN50 (Wang et al., TGRS 2025), image and text tower as open_clip writes them",
        licence="unknown",
        size=408_000_000,
        note="no public place is known: ask its authors; CAESAR-Radi's SARCLIP is another work of that name",
        check="fusionbench.metrics.learned.towers:check_rn50",
    ),
)
KNOWN: Mapping[str, WeightFile] = {known.name: known for known in _FILES}


def weight_file(name: str) -> WeightFile:
    """Return a known file by name; case is ignored, hyphens equal underscores. Raises UnknownNameError for others."""
    return KNOWN[spelled(name, KNOWN, "file of metric weights")]


def place_of(known: WeightFile) -> Path:
    """Return the path at which a file is expected, whether it exists or not."""
    return weights_folder() / METRICS_FOLDER / known.file


def find_weights(name: str) -> Path:
    """Return the path of a file after checking it.

    The file may have been put there by hand. If a SHA-256 is known, from the publisher or from the import, the file must
    have it; an archive with code is accepted only with such a hash. Raises WeightsError, naming the command that gets
    the file, if it is missing or differs.
    """
    known = weight_file(name)
    path = place_of(known)
    if not path.is_file():
        raise WeightsError(f"{known.file} ({known.name}) is not here: {fetch_hint(known)}.")
    problem = problem_of(known)
    if problem:
        raise WeightsError(problem)
    return path


def made_with(names: Iterable[str]) -> str:
    """Return names and SHA-256 of the present files as text, to be stored with the scores made with them."""
    places = [place_of(weight_file(name)) for name in names]
    return ", ".join(f"{path.name} {hash_of(path)[:10]}" for path in places)


def fetch_hint(known: WeightFile) -> str:
    """Return the end of a sentence on how to get a file to its place."""
    own = f"`fusionbench weights import FILE --as {known.name}` takes a file that you have"
    if known.url is None:
        return f"{own}, to {place_of(known)}"
    return f"`fusionbench weights fetch {known.name}` downloads it to {place_of(known)}, {own}"


def problem_of(known: WeightFile) -> str | None:
    """Return what is wrong with a present file, None if it is accepted."""
    path = place_of(known)
    digest, about = hash_of(path), about_file(path)
    remembered = about.get("sha256") if known.sha256 is None or about.get("trusted") else None
    accepted = {str(stated) for stated in (known.sha256, remembered) if stated is not None}
    if accepted and digest not in accepted:
        stated = " or ".join(sorted(text[:10] for text in accepted))
        return f"{path} has SHA-256 {digest[:10]}, not {stated}: {fetch_hint(known)}."
    if not accepted and is_torchscript(path):
        return f"{path} contains code of unknown origin: import it again with --trust if you made it."
    return None


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, read again only after it changed. Raises WeightsError if it cannot be read."""
    try:
        status = path.stat()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}): check the file.") from error
    return _hash_once(path, status.st_size, status.st_mtime_ns)


@cache
def _hash_once(path: Path, size: int, changed: int) -> str:
    """Return the hash, cached in this process, which asks for every image, and on disk for other processes."""
    try:
        return file_hashes(path.parent, [path])[path]
    except ImageError as error:
        raise WeightsError(str(error)) from error


def about_file(path: Path) -> dict[str, Any]:
    """Return what the import noted about a file, empty if it was put there by hand. Raises WeightsError if damaged."""
    try:
        about = json.loads(about_path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        about = None
    if not isinstance(about, dict) or not isinstance(about.get("sha256"), str):
        raise WeightsError(f"{about_path(path)} is damaged: delete it and import its file again.")
    return about


def about_path(path: Path) -> Path:
    """Return the path of the JSON file beside a file."""
    return path.with_name(f"{path.name}.json")
