"""Which names a new method may have, and that nothing is overwritten."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
import yaml
from packages import install, method

from fusionbench.errors import OutputError, RequestError
from fusionbench.registry.cards import read_card
from fusionbench.scaffold import new_method


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("MyNet", "as in my_net"),
        ("my-net", "as in my_net"),
        ("my net", "as in my_net"),
        ("2net", "cannot name"),
        ("_net", "as in net"),
        ("my__net", "as in my_net"),
        ("", "cannot name"),
        ("../net", "as in net"),
        ("nét", "cannot name"),
        ("class", "word of Python"),
        ("learned", "word of fusionbench"),
        ("average", "registered already"),
        ("installed_one", "registered already"),
        ("json", "installed already"),
        ("vif", "metric 'vif' is registered already"),
        ("tno", "dataset 'tno' is registered already"),
    ],
)
def test_names_that_cannot_be_used_are_refused_in_one_sentence(
    name: str, word: str, tmp_path: Path, site: Path
) -> None:
    install(site, "other", {"methods": {"Installed-One": "theirs"}}, {"theirs.py": method()})
    with pytest.raises(RequestError, match=word) as error:
        new_method(name, tmp_path / "here")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "here").exists()


def test_a_name_longer_than_a_file_s_may_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="name too long"):
        new_method("a" * 300, tmp_path)


@pytest.mark.parametrize("single", [False, True])
def test_nothing_is_overwritten(single: bool, tmp_path: Path) -> None:
    new_method("my_net", tmp_path, single)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(RequestError, match="exists already"):
        new_method("my_net", tmp_path, single)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="--at"):
        new_method("my_net", tmp_path / "file" / "below")


def test_every_file_is_whole(tmp_path: Path) -> None:
    files = new_method("my_net", tmp_path / "deep" / "er")
    assert {path.name for path in files} == {
        "README.md", "pyproject.toml", "__init__.py", "network.py", "loss.py", "method.py", "card.yaml", "config.yaml",
        "test_my_net.py",
    }  # fmt: skip
    for path in files:
        text = path.read_text()
        assert "$" not in text
        assert max(map(len, text.splitlines())) <= 120
        if path.suffix == ".py":
            ast.parse(text)
    root = tmp_path / "deep/er/my_net"
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert (project["name"], project["entry-points"]) == (
        "my-net",
        {"fusionbench.methods": {"my_net": "my_net"}},
    )
    assert read_card(root / "src/my_net").title == "MyNet"
    assert yaml.safe_load((root / "src/my_net/config.yaml").read_text())["variants"].keys() == {
        "small",
        "wo_gradient",
    }
    readme = (root / "README.md").read_text()
    assert sum(line.startswith(("fusionbench ", "pip ")) for line in readme.splitlines()) == 6
