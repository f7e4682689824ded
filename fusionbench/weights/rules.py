"""Rules that rename the tensors of other programs' checkpoints: regular expressions and replacements, in order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fusionbench.errors import ConfigError, WeightsError
from fusionbench.registry.method_spec import MethodSpec

if TYPE_CHECKING:
    from torch import Tensor


class Rule(NamedTuple):
    """A regular expression, and the replacement of its matches in a tensor's name."""

    pattern: re.Pattern[str]
    replacement: str


def card_rules(method: MethodSpec) -> list[Rule]:
    """Return the rules of a method's card. Raises ConfigError for a rule that cannot be used."""
    return rules_from(list(method.card.convert), method.source)


def read_rules(path: Path) -> list[Rule]:
    """Return the rules in a YAML file, a mapping or list of mappings from expression to replacement. Raises ConfigError."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read as YAML ({error}): give a file of rules.") from error
    if isinstance(data, Mapping):
        data = data["convert"] if isinstance(data.get("convert"), list) else [data]
    return rules_from(data, path)


def rules_from(data: Any, where: Path) -> list[Rule]:
    """Return the rules in a list of mappings. Raises ConfigError for a rule that cannot be used."""
    if not isinstance(data, list) or not all(isinstance(entry, Mapping) for entry in data):
        raise ConfigError(rf"{where}: rules must be a list such as - '^module\.': '', found {data!r}.")
    return [_rule(key, value, where) for entry in data for key, value in entry.items()]


def _rule(key: Any, value: Any, where: Path) -> Rule:
    try:
        rule = Rule(re.compile(str(key)), "" if value is None else str(value))
        re.sub(
            rule.pattern.pattern + "|", rule.replacement, ""
        )  # an unknown group in the replacement is reported only when it is used, hence the empty match
    except (re.error, IndexError) as error:
        raise ConfigError(f"{where}: the rule '{key}': '{value}' is not usable ({error}): fix it.") from error
    return rule


def rename(
    state: Mapping[str, Tensor], rules: Sequence[Rule], source: Path
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return the tensors by new name, and the dropped names. Raises WeightsError if two tensors get the same name."""
    renamed: dict[str, Tensor] = {}
    came_from: dict[str, str] = {}
    dropped = []
    for old, tensor in state.items():
        new = old
        for rule in rules:
            new = rule.pattern.sub(rule.replacement, new)
        if not new:
            dropped.append(old)
            continue
        if new in renamed:
            raise WeightsError(
                f"The rules make '{new}' of both '{came_from[new]}' and '{old}' of '{source}': make them narrower."
            )
        renamed[new], came_from[new] = tensor, old
    return renamed, tuple(dropped)
