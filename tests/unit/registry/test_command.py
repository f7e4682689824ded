"""What a card may say of a command, what identifies it, and which verbs refuse it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusionbench.cells.outside.command import _environment
from fusionbench.cli.app import app
from fusionbench.errors import ConfigError, PluginError
from fusionbench.registry import methods as registry
from fusionbench.registry.command import command_hash

COMMAND = ["octave", "fuse.m", "{a}", "{b}", "{out}"]


def write_card(folder: Path, **changed: object) -> None:
    card = {"title": "Foreign", "kind": "learned", "families": ["medical"], "command": COMMAND}
    (folder / "card.yaml").write_text(json.dumps({**card, **changed}))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "foreign" / "lib").mkdir(parents=True)
    (tmp_path / "foreign" / "lib" / "weights.bin").write_bytes(b"1")
    write_card(tmp_path / "foreign")
    return tmp_path / "foreign"


def test_a_folder_with_a_card_is_a_method(folder: Path) -> None:
    method = registry.spec("./foreign")
    assert (method.name, method.source, method.has_class) == ("foreign", folder, False)
    assert method.card.command == tuple(COMMAND)
    assert method.config().args == {}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"command": "octave {a} {b} {out}"}, "list of strings"),
        ({"command": []}, "list of strings"),
        ({"command": ["octave", 3]}, "list of strings"),
        ({"command": ["octave", "{a}"]}, r"lacks \{b\}, \{out\}"),
        ({"kind": "trivial"}, "learned or classical, not 'trivial'"),
    ],
)
def test_a_card_with_a_command_that_cannot_be_run(
    folder: Path, changed: dict[str, object], words: str
) -> None:
    write_card(folder, **changed)
    with pytest.raises(ConfigError, match=words):
        registry.spec("./foreign")


def test_a_folder_without_a_command_is_no_method(folder: Path) -> None:
    write_card(folder, command=None)
    with pytest.raises(PluginError, match=r"names no command: .* \./file\.py"):
        registry.spec("./foreign")
    with pytest.raises(PluginError, match=r"a folder with a card\.yaml"):
        registry.spec("./foreign/lib")


def test_a_command_is_known_by_its_words_and_its_files(folder: Path) -> None:
    before = registry.spec("./foreign").files_hash()
    assert before == command_hash(folder, COMMAND)
    assert command_hash(folder, [*COMMAND, "--fast"]) != before
    write_card(folder, title="Another title")
    (folder / ".cache").write_text("hidden")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "fuse.pyc").write_text("cached")
    assert registry.spec("./foreign").files_hash() == before
    (folder / "lib" / "weights.bin").write_bytes(b"22")
    changed = registry.spec("./foreign").files_hash()
    assert changed != before
    (folder / "lib" / "weights.bin").rename(folder / "lib" / "renamed.bin")
    assert registry.spec("./foreign").files_hash() not in (before, changed)


def test_a_command_takes_no_arguments(folder: Path) -> None:
    with pytest.raises(ConfigError, match="'foreign' is a command and takes no args"):
        registry.spec("./foreign").config(("args.width=3",))


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "./foreign"),
        ("profile", "-m", "./foreign"),
        ("train", "-m", "./foreign", "-d", "demo-medical"),
    ],
)
def test_verbs_that_need_a_class_say_so(
    folder: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_code:
        app(arguments)
    assert exit_code.value.code == 2
    assert (
        capsys.readouterr().err
        == "Error: 'foreign' is a command without a class: name a method that has one.\n"
    )


@pytest.mark.parametrize(
    ("device", "visible", "seen"),
    [("cuda:1", None, "1"), ("cuda:1", "4,5", "5"), ("cuda", "4,5", "4,5"), ("cpu", None, None)],
)
def test_a_command_sees_the_gpu_of_its_slot(
    device: str, visible: str | None, seen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert _environment(device).get("CUDA_VISIBLE_DEVICES") == seen
