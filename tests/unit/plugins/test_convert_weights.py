"""Checkpoints with other tensor names become a method's weights, strictly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fusionbench.errors import ConfigError, RequestError, WeightsError
from fusionbench.registry.methods import spec
from fusionbench.weights.convert import convert_weights
from fusionbench.weights.methods import load_weights
from fusionbench.weights.rules import rename, rules_from

METHOD = """
import torch
from fusionbench.method import FusionMethod
CARD = {"title": "T", "kind": "learned", "families": ["ir-vis"], "convert": [{r"^module\\.": ""}, {"conv": "layer"}]}

class Mine(FusionMethod):
    families = frozenset({"ir-vis"})
    def __init__(self, *, width=2):
        super().__init__()
        self.layer = torch.nn.Conv2d(2, width, 1)
    def fuse(self, a, b):
        return a
"""


@pytest.fixture
def method(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(METHOD)
    return str(tmp_path / "mine.py")


def checkpoint(
    path: Path, names: tuple[str, str] = ("module.conv.weight", "module.conv.bias"), **others
) -> Path:
    state = {names[0]: torch.ones(2, 2, 1, 1), names[1]: torch.zeros(2)}
    torch.save({"model_state_dict": state | others, "epoch": 3}, path)
    return path


def test_the_rules_of_the_card_rename_in_order(method: str, tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "theirs.pth")
    converted = convert_weights(source, method, tmp_path / "out.safetensors")
    assert (converted.tensors, converted.dropped) == (2, ())
    built = spec(method).build({})
    load_weights(built, converted.path)
    assert torch.equal(built.layer.weight, torch.ones(2, 2, 1, 1))
    about = json.loads(converted.path.with_suffix(".json").read_text())
    assert about["source"]["file"] == "theirs.pth"
    assert about["rules"] == [[r"^module\.", ""], ["conv", "layer"]]


def test_a_file_of_rules_replaces_the_card_s_and_may_drop(method: str, tmp_path: Path) -> None:
    rules = tmp_path / "map.yaml"
    rules.write_text("'^enc\\.(\\w+)$': 'layer.\\1'\n'^critic\\..*': ''\n")
    source = checkpoint(tmp_path / "x.pth", ("enc.weight", "enc.bias"), **{"critic.weight": torch.ones(1)})
    converted = convert_weights(source, method, tmp_path / "out.safetensors", rules)
    assert converted.dropped == ("critic.weight",)
    with pytest.raises(WeightsError, match="are missing"):
        convert_weights(source, method, tmp_path / "out2.safetensors")
    assert not (tmp_path / "out2.safetensors").exists()


def test_everything_that_does_not_fit_is_told_at_once(method: str, tmp_path: Path) -> None:
    source = tmp_path / "odd.safetensors"
    save_file({"layer.weight": torch.ones(3, 2, 1, 1), "head.weight": torch.ones(1)}, source)
    with pytest.raises(WeightsError) as error:
        convert_weights(source, method, tmp_path / "out.safetensors")
    missing, surplus, shape = str(error.value).splitlines()
    assert "1 tensors are missing" in missing
    assert "layer.bias" in missing
    assert "head.weight" in surplus
    assert "layer.weight [3, 2, 1, 1] instead of [2, 2, 1, 1]" in shape


def test_two_tensors_of_one_name_are_refused(tmp_path: Path) -> None:
    rules = rules_from([{r"\d": ""}], tmp_path)
    with pytest.raises(WeightsError, match="'a' of both 'a1' and 'a2'"):
        rename({"a1": torch.ones(1), "a2": torch.ones(1)}, rules, tmp_path)


class Evil:
    def __reduce__(self) -> tuple:
        return (print, ("code ran",))


def test_code_in_a_file_is_never_run(method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"state_dict": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match="never run"):
        convert_weights(tmp_path / "evil.pth", method, tmp_path / "out.safetensors")
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize("rules", ["[[a, b]]", "a: [", "'(': x", "'a': '\\2'", "3"])
def test_rules_that_cannot_be_used_are_named(rules: str, method: str, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(rules)
    source = checkpoint(tmp_path / "x.pth")
    with pytest.raises(ConfigError, match=r"map\.yaml"):
        convert_weights(source, method, tmp_path / "out.safetensors", tmp_path / "map.yaml")


def test_the_output_is_another_file_of_safetensors(method: str, tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "x.pth")
    with pytest.raises(RequestError, match="safetensors"):
        convert_weights(source, method, tmp_path / "out.pth")
