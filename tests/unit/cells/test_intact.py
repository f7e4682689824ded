"""Results that were edited, damaged or mixed up are noticed by `table` and `run`, in one sentence."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fusionbench.cells.intact import changed_images, image_hashes
from fusionbench.cells.score import Missing, score_missing
from fusionbench.cells.score_lines import read_lines
from fusionbench.cells.store import Cell
from fusionbench.cells.weights import from_training
from fusionbench.cli.app import app
from fusionbench.data.manifest import SourceStamps, file_hashes
from fusionbench.errors import ImageError, OutputError, WeightsError
from fusionbench.files import digest_of, write_text
from fusionbench.training.callbacks import read_progress
from fusionbench.types import Pair

LINE = {"run": "r", "image": "1", "metric": "EN", "version": 1, "profile": "canonical", "value": 1.5, "status": "ok", "detail": ""}  # fmt: skip


def save(path: Path, level: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8), level, np.uint8)).save(path)
    return path


@pytest.fixture
def cell(tmp_path: Path) -> Cell:
    """A finished cell as `run` leaves it, with one image and one score."""
    identity = {"data": "d", "seed": 0}
    finished = Cell(tmp_path / "runs" / "demo-test" / "average" / digest_of(identity)[:10])
    save(finished.image("1"), 7)
    finished.append([LINE | {"run": finished.id}])
    record = {
        "schema": 1, "id": finished.id, "identity": identity, "status": "ok", "detail": "", "images": {},
        "dataset": {"name": "demo", "title": "Demo", "family": "ir-vis", "split": "test", "a": "infrared", "b": "visible",
                    "pairs": 1, "expected": 8, "limit": None, "ids": ["1"],
                    "split_hash": "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"},
        "method": {"name": "average", "title": "Average", "kind": "trivial", "color": "luma", "doi": None},
        "weights": {"source": "none", "sha256": None, "file": None, "note": ""}, "config": {}, "probe": [0.0],
        "provenance": {"versions": {}, "device": "cpu", "finished": None}, "hashes": image_hashes(finished, ["1"]),
    }  # fmt: skip
    finished.write_record(record)
    return finished


def edit(cell: Cell, change: Callable[[dict], object]) -> None:
    record = json.loads(cell.record_file.read_text())
    change(record)
    cell.record_file.write_text(json.dumps(record))


def test_what_was_written_is_read(cell: Cell) -> None:
    record = cell.read_record()
    assert changed_images(cell, record) == []
    assert read_lines(cell.scores_file) == [LINE | {"run": cell.id}]
    done = CliRunner().invoke(app, ["table", str(cell.path.parents[2])])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["identity"].update(seed=1), "its id is not that of its identity"),
        (lambda r: r["dataset"].update(ids=["1", "2"]), "its ids are not those of its split hash"),
        (lambda r: r["dataset"].update(ids="1"), "dataset.ids is not a list of texts"),
        (lambda r: r["dataset"].update(name=7), "dataset.name is not a text"),
        (lambda r: r.update(method=["average"]), "method is not a mapping"),
        (lambda r: r.update(images=[]), "images is not a mapping"),
    ],
)
def test_an_edited_record_is_one_sentence(cell: Cell, change: Callable[[dict], object], message: str) -> None:
    edit(cell, change)
    done = CliRunner().invoke(app, ["table", str(cell.path.parents[2])])
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_edited_image_is_noticed(cell: Cell) -> None:
    save(cell.image("1"), 8)
    assert changed_images(cell, cell.read_record()) == ["1"]
    done = CliRunner().invoke(app, ["table", str(cell.path.parents[2])])
    assert done.exit_code == 2
    assert "changed after the scores were made: run again with --fresh" in done.stderr


def test_an_edited_score_is_noticed(cell: Cell) -> None:
    cell.scores_file.write_text(cell.scores_file.read_text().replace("1.5", "1.6"))
    with pytest.raises(OutputError, match="line 1 was edited"):
        read_lines(cell.scores_file)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "true", '"1.5"', "null", "[1]"])
def test_a_value_that_is_no_number_is_no_score(cell: Cell, value: str) -> None:
    line = json.dumps(LINE).replace("1.5", value)
    cell.scores_file.write_text(
        line + "\n"
    )  # without a checksum, as an earlier version or another program wrote it
    with pytest.raises(OutputError, match="line 1 is not a score"):
        read_lines(cell.scores_file)


def test_a_source_that_is_replaced_is_not_scored_under_the_old_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [Pair(n, save(tmp_path / f"a/{n}.png", 9), save(tmp_path / f"b/{n}.png", 5)) for n in ("1", "2")]
    cell = Cell(tmp_path / "cell")
    for pair in pairs:
        save(cell.image(pair.id), 7)
    missing = Missing(cell, {"1": ["EN"], "2": ["EN"]}, "canonical", {})

    def replace_second(pair_id: str, _: object) -> None:
        if pair_id == "1":
            save(tmp_path / "a/2.png", 200)
            os.utime(tmp_path / "a/2.png", ns=(1, 1))

    score_missing([missing], pairs, replace_second)
    assert {key.image: line["status"] for key, line in cell.scores().items()} == {"1": "ok", "2": "failed"}
    assert "was replaced while the run went on" in missing.failures["2"].detail


def test_stamps_notice_a_file_that_is_gone(tmp_path: Path) -> None:
    pair = Pair("1", save(tmp_path / "a.png", 1), save(tmp_path / "b.png", 1))
    stamps = SourceStamps([pair])
    stamps.check(pair)
    pair.b.unlink()
    with pytest.raises(ImageError, match=r"b\.png' was replaced"):
        stamps.check(pair)


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', '{"a": ["x"]}', "null", "{", '{"a": [1, 2]}'])
def test_a_damaged_cache_of_hashes_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    path = save(tmp_path / "x" / "a.png", 1)
    before = file_hashes(tmp_path / "x", [path])
    (kept,) = (tmp_path / "cache" / "hashes").iterdir()
    kept.write_text(text)
    assert file_hashes(tmp_path / "x", [path]) == before


@pytest.mark.parametrize("text", ["{", "[]", '{"note": "n"}', '{"sha256": "0", "note": "n"}'])
def test_trained_weights_are_verified_as_shipped_ones_are(tmp_path: Path, text: str) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"weights")
    (tmp_path / "weights.json").write_text(text)
    with pytest.raises(WeightsError, match=r"train again"):
        from_training(tmp_path / "weights.safetensors")


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04"])
def test_a_damaged_checkpoint_of_a_training_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.ckpt").write_bytes(content)
    with pytest.raises(WeightsError, match="delete the folder and train again"):
        read_progress(tmp_path)


def test_a_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync, move = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("fsync"), sync(handle))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append("replace"), move(a, b))[1])
    write_text(tmp_path / "x", "text")
    assert order == ["fsync", "replace"]


def test_a_copy_of_a_folder_is_intact(cell: Cell, tmp_path: Path) -> None:
    shutil.copytree(cell.path, tmp_path / "copy")
    copy = Cell(tmp_path / "copy")
    assert changed_images(copy, copy.read_record()) == []
