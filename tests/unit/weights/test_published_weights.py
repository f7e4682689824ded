"""Weights that authors published: found, fetched, imported and converted; what is not the published file is refused."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from file_server import Site, serve

from fusionbench.errors import ConfigError, DownloadError, RequestError, WeightsError
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.registry.methods import spec
from fusionbench.weights.convert import convert_weights
from fusionbench.weights.fetch import fetch_published
from fusionbench.weights.imports import ImportOptions, import_weights
from fusionbench.weights.published import (
    available_weights,
    checkpoint_for,
    checkpoints,
    lacking_sentence,
    load_chosen,
)

METHOD = """
import torch
from fusionbench.method import FusionMethod

CARD = {card!r}

class Gain(FusionMethod):
    families = frozenset({{"ir-vis", "medical"}})
    def __init__(self, *, strong: bool = False):
        super().__init__()
        self.gain = torch.nn.Linear(2, 1)
    def fuse(self, a, b):
        return (a + b) / 2
"""
FIRST = {"net": {"fc.weight": torch.tensor([[1.0, 2.0]])}, "epoch": 3}
SECOND = {"fc.bias": torch.tensor([0.5])}


class Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the method's published files belong."""
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights" / "gain-Gain"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def method(tmp_path: Path, url: str = "https://example.org/at/commit", **entry: Any) -> MethodSpec:
    """Return a method whose weights its authors published in two files, written to ``published`` below the folder."""
    (tmp_path / "published").mkdir(exist_ok=True)
    files = {"first.pth": FIRST, "second.pth": SECOND}
    for name, content in files.items():
        if not (tmp_path / "published" / name).exists():
            torch.save(content, tmp_path / "published" / name)
    hashes = {name: digest(tmp_path / "published" / name) for name in files}
    known = {"url": url, "files": hashes, "licence": "none stated", **entry}
    card = {
        "title": "Gain", "kind": "learned", "trainable": False, "families": ["ir-vis", "medical"],
        "checkpoints": [known, {**known, "families": ["ir-vis"], "arguments": {"strong": True}, "swapped": ["gain.weight"]}],
        "convert": [{r"^(net\.)?fc\.": "gain."}, {"^epoch$": ""}],
    }  # fmt: skip
    (tmp_path / "gain.py").write_text(METHOD.format(card=card))
    return spec(str(tmp_path / "gain.py"))


def put(tmp_path: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    for path in (tmp_path / "published").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())


@pytest.mark.parametrize("inside", ["", "weights"])
def test_files_that_lie_there_are_used_from_all_files_under_our_names(
    inside: str, tmp_path: Path, folder: Path
) -> None:
    method_spec = method(tmp_path)
    assert available_weights(method_spec, "ir-vis", {}) is None
    put(tmp_path, folder / inside)
    weights = available_weights(method_spec, "medical", {})
    assert weights is not None
    assert (weights.source, [path.name for path in weights.files]) == (
        "published",
        ["first.pth", "second.pth"],
    )
    assert "no licence stated" in weights.note
    assert "all rights are reserved" in weights.terms
    built = method_spec.build({})
    load_chosen(method_spec, built, weights)
    assert built.gain.weight.tolist() == [[1.0, 2.0]]
    assert built.gain.bias.tolist() == [0.5]


def test_the_checkpoint_whose_arguments_agree_is_taken_and_its_inputs_are_swapped(
    tmp_path: Path, folder: Path
) -> None:
    method_spec = method(tmp_path)
    plain, strong = checkpoints(method_spec)
    assert checkpoint_for(method_spec, "ir-vis", {}) == plain
    assert checkpoint_for(method_spec, "ir-vis", {"strong": True}) == strong
    assert checkpoint_for(method_spec, "medical", {"strong": True}) == plain
    assert checkpoint_for(method_spec, "sar-opt", {}) == plain  # a card's families are checked before


def test_what_lacks_is_told_with_licence_and_command(tmp_path: Path, folder: Path) -> None:
    method_spec = method(tmp_path)
    sentence = lacking_sentence(method_spec, "ir-vis", {})
    assert (
        "`fusionbench weights fetch gain-Gain` downloads first.pth, second.pth (licence: none stated)"
        in sentence
    )
    assert "`fusionbench weights import FILE --method gain-Gain`" in sentence
    assert str(folder) in sentence


def test_another_file_under_the_name_is_refused_and_no_code_in_it_is_run(
    tmp_path: Path, folder: Path
) -> None:
    method_spec = method(tmp_path)
    put(tmp_path, folder)
    whole = (folder / "first.pth").read_bytes()
    for content in (whole[:-100], b"", whole + b"\0"):
        (folder / "first.pth").write_bytes(content)
        with pytest.raises(WeightsError, match=r"has SHA-256 .* not .* as published: delete it and call"):
            available_weights(method_spec, "ir-vis", {})
    torch.save({"fc.weight": Hostile(tmp_path / "ran")}, folder / "first.pth")
    with pytest.raises(WeightsError, match="as published"):
        available_weights(method_spec, "ir-vis", {})
    assert not (tmp_path / "ran").exists()


def test_a_published_pickle_that_holds_code_is_refused_too(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "published").mkdir()
    torch.save({"fc.weight": Hostile(tmp_path / "ran")}, tmp_path / "published" / "first.pth")
    method_spec = method(tmp_path)
    put(tmp_path, folder)
    weights = available_weights(method_spec, "ir-vis", {})
    assert weights is not None
    with pytest.raises(WeightsError, match="code in files is never run"):
        load_chosen(method_spec, method_spec.build({}), weights)
    assert not (tmp_path / "ran").exists()


def test_import_keeps_published_files_and_refuses_others_without_trust(tmp_path: Path, folder: Path) -> None:
    method_spec = method(tmp_path)
    for name in ("first.pth", "second.pth"):
        kept = import_weights(tmp_path / "published" / name, ImportOptions(method_spec.reference))
        assert kept == folder / name
    assert available_weights(method_spec, "ir-vis", {}).source == "published"
    own = tmp_path / "own.pth"
    torch.save(method_spec.build({}).state_dict(), own)
    with pytest.raises(WeightsError, match="none of gain-Gain's published files has"):
        import_weights(own, ImportOptions(method_spec.reference))
    taken = import_weights(own, ImportOptions(method_spec.reference, trust=True))
    assert taken.suffix == ".safetensors"
    assert available_weights(method_spec, "ir-vis", {}).source == "imported"
    torch.save({"gain.weight": Hostile(tmp_path / "ran")}, own)
    with pytest.raises(WeightsError, match="code in files is never run"):
        import_weights(own, ImportOptions(method_spec.reference, trust=True))
    assert not (tmp_path / "ran").exists()


def test_convert_reads_all_files_and_its_result_may_be_imported(tmp_path: Path) -> None:
    method_spec = method(tmp_path)
    done = convert_weights(
        tmp_path / "published" / "second.pth", method_spec.reference, tmp_path / "own.safetensors"
    )
    assert (done.tensors, done.dropped) == (2, ("epoch",))
    import_weights(done.path, ImportOptions(method_spec.reference))
    assert available_weights(method_spec, "ir-vis", {}).source == "imported"


@contextlib.contextmanager
def no_bar(file: str) -> Iterator[Any]:
    yield lambda done, total: None


def test_fetch_tells_the_licence_and_takes_files_of_the_stated_hash_only(
    tmp_path: Path, folder: Path
) -> None:
    (tmp_path / "published").mkdir()
    torch.save(FIRST, tmp_path / "published" / "first.pth")
    content = (tmp_path / "published" / "first.pth").read_bytes()
    with serve(Site(content)) as site:
        stated = {"file.pt": hashlib.sha256(content).hexdigest()}
        method_spec = method(tmp_path, site.address.rpartition("/")[0], files=stated)
        said: list[str] = []
        assert fetch_published(method_spec.reference, None, said.append, no_bar) == [folder / "file.pt"] * 2
        assert "no licence is stated, so all rights are reserved" in said[0]
        asked = len(site.asked)
        fetch_published(method_spec.reference, None, said.append, no_bar)
        assert len(site.asked) == asked  # what is here is not fetched again
        (folder / "file.pt").unlink()
        site.content = content[:-1]
        with pytest.raises(DownloadError, match="which was deleted"):
            fetch_published(method_spec.reference, None, said.append, no_bar)
    assert not (folder / "file.pt").exists()


def test_methods_without_public_files_and_broken_entries_are_told() -> None:
    with pytest.raises(RequestError, match="No public files of weights are known for average"):
        fetch_published("average", None, print, no_bar)


@pytest.mark.parametrize(
    ("entry", "what"),
    [({"adress": "x"}, "adress"), ({"files": {"a.pth": "short"}}, "SHA-256"), ({"files": ["a"]}, "SHA-256")],
)
def test_a_card_entry_that_cannot_be_used_is_told(entry: dict[str, Any], what: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=what):
        checkpoints(method(tmp_path, **entry))
