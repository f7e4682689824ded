"""Files that are not what they should be: one sentence and exit code 2 on every way in, and no code of theirs is run."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from fusionbench.cli.app import app
from fusionbench.metrics.learned import weight_files as metric_weights
from fusionbench.metrics.learned.weight_files import KNOWN
from fusionbench.weights.checkpoints import is_torchscript
from fusionbench.weights.listing import known_weights


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


class Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def hostile(path: Path) -> None:
    torch.save({"clip_model.level": Hostile(path.with_name("ran"))}, path)


def truncated(path: Path) -> None:
    torch.save({"clip_model.level": torch.zeros(100)}, path)
    path.write_bytes(path.read_bytes()[:-200])


def torn(path: Path) -> None:
    """Write an archive whose list of contents points nowhere."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/constants.pkl", b"text")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"PK\x01\x02", b"PK\x09\x09"))


def lacking(path: Path) -> None:
    torch.save({"clip_model.visual.proj": torch.zeros(2, 2)}, path)


def nameless(path: Path) -> None:
    torch.save({0: torch.zeros(1), "level": torch.zeros(1)}, path)


def empty_inside(path: Path) -> None:
    torch.save({"params": None, "state_dict": torch.tensor(1.0)}, path)


WAYS = (("--as", "liqe-koniq"), ("--as", "remoteclip-rn50"), ("--method", "refinefuse"))


def refused(*command: object) -> str:
    done = CliRunner().invoke(app, list(map(str, command)))
    assert isinstance(done.exception, SystemExit), done.exception
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("write", "says"),
    [
        (hostile, "code in files is never run"),
        (truncated, "cannot be read"),
        (torn, "cannot be read"),
        (lacking, ("do not hold the tensors", "tensors missing")),
        (nameless, "no tensors by their names"),
        (empty_inside, "no tensors by their names"),
    ],
)
def test_a_file_is_refused_whatever_is_wrong_with_it(
    write: Callable[[Path], None],
    says: str | tuple[str, ...],
    way: tuple[str, str],
    tmp_path: Path,
    folder: Path,
) -> None:
    write(tmp_path / "file.pt")
    message = refused("weights", "import", tmp_path / "file.pt", *way)
    assert any(text in message for text in ([says] if isinstance(says, str) else says))
    assert not (tmp_path / "ran").exists()
    assert not folder.exists()


@pytest.mark.parametrize("way", [*WAYS, ("--as", "clip-rn50")])
def test_a_file_with_another_hash_is_refused(way: tuple[str, str], tmp_path: Path, folder: Path) -> None:
    torch.save({"level": torch.zeros(1)}, tmp_path / "file.pt")
    stated = () if way[1] == "clip-rn50" else ("--sha256", "0" * 64)
    assert "SHA-256" in refused("weights", "import", tmp_path / "file.pt", *way, *stated)
    assert not folder.exists()


@pytest.mark.parametrize("way", WAYS)
def test_a_folder_or_nothing_is_no_file(way: tuple[str, str], tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.pt"):
        assert "is not a file of weights" in refused("weights", "import", path, *way)


def test_converting_refuses_the_same(tmp_path: Path) -> None:
    for write in (hostile, truncated, torn, nameless):
        write(tmp_path / "file.pt")
        refused(
            "weights", "convert", tmp_path / "file.pt", "-m", "refinefuse", "-o", tmp_path / "out.safetensors"
        )
    assert not (tmp_path / "out.safetensors").exists()


def test_a_torn_archive_is_not_taken_for_one_with_code(tmp_path: Path) -> None:
    torn(tmp_path / "file.pt")
    assert zipfile.is_zipfile(tmp_path / "file.pt")
    assert not is_torchscript(tmp_path / "file.pt")


def test_a_weights_folder_that_cannot_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    torch.save({"level": torch.zeros(1)}, tmp_path / "level.pt")
    monkeypatch.setitem(metric_weights.KNOWN, "mine", replace(KNOWN["liqe-mix"], name="mine", check=None))
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "file"))
    assert "Cannot write" in refused("weights", "import", tmp_path / "level.pt", "--as", "mine")
    assert CliRunner().invoke(app, ["weights", "list"]).exit_code == 0
    assert metric_weights.place_of(KNOWN["mine"]).is_file() is False


def test_a_damaged_note_is_told_by_list_and_verify(folder: Path) -> None:
    (folder / "metrics").mkdir(parents=True)
    (folder / "metrics/liqe_mix.pt").write_bytes(b"weights")
    for note in ('{"sha256": ["text"]}', "[]", "{"):
        (folder / "metrics/liqe_mix.pt.json").write_text(note)
        done = CliRunner().invoke(app, ["weights", "verify", "--json"])
        assert done.exit_code == 1
        (problem,) = [row["problem"] for row in json.loads(done.stdout) if row["problem"]]
        assert "is damaged: delete it" in problem


def test_the_list_says_licence_and_hash_of_what_comes_with_methods() -> None:
    shipped = [entry for entry in known_weights() if entry.source == "shipped"]
    assert shipped
    text = CliRunner().invoke(app, ["weights", "list"]).stdout
    rows = json.loads(CliRunner().invoke(app, ["weights", "list", "--json"]).stdout)
    for entry in shipped:
        assert entry.licence
        assert f"licence: {entry.licence}" in text
        assert hashlib.sha256(entry.path.read_bytes()).hexdigest() == entry.sha256
        assert [r["licence"] for r in rows if r["path"] == str(entry.path)] == [entry.licence]
