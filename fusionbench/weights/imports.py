"""Importing a local file of weights: checked against the method, stored as safetensors with its origin."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fusionbench
from fusionbench.errors import RequestError, UnknownNameError, WeightsError
from fusionbench.files import write_json, write_through
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.registry.methods import spec
from fusionbench.weights.fetch import keep_published
from fusionbench.weights.methods import base_name, file_hash, load_weights, weights_folder
from fusionbench.weights.published import checkpoints

if TYPE_CHECKING:
    from fusionbench.method import FusionMethod


@dataclass(frozen=True)
class ImportOptions:
    """The options of an import; without ``family`` the weights are for all families of the method.

    ``title`` describes the weights in captions. ``sha256`` is the one that the file's publisher states. ``trust`` accepts
    weights other than those that the method's authors published; code in files is never run.
    """

    method: str
    family: str | None = None
    title: str | None = None
    sha256: str | None = None
    overrides: tuple[str, ...] = ()
    trust: bool = False


def import_weights(source: Path, options: ImportOptions) -> Path:
    """Copy a safetensors file or checkpoint into the weights folder and return its path there.

    The path is ``<method>/<family>-<sha10>.safetensors``, or ``any-...`` for all families. Importing the same file again
    only updates its JSON file. A file published by the method's authors is stored unchanged under its own name. Raises
    WeightsError for a file that is missing, does not have ``sha256`` or does not fit the method strictly, RequestError
    for a method without parameters, and OutputError.
    """
    if not source.is_file():
        raise WeightsError(f"'{source}' is not a file of weights: check the path of the file to import.")
    method = spec(options.method)
    families = _families(method, options.family)
    digest = file_hash(source)
    if options.sha256 is not None and digest != options.sha256.strip().lower():
        raise WeightsError(f"'{source}' has SHA-256 {digest}, not {options.sha256}: get the file again.")
    if method.card.checkpoints and (kept := keep_published(source, method, digest)):
        return kept
    about = _trained_as(source, digest)
    _check_published(source, method, digest, about, options.trust)
    config = method.config(options.overrides)
    data = _as_safetensors(source, _built(method, config.args))
    sha256 = hashlib.sha256(data).hexdigest()
    place = weights_folder() / base_name(method.name)
    target = place / f"{options.family or 'any'}-{sha256[:10]}.safetensors"
    write_through(target, lambda partial: partial.write_bytes(data))
    about |= {"method": method.name, "arguments": config.args}
    about |= {"families": families, "title": options.title, "sha256": sha256}
    about["note"] = options.title or about.get("note") or f"imported from {source.name}"
    about["source"] = {"file": source.name, "sha256": digest}
    about["imported"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    about["fusionbench"] = fusionbench.__version__
    # after the weights, because imports are found by this file
    write_json(target.with_suffix(".json"), about)
    return target


def _check_published(
    source: Path, method: MethodSpec, digest: str, about: dict[str, Any], trust: bool
) -> None:
    """Raise WeightsError if a method has published weights and a file is neither converted from them nor trusted."""
    stated = [known for entry in checkpoints(method) for known in entry.files.values()]
    origin = about.get("source")
    converted = isinstance(origin, dict) and origin.get("sha256") in stated
    if stated and not converted and not trust:
        raise WeightsError(
            f"'{source}' has SHA-256 {digest[:10]}, which none of {base_name(method.name)}'s published files has "
            f"({', '.join(known[:10] for known in stated)}): get the file again, or add --trust if these are weights "
            "of your own."
        )


def _families(method: MethodSpec, family: str | None) -> list[str]:
    if family is None:
        return list(method.card.families)
    if family not in method.card.families:
        raise UnknownNameError(f"family of {method.name}", family, method.card.families)
    return [family]


def _built(spec: MethodSpec, arguments: dict[str, Any]) -> FusionMethod:
    if not spec.has_class:
        raise RequestError(f"'{spec.name}' has no Python class to load weights into: name a method with one.")
    method = spec.build(arguments)
    if not method.trainable:
        raise RequestError(f"Method '{spec.name}' has no parameters: it takes no weights.")
    return method


def _as_safetensors(source: Path, method: FusionMethod) -> bytes:
    """Return the bytes of a safetensors file unchanged, which keeps its published hash, or a checkpoint's state as such."""
    from safetensors.torch import save

    load_weights(method, source)
    if source.suffix == ".safetensors":
        return source.read_bytes()
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in method.state_dict().items()})


def _trained_as(source: Path, digest: str) -> dict[str, Any]:
    """Return the record that ``train`` wrote beside its weights if it belongs to this file, else an empty one."""
    try:
        about = json.loads(source.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) and about.get("sha256") == digest else {}
