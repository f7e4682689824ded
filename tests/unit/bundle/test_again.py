"""What verify computes again of whole sets: set-level metrics and the scores of stored predictions."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("segmentation_models_pytorch", reason="downstream tasks need the extra downstream")
pytest.importorskip("faster_coco_eval", reason="downstream tasks need the extra downstream")

from fusionbench.bundle import repeat
from fusionbench.bundle.content import rendered_tables, sha256
from fusionbench.bundle.finding import CheckResult
from fusionbench.bundle.pack import pack
from fusionbench.bundle.verify import verify
from fusionbench.cells.progress import Reporter
from fusionbench.cli.app import app
from fusionbench.downstream import work
from fusionbench.downstream.modules import Detections
from fusionbench.downstream.run import DownstreamOptions, plan_downstream


def half(image: np.ndarray) -> np.ndarray:
    """Predict class 1 on the left half."""
    found = np.zeros(image.shape[:2], np.uint8)
    found[:, : image.shape[1] // 2] = 1
    return found


def middle(image: np.ndarray) -> Detections:
    """Predict one object of class 0 in the middle."""
    height, width = image.shape[:2]
    corners = np.array([[width / 4, height / 4, 3 * width / 4, 3 * height / 4]])
    return Detections(corners, np.array([0.9]), np.array([0]))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, fused: Callable[[Path, str, int], Path]) -> Path:
    """A run of three demo pairs with a result of each task, of predictions that no network had to be trained for."""
    out = fused(tmp_path_factory.mktemp("again") / "runs", "EN", 3)
    with pytest.MonkeyPatch.context() as patch:
        for task, predict in (("segment", half), ("detect", middle)):
            patch.setattr(work, "_predictor", lambda *_, predict=predict: predict)
            asked = DownstreamOptions(
                task=task, dataset="demo", runs=(out,), division="0.67", limit=3, device="cpu"
            )
            (unit,) = plan_downstream(asked).units
            assert work.do_unit(unit, Reporter()) is None
    return out


@pytest.fixture(autouse=True)
def no_fusing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out fusing again, which test_bundle.py looks at."""
    monkeypatch.setattr(repeat, "_refused", lambda *_: iter(()))


@pytest.fixture
def bundle(runs: Path, tmp_path: Path) -> Path:
    pack([runs], tmp_path / "paper.zip", images=True)
    return tmp_path / "paper.zip"


def forged(bundle: Path, edit: Callable[[Path], None]) -> Path:
    """Return the bundle after an edit, with tables and hashes made anew as a forger would."""
    folder = bundle.with_suffix("")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    edit(folder)
    for name, data in rendered_tables(folder / "runs").items():
        (folder / name).write_bytes(data)
    index = json.loads((folder / "bundle.json").read_text())
    index["files"] = {name: sha256((folder / name).read_bytes()) for name in index["files"]}
    (folder / "bundle.json").write_text(json.dumps(index))
    return Path(shutil.make_archive(str(bundle.with_name("forged")), "zip", folder))


def result_of(folder: Path, task: str) -> Path:
    (found,) = (
        path.parent
        for path in folder.glob("runs/*/*/*/downstream/*/downstream.json")
        if json.loads(path.read_text())["task"] == task
    )
    return found


def told(findings: list[CheckResult], level: str) -> str:
    return "\n".join(f"{f.what}: {f.detail}" for f in findings if f.level == level)


def test_scores_follow_from_stored_predictions(bundle: Path) -> None:
    findings = verify(bundle, sample=1)
    assert told(findings, "wrong") == ""
    assert (
        told(findings, "ok").count("follow from the stored predictions; the network was not trained again")
        == 2
    )


def test_without_predictions_the_bundle_says_that_they_were_not_scored(runs: Path, tmp_path: Path) -> None:
    pack([runs], tmp_path / "small.zip")
    findings = verify(tmp_path / "small.zip", sample=1)
    assert told(findings, "wrong") == ""
    unchecked = told(findings, "unchecked")
    assert "detections.jsonl is not in the bundle; `pack --images` puts them into a bundle" in unchecked
    assert unchecked.count("predictions were not scored again") == 2


def test_a_forged_score_and_a_forged_prediction_of_a_task_are_named(bundle: Path) -> None:
    def edit(folder: Path) -> None:
        scores = result_of(folder, "segment") / "scores.jsonl"
        lines = [json.loads(line) for line in scores.read_text().splitlines()]
        scores.write_text(
            "".join(json.dumps(line | {"value": line["value"] and 0.9}) + "\n" for line in lines)
        )
        detections = result_of(folder, "detect") / "detections.jsonl"
        lines = [json.loads(line) for line in detections.read_text().splitlines()]
        detections.write_text(
            "".join(json.dumps(line | {"boxes": [], "scores": [], "classes": []}) + "\n" for line in lines)
        )

    changed = forged(bundle, edit)
    assert told(verify(changed, sample=0), "wrong") == ""
    wrong = told(verify(changed, sample=1), "wrong")
    assert "mIoU of the stored predictions is" in wrong
    assert "the bundle says 0.9" in wrong


@pytest.mark.parametrize("text", ['{"status": ', "[]", '{"status": "ok"}'])
def test_a_damaged_record_of_a_task_is_one_sentence(
    bundle: Path, runs: Path, tmp_path: Path, text: str
) -> None:
    folder = bundle.with_suffix("")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    (result_of(folder, "segment") / "downstream.json").write_text(text)
    changed = shutil.make_archive(str(tmp_path / "damaged"), "zip", folder)
    done = CliRunner().invoke(app, ["verify", changed, "--sample", "1"])
    assert done.exit_code == 1, done.output
    (line,) = [line for line in done.stdout.splitlines() if "downstream.json: is damaged" in line]
    assert line.startswith("wrong")
    copy = tmp_path / "copy"
    shutil.copytree(runs, copy)
    broken = next(copy.glob("*/*/*/downstream/*/downstream.json"))
    broken.write_text(text)
    for verb in (["table", str(copy)], ["pack", str(copy), "-o", str(tmp_path / "again.zip")]):
        refused = CliRunner().invoke(app, verb)
        assert refused.exit_code == 2, refused.output
        assert "delete its folder and run `downstream` again" in " ".join(refused.stderr.split())


def test_a_set_is_scored_again_with_the_towers_at_hand(
    small_towers: Path, tmp_path: Path, fused: Callable[[Path, str, int], Path]
) -> None:
    fused(tmp_path / "runs", "EN,CMMDF", 2)
    pack([tmp_path / "runs"], tmp_path / "set.zip", images=True)
    findings = verify(tmp_path / "set.zip", sample=1)
    assert told(findings, "wrong") == ""
    assert "CMMDF of all 2 stored images, computed again, agrees" in told(findings, "ok")
    pack([tmp_path / "runs"], tmp_path / "small.zip")
    unchecked = told(verify(tmp_path / "small.zip", sample=1), "unchecked")
    assert "CMMDF of the set was not computed again: 2 of 2 images are not in the bundle" in unchecked
