"""Converting a checkpoint with other tensor names to weights of a method: renamed by rules, then checked strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fusionbench
from fusionbench.errors import RequestError, WeightsError
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.registry.methods import spec
from fusionbench.weights.checkpoints import WRAPPERS, check_values, file_hash, read_state
from fusionbench.weights.methods import save_weights
from fusionbench.weights.published import checkpoint_of, read_published, with_counters
from fusionbench.weights.rules import Rule, card_rules, read_rules, rename

if TYPE_CHECKING:
    from torch import Tensor

SHOWN = 8  # names that a message lists before it says how many more there are


@dataclass(frozen=True)
class Converted:
    """The written file, its number of tensors, and the names that were dropped because rules made them empty."""

    path: Path
    tensors: int
    dropped: tuple[str, ...]


def convert_weights(
    source: Path, reference: str, out: Path, mapping: Path | None = None, overrides: tuple[str, ...] = ()
) -> Converted:
    """Write ``source`` as safetensors that the method ``reference`` loads, with their origin in a JSON file.

    The rules are those of the file ``mapping``, else those of the card's ``convert``. Every rule is applied to every
    name, in order, and a name that becomes empty is dropped. No code in the file is run. Raises WeightsError with every
    tensor that is missing, surplus or of another shape, ConfigError for a rule that cannot be used.
    """
    method_spec = spec(reference)
    method_spec.require_class()
    if out.suffix != ".safetensors" or out.resolve() == source.resolve():
        raise RequestError(
            f"'{out}' cannot be written as weights: give another file, ending in .safetensors."
        )
    rules = read_rules(mapping) if mapping else card_rules(method_spec)
    renamed, dropped = _renamed(source, method_spec, rules, mapping is None)
    config = method_spec.config(overrides)
    method = method_spec.build(config.args)
    renamed = with_counters(renamed, method.state_dict())
    check_tensors(source, method_spec.name, method.state_dict(), renamed)
    check_values(source, method.state_dict(), renamed)
    method.load_state_dict(renamed)
    about = {
        "method": method_spec.name,
        "arguments": config.args,
        "note": f"converted from {source.name}",
        "source": {"file": source.name, "sha256": file_hash(source)},
        "rules": [[rule.pattern.pattern, rule.replacement] for rule in rules],
        "fusionbench": fusionbench.__version__,
    }
    save_weights(method, out, about)
    return Converted(out, len(renamed), dropped)


def _renamed(
    source: Path, method: MethodSpec, rules: Sequence[Rule], by_card: bool
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return the tensors by new name and the dropped names; all files of a published checkpoint are read together."""
    known = checkpoint_of(method, source) if by_card and source.is_file() else None
    if known is not None:
        return read_published(method, *known)
    return rename(state_dict_in(read_state(source), source), rules, source)


def state_dict_in(state: Mapping[str, Any], source: Path) -> dict[str, Tensor]:
    """Return the tensors by name from a state dict or a checkpoint that contains one. Raises WeightsError for others."""
    import torch

    for wrapper in WRAPPERS:
        if isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
            break
    others = [
        str(name)
        for name, value in state.items()
        if not (isinstance(value, torch.Tensor) and isinstance(name, str))
    ]
    if others or not state:
        what = f"{_some(others)} beside tensors with names" if state else "nothing"
        raise WeightsError(f"'{source}' holds {what}: save the state dict alone.")
    return dict(state)


def check_tensors(
    source: Path, name: str, expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor]
) -> None:
    """Raise WeightsError with one sentence each on tensors that are missing, surplus or of another shape."""
    missing, surplus = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    shapes = [
        f"{key} {list(tensors[key].shape)} instead of {list(expected[key].shape)}"
        for key in sorted(expected.keys() & tensors.keys())
        if tensors[key].shape != expected[key].shape
    ]
    sentences = [
        f"{len(names)} tensors {what} in '{source}' for {name}: {_some(names)}; {remedy}."
        for names, what, remedy in (
            (missing, "are missing", "add rules that rename to them"),
            (
                surplus,
                "are surplus",
                "add rules that rename them, or that drop them by making their names empty",
            ),
            (
                shapes,
                "have another shape",
                "give the arguments that the checkpoint was made with, as args.key=value",
            ),
        )
        if names
    ]
    if sentences:
        raise WeightsError("\n".join(sentences))


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
