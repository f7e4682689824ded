"""Importing, listing and verifying weights, and the order in which a run chooses among them."""

from __future__ import annotations

import itertools
import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from fusionbench.cells.planned import RunOptions
from fusionbench.cells.weights import choose_weights, training_data
from fusionbench.cli.app import app
from fusionbench.errors import RequestError, UnknownNameError, WeightsError
from fusionbench.folders.fuse_files import FileOptions, fuse_files
from fusionbench.providers import share
from fusionbench.registry.methods import spec
from fusionbench.runs.plan import make_plan
from fusionbench.weights.imports import ImportOptions, import_weights
from fusionbench.weights.listing import known_weights, verify_entry
from fusionbench.weights.methods import file_hash, imported_weights, load_weights

METHOD = '''
import torch
from fusionbench.method import FusionMethod

CARD = {"title": "Level", "kind": "learned", "families": ["ir-vis", "medical"]}

class Level(FusionMethod):
    """Fuse everything to one learned level."""
    families = frozenset({"ir-vis", "medical"})
    def __init__(self, *, size: int = 1):
        super().__init__()
        self.level = torch.nn.Parameter(torch.zeros(size))
    def fuse(self, a, b):
        return torch.zeros_like(a) + self.level.mean()
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of imported weights."""
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def method(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(METHOD)
    return str(path)


def weights(path: Path, level: float, size: int = 1) -> Path:
    save_file({"level": torch.full((size,), level)}, path)
    return path


def test_a_file_is_kept_under_its_hash_with_where_it_came_from(
    tmp_path: Path, method: str, folder: Path
) -> None:
    source = weights(tmp_path / "theirs.safetensors", 0.5)
    kept = import_weights(source, ImportOptions(method, family="ir-vis", title="Level one half"))
    assert kept == folder / "mine-Level" / f"ir-vis-{file_hash(source)[:10]}.safetensors"
    assert kept.read_bytes() == source.read_bytes()
    about = json.loads(kept.with_suffix(".json").read_text())
    assert about["sha256"] == file_hash(kept)
    assert about["source"] == {"file": "theirs.safetensors", "sha256": file_hash(source)}
    assert (about["note"], about["families"], about["arguments"]) == ("Level one half", ["ir-vis"], {})
    assert sorted(path.name for path in kept.parent.iterdir()) == sorted(
        [kept.name, kept.with_suffix(".json").name]
    )


@pytest.mark.parametrize("nested", [False, True])
def test_a_checkpoint_becomes_safetensors(tmp_path: Path, method: str, nested: bool) -> None:
    state = {"level": torch.tensor([0.25])}
    torch.save({"state_dict": state, "epoch": 3} if nested else state, tmp_path / "theirs.pth")
    kept = import_weights(tmp_path / "theirs.pth", ImportOptions(method))
    assert kept.name.startswith("any-")
    assert load_file(kept)["level"].item() == 0.25
    assert json.loads(kept.with_suffix(".json").read_text())["families"] == ["ir-vis", "medical"]


def two_tensors(tmp_path: Path) -> str:
    """A method whose tensors share a prefix of their own, with a mask of infinities beside them."""
    path = tmp_path / "two.py"
    path.write_text(
        METHOD.replace(
            "self.level = torch.nn.Parameter(torch.zeros(size))", "self.net = torch.nn.Conv2d(1, 1, 1)"
        )
        .replace(
            "super().__init__()",
            "super().__init__()\n        self.register_buffer('mask', torch.full((2,), -torch.inf))",
            1,
        )
        .replace("self.level.mean()", "self.net.bias.mean()")
    )
    return str(path)


FULL = {
    "net.weight": torch.ones(1, 1, 1, 1),
    "net.bias": torch.full((1,), 0.25),
    "mask": torch.full((2,), -torch.inf),
}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"module." + name: value for name, value in state.items()},
        lambda state: {"model.module." + name: value for name, value in state.items()},
        lambda state: {"epoch": 1, "model": state, "optimizer": {"lr": 0.1}},
        lambda state: {"net": {"module." + name: value for name, value in state.items()}},
        lambda state: {"model": {"state_dict": state}, "epoch": 7},
        lambda state: {"state_dict": {"_orig_mod." + name: value for name, value in state.items()}},
    ],
    ids=["DataParallel", "two prefixes", "under model", "under net, prefixed", "two deep", "compiled"],
)
def test_what_writers_put_around_the_tensors_is_taken_off(tmp_path: Path, wrap) -> None:
    torch.save(wrap(FULL), tmp_path / "theirs.pth")
    kept = import_weights(tmp_path / "theirs.pth", ImportOptions(two_tensors(tmp_path)))
    assert load_file(kept)["net.bias"].item() == 0.25


def test_a_safetensors_file_with_a_prefix_is_loaded_too(tmp_path: Path, method: str) -> None:
    save_file({"module.level": torch.full((1,), 0.75)}, tmp_path / "theirs.safetensors")
    kept = import_weights(tmp_path / "theirs.safetensors", ImportOptions(method))
    loaded = spec(method).build({})
    load_weights(loaded, kept)
    assert loaded.level.item() == 0.75


@pytest.mark.parametrize(
    ("bias", "says"),
    [
        (torch.tensor([torch.nan]), "'net.bias' holds NaN"),
        (torch.tensor([torch.inf]), "'net.bias' holds infinity"),
        (torch.tensor([1 + 2j]), "'net.bias' is complex64 instead of float32"),
        (torch.tensor([1]), "'net.bias' is int64 instead of float32"),
        (torch.empty(1, device="meta"), "holds no plain values"),
    ],
)
def test_values_that_are_no_weights_are_refused(
    tmp_path: Path, folder: Path, bias: torch.Tensor, says: str
) -> None:
    torch.save(FULL | {"net.bias": bias}, tmp_path / "theirs.pth")
    with pytest.raises(WeightsError, match=says):
        import_weights(tmp_path / "theirs.pth", ImportOptions(two_tensors(tmp_path)))
    assert not folder.exists()


def test_another_model_is_still_refused(tmp_path: Path) -> None:
    torch.save(
        {"module." + name: value for name, value in FULL.items() if name != "net.bias"}, tmp_path / "x.pth"
    )
    with pytest.raises(WeightsError, match=r"3 tensors missing.*`fusionbench weights convert`"):
        import_weights(tmp_path / "x.pth", ImportOptions(two_tensors(tmp_path)))


class Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_code_in_a_pickle_is_not_run(tmp_path: Path, method: str, folder: Path) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "theirs.pth").write_bytes(pickle.dumps({"level": Hostile(mark)}, protocol=2))
    torch.save({"level": Hostile(mark)}, tmp_path / "new.pth")
    for name in ("theirs.pth", "new.pth"):
        with pytest.raises(WeightsError, match="code in files is never run") as caught:
            import_weights(tmp_path / name, ImportOptions(method))
        assert "weights_only" not in str(caught.value)
    assert not mark.exists()
    assert not folder.exists()


def test_refuses_what_does_not_fit(tmp_path: Path, method: str, folder: Path) -> None:
    source = weights(tmp_path / "theirs.safetensors", 0.5, size=2)
    with pytest.raises(WeightsError, match="1 of another shape"):
        import_weights(source, ImportOptions(method))
    with pytest.raises(WeightsError, match="has SHA-256"):
        import_weights(source, ImportOptions(method, sha256="0" * 64, overrides=("args.size=2",)))
    with pytest.raises(WeightsError, match="nowhere"):
        import_weights(tmp_path / "nowhere.pth", ImportOptions(method))
    with pytest.raises(UnknownNameError, match="family of mine-Level 'sar-opt'"):
        import_weights(source, ImportOptions(method, family="sar-opt"))
    with pytest.raises(RequestError, match="no parameters"):
        import_weights(source, ImportOptions("average"))
    assert not folder.exists()
    assert import_weights(
        source, ImportOptions(method, sha256=file_hash(source).upper(), overrides=("args.size=2",))
    )


def test_imports_are_offered_for_their_arguments_and_family_the_last_one_first(
    tmp_path: Path, method: str
) -> None:
    method_spec = spec(method)
    assert imported_weights(method_spec, "ir-vis", {}) is None
    first = import_weights(weights(tmp_path / "one.safetensors", 0.1), ImportOptions(method))
    last = import_weights(weights(tmp_path / "two.safetensors", 0.2), ImportOptions(method, family="medical"))
    assert imported_weights(method_spec, "ir-vis", {}).path == first
    assert imported_weights(method_spec, "medical", {}).path == last
    assert imported_weights(method_spec, "medical", {"size": 2}) is None
    again = import_weights(tmp_path / "one.safetensors", ImportOptions(method))
    assert imported_weights(method_spec, "medical", {}).path == again == first
    assert imported_weights(method_spec, "medical", {}).source == "imported"


def test_a_changed_lost_or_damaged_file_is_an_error_and_never_used(tmp_path: Path, method: str) -> None:
    method_spec, kept = (
        spec(method),
        import_weights(weights(tmp_path / "one.safetensors", 0.1), ImportOptions(method)),
    )
    weights(kept, 0.9)
    with pytest.raises(WeightsError, match="import them again"):
        imported_weights(method_spec, "ir-vis", {})
    assert "not" in next(verify_entry(e) for e in known_weights() if e.source == "imported").problem
    kept.unlink()
    with pytest.raises(WeightsError, match="no longer exist"):
        imported_weights(method_spec, "ir-vis", {})
    kept.with_suffix(".json").write_text("{}")
    with pytest.raises(WeightsError, match="damaged"):
        imported_weights(method_spec, "ir-vis", {})
    assert "damaged" in next(e for e in known_weights() if e.source == "imported").problem


def test_what_train_wrote_beside_a_file_is_kept_if_it_speaks_of_that_file(
    tmp_path: Path, method: str
) -> None:
    source = weights(tmp_path / "weights.safetensors", 0.1)
    beside = {"sha256": file_hash(source), "note": "trained on MSRS", "dataset": {"name": "msrs"}}
    source.with_suffix(".json").write_text(json.dumps(beside))
    about = json.loads(import_weights(source, ImportOptions(method)).with_suffix(".json").read_text())
    assert (about["note"], about["dataset"]) == ("trained on MSRS", {"name": "msrs"})
    weights(source, 0.2)
    about = json.loads(import_weights(source, ImportOptions(method)).with_suffix(".json").read_text())
    assert about["note"] == "imported from weights.safetensors"
    assert "dataset" not in about


def test_a_run_takes_imported_weights_before_shipped_ones(tmp_path: Path) -> None:
    for name in ("ir", "vi"):
        image = tmp_path / "MSRS/test" / name / "1.png"
        image.parent.mkdir(parents=True)
        image.touch()
    asked = RunOptions(
        ("refinefuse",), ("msrs",), data_root=str(tmp_path), out=tmp_path / "runs", baselines=False
    )
    cell = make_plan(asked).cells[0]
    assert choose_weights(cell, asked).source == "shipped"
    method = cell.method.build({})
    torch.save(method.state_dict(), tmp_path / "theirs.pth")
    kept = import_weights(tmp_path / "theirs.pth", ImportOptions("refinefuse@cpu", title="Theirs"))
    chosen = choose_weights(cell, asked)
    assert (chosen.source, chosen.path, chosen.note) == ("imported", kept, "Theirs")
    load_weights(method, chosen.path)
    assert choose_weights(cell, replace(asked, weights="trained")) is None


def test_pairs_to_learn_from_are_not_generated_to_find_that_nothing_was_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    asked = RunOptions(("refinefuse",), ("demo",), out=tmp_path / "runs", baselines=False)
    cell = make_plan(asked).cells[0]
    assert choose_weights(cell, asked).source == "shipped"
    assert [path.name for path in (tmp_path / "cache/demo/v1/demo").iterdir()] == ["test"]


@pytest.mark.parametrize(("split", "learned_on"), [("test", "train"), ("drawn-test", "drawn-train")])
def test_a_split_is_fused_by_what_was_learned_on_its_own_part(
    tmp_path: Path, split: str, learned_on: str
) -> None:
    for part, name in itertools.product(("train", "test"), ("MRI", "SPECT")):
        folder = tmp_path / "Harvard/SPECT-MRI" / part / name
        folder.mkdir(parents=True)
        for number in range(20):
            (folder / f"{part}{number}.png").touch()
    asked = RunOptions(
        ("sspfusion",), ("harvard-mri-spect",), split, data_root=str(tmp_path), baselines=False
    )
    cell = make_plan(asked).cells[0]
    data = training_data(cell, asked)
    assert [part.name for part in data.parts] == [learned_on]
    assert set(data.parts[0].ids).isdisjoint(cell.split.ids)


def test_fuse_uses_imported_weights(tmp_path: Path, method: str) -> None:
    sources = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in sources:
        Image.fromarray(np.full((8, 8), 200, np.uint8)).save(path)
    with pytest.raises(WeightsError, match="fusionbench weights import"):
        list(fuse_files(*sources, tmp_path / "f.png", FileOptions(method)))
    import_weights(weights(tmp_path / "one.safetensors", 0.2), ImportOptions(method))
    list(fuse_files(*sources, tmp_path / "f.png", FileOptions(method)))
    assert np.unique(np.asarray(Image.open(tmp_path / "f.png"))).tolist() == [51]


def test_lists_shipped_imported_and_missing_weights() -> None:
    shipped = share("methods") / "refinefuse" / "weights" / "ir-vis.safetensors"
    assert CliRunner().invoke(app, ["weights", "import", str(shipped), "-m", "refinefuse"]).exit_code == 0
    rows = json.loads(CliRunner().invoke(app, ["weights", "list", "--json"]).stdout)
    by_source = {(row["method"], row["source"]): row for row in rows}
    assert by_source["refinefuse", "shipped"]["bytes"] == shipped.stat().st_size
    assert by_source["refinefuse", "imported"]["families"] == ["ir-vis", "medical"]
    missing = [row for row in rows if row["source"] == "unavailable"]
    assert missing
    assert all(row["command"].startswith("fusionbench ") and row["path"] is None for row in missing)
    assert not {row["method"] for row in rows} & {"average", "visible"}
    assert CliRunner().invoke(app, ["weights", "list"]).exit_code == 0


def test_verify_reads_every_file_again(folder: Path) -> None:
    shipped = share("methods") / "refinefuse" / "weights" / "ir-vis.safetensors"
    assert CliRunner().invoke(app, ["weights", "verify"]).exit_code == 0
    kept = import_weights(shipped, ImportOptions("refinefuse"))
    with kept.open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\x01")
    done = CliRunner().invoke(app, ["weights", "verify", "--json"])
    assert done.exit_code == 1
    problems = {row["source"]: row["problem"] for row in json.loads(done.stdout)}
    assert problems["shipped"] is None
    assert "import it again" in problems["imported"]
    shutil.rmtree(folder)
