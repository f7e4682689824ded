"""From fused images to a table: division, rows, training, resuming, failures and the store."""

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

pytest.importorskip("segmentation_models_pytorch", reason="downstream tasks need the extra downstream")
pytest.importorskip("faster_coco_eval", reason="downstream tasks need the extra downstream")

from fusionbench.cells.planned import Failure
from fusionbench.cells.progress import Reporter
from fusionbench.cells.store import read_records, read_runs, score_rows
from fusionbench.cli.app import app
from fusionbench.data.registry import dataset
from fusionbench.downstream import work
from fusionbench.downstream.division import find_division
from fusionbench.downstream.recipes import choose_recipe
from fusionbench.downstream.run import DownstreamOptions, done, downstream, plan_downstream
from fusionbench.downstream.work import do_unit, record_unit_failure
from fusionbench.errors import ConfigError, DataNotFoundError, RequestError, UnknownNameError, WeightsError
from fusionbench.figures import draw
from fusionbench.figures.options import Options
from fusionbench.papers.against import NOT_COMPARABLE, reproductions
from fusionbench.papers.printed import select_numbers
from fusionbench.statistics.tasks import task_statistics
from fusionbench.tables import build_tables, render
from fusionbench.tables.board import build_boards
from fusionbench.tables.formats.terminal import print_tables

SMALL = ("epochs=2", "height=32", "width=32", "channels=16", "batch_size=2")


def options(scenes, task: str = "segment", **changes: object) -> DownstreamOptions:
    network = {"segment": "deeplabv3plus@cpu", "detect": "fcos@cpu"}[task]
    recipe = SMALL if task == "segment" else ("epochs=1", "batch_size=2", "height=96", "width=96")
    return DownstreamOptions(
        task=task, dataset="msrs", runs=(scenes.runs,), network=network, device="cpu", data_root=str(scenes.data),
        overrides=recipe, **changes,
    )  # fmt: skip


class Listener(Reporter):
    def __init__(self) -> None:
        self.phases: list[tuple[str, int]] = []
        self.images = 0

    def start(self, label: str, total: int) -> None:
        self.phases.append((label, total))

    def advance(self) -> None:
        self.images += 1


def test_units_train_test_and_stand_in_tables_as_other_scores(scenes) -> None:
    here = scenes()
    heard = Listener()
    for unit in plan_downstream(options(here, seeds=(0, 1))).units:
        assert do_unit(unit, heard) is None
        assert done(unit)
    assert ("msrs · visible · segment, seed 0 · train, epoch 2 of 2", 4) in heard.phases
    assert ("msrs · infrared · segment, seed 1 · test", 2) in heard.phases
    assert heard.images == 2 * 2 * (2 * 4 + 2)
    records = read_records(here.runs)
    (table,) = build_tables(records, score_rows(records))
    assert [column.metric for column in table.columns][:3] == ["mIoU", "IoU:unlabelled", "IoU:car"]
    assert all(row.cells[0].value is not None for row in table.rows)
    assert "mean of seeds 0, 1, SD" in table.rows[0].cells[0].note
    text = render([table], "md")
    assert "4 pairs to train and 2 to test (drawn, roles of split.csv)" in text
    assert "from scratch" in text
    # each row's seeds and deviation are its own, so the number says which footnote is meant
    cell = table.rows[0].cells[0]
    number = table.number(cell.note)
    assert f"{cell.text}**<sup>{number}</sup>" in text or f"{cell.text}</u><sup>{number}</sup>" in text
    assert f"{cell.text}}}\\textsuperscript{{{number}}}" in render([table], "tex")
    assert re.search(rf"{cell.text}(</\w+>)*<sup>{number}</sup>", render([table], "html"))
    console = Console(file=StringIO(), width=200)
    print_tables([table], console)
    assert f"{cell.text} [{number}]" in console.file.getvalue()
    # a class that no test image holds
    person = table.rows[0].cells[[c.metric for c in table.columns].index("IoU:person")]
    assert (person.status, person.text) == ("undefined", "–")
    (statistics,) = task_statistics(build_boards(records, score_rows(records))[0])
    infrared, visible = statistics.rows
    assert visible.gain is None
    assert infrared.gain == pytest.approx(infrared.mean - visible.mean)
    assert infrared.gain_low <= infrared.gain_high
    assert set(infrared.seeds) == {0, 1}
    frame = read_runs(here.runs)
    assert set(frame.metric) >= {"mIoU", "IoU:car"}
    assert (frame.image == "").all()
    picture = draw(
        "qualitative",
        build_boards(records, score_rows(records)),
        Options(data_root=str(here.data), downstream="segment"),
    )
    assert "Predicted maps of classes of seed 0" in picture.caption
    numbers = [
        number
        for number in select_numbers(papers=["sspfusion"], kinds=["segmentation"])
        if number.method == "Visible"
    ]
    compared = {
        finding.number.metric: finding
        for finding in reproductions(records, list(score_rows(records)), numbers)
    }
    assert compared["mIoU"].measured == pytest.approx(100 * visible.mean)
    assert compared["IoU:background"].verdict == NOT_COMPARABLE
    assert "the paper trains DeepLabV3+ on pairs of its own, here DeepLabV3Plus" in compared["mIoU"].why[-1]


def test_the_same_call_finds_everything_done_and_another_seed_is_another_unit(
    scenes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_predictor", lambda *_: lambda image: np.ones(image.shape[:2], np.uint8))
    here = scenes()
    (unit,) = plan_downstream(options(here, method=("visible",))).units
    do_unit(unit, Reporter())
    before = (unit.place / "downstream.json").read_bytes()
    assert [u.computed for u in downstream(options(here, method=("visible",))).units] == [False]
    assert (unit.place / "downstream.json").read_bytes() == before
    (other,) = plan_downstream(options(here, method=("visible",), seeds=(1,))).units
    (frozen,) = plan_downstream(options(here, method=("visible",), protocol="frozen")).units
    assert len({unit.id, other.id, frozen.id}) == 3
    # trained on the same images by the same recipe: one network serves both protocols
    assert frozen.network_place == unit.network_place != other.network_place
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(next(iter(unit.row.test.values())))
    (changed,) = plan_downstream(options(here, method=("visible",))).units
    assert not done(changed)


def test_a_stopped_training_ends_with_the_weights_of_one_that_was_not(scenes) -> None:
    from safetensors.torch import load_file

    from fusionbench.downstream.training import trained_network

    class Stopping(Listener):
        def start(self, label: str, total: int) -> None:
            if "epoch 2" in label:
                raise RuntimeError("the process is killed here")

    straight, stopped = (plan_downstream(options(scenes(), method=("visible",))).units[0] for _ in range(2))
    trained_network(straight, Reporter())
    with pytest.raises(RuntimeError, match="killed"):
        trained_network(stopped, Stopping())
    trained_network(stopped, Reporter())
    uncut, other = (load_file(unit.network_place / "network.safetensors") for unit in (straight, stopped))
    assert all((uncut[name] == other[name]).all() for name in uncut)


def test_detection_trains_and_scores(scenes) -> None:
    here = scenes()
    (unit,) = plan_downstream(options(here, "detect", method=("visible",))).units
    assert do_unit(unit, Reporter()) is None
    (line,) = [row for row in score_rows(read_records(here.runs)) if row.metric == "mAP50"]
    assert 0 <= line.value <= 1
    assert len((unit.place / "detections.jsonl").read_text().splitlines()) == 2


def test_a_failure_stays_in_its_row_with_a_status(scenes) -> None:
    here = scenes()
    units = plan_downstream(options(here)).units
    for pair in units[0].division.test:
        pair.label.write_bytes(pair.label.read_bytes())
    broken = replace(units[0], network=choose_recipe("segment", "deeplabv3plus@cpu", ("encoder=nonsense",)))
    failure = do_unit(broken, Reporter())
    assert failure.status == "failed"
    assert "nonsense" in failure.detail
    record_unit_failure(units[1], Failure("timeout", "not done after 1 s: give a longer --timeout"))
    records = read_records(here.runs)
    (table,) = build_tables(records, score_rows(records))
    assert {row.cells[0].status for row in table.rows} == {"failed", "timeout"}
    assert not done(units[1])


def test_rows_without_their_images_are_left_out_with_the_reason(scenes) -> None:
    here = scenes()
    (unit,) = plan_downstream(options(here, method=("visible",))).units
    next(iter(unit.row.train.values())).unlink()
    plan = plan_downstream(options(here))
    assert [row.method for row in plan.lacking] == ["visible"]
    assert "1 of 6 images are not stored" in plan.lacking[0].lacks
    result = downstream(options(here, method=("visible",)))
    assert [unit.status for unit in result.units] == ["skipped"]
    assert not result.ok


def test_divisions(scenes, tmp_path: Path) -> None:
    root = scenes().data
    msrs = dataset("msrs")
    division = find_division(msrs, "segment", "auto", root=root)
    assert [len(division.train), len(division.test)] == [4, 2]
    drawn = find_division(msrs, "detect", "0.5", root=root)
    assert [len(drawn.train), len(drawn.test)] == [3, 3]
    assert drawn == find_division(msrs, "detect", "0.5", root=root)
    file = tmp_path / "mine.csv"
    file.write_text("name,role\n00000D,train\n00001D,train\n00002D,test\n")
    mine = find_division(msrs, "segment", str(file), root=root)
    assert [pair.id for pair in mine.test] == ["00002D"]
    with pytest.raises(DataNotFoundError, match="no folder"):
        find_division(msrs, "segment", "official", root=root)
    with pytest.raises(RequestError, match="is not a division"):
        find_division(msrs, "segment", "1.5", root=root)
    with pytest.raises(DataNotFoundError, match="no label maps in the catalog"):
        find_division(dataset("tno"), "segment", root=root)


def test_recipes(tmp_path: Path) -> None:
    chosen = choose_recipe("segment", None)
    assert (chosen.recipe.epochs, chosen.recipe.optimizer.lr, chosen.recipe.frozen_batch_size) == (
        340,
        7e-3,
        8,
    )
    assert chosen.frozen_epochs == 0, "a backbone from scratch is not frozen"
    assert "AGPL-3.0" in choose_recipe("detect", "yolov8s").title
    with pytest.raises(UnknownNameError, match="deeplabv3plus"):
        choose_recipe("segment", "deeplabv3+")
    with pytest.raises(ConfigError, match="did you mean 'epochs'"):
        choose_recipe("segment", None, ("epoch=3",))
    with pytest.raises(ConfigError, match="use none or enet"):
        choose_recipe("segment", None, ("class_weights=log",))
    with pytest.raises(ConfigError, match="epochs is 0"):
        choose_recipe("segment", None, ("epochs=0",))
    with pytest.raises(WeightsError, match="does not exist"):
        choose_recipe("segment", None, (f"backbone={tmp_path / 'none.pth'}",))
    wrong = tmp_path / "resnet50-11ad3fa6.pth"
    wrong.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="its name says 11ad3fa6"):
        choose_recipe("segment", None, (f"backbone={wrong}",))


def test_a_backbone_is_loaded_frozen_first_and_said_in_the_setting(scenes, tmp_path: Path) -> None:
    import torch

    from fusionbench.downstream.modules import Segmenter
    from fusionbench.downstream.networks import build_segmenter
    from fusionbench.downstream.samples import Source

    small = choose_recipe("segment", "deeplabv3plus@cpu", SMALL)
    state = build_segmenter(small, 9).encoder.state_dict()
    torch.save(state | {"classifier.weight": torch.zeros(1)}, tmp_path / "backbone.pth")
    changes = (*SMALL, f"backbone={tmp_path / 'backbone.pth'}", "frozen_epochs=1")
    (unit,) = plan_downstream(replace(options(scenes(), method=("visible",)), overrides=changes)).units
    assert "the first 1 with the backbone frozen" in unit.setting
    assert str(tmp_path) not in json.dumps(unit.identity)
    module = Segmenter(unit.network, Source(unit.division.train, unit.division.spec, unit.train), 0)
    assert all(torch.equal(value, state[name]) for name, value in module.network.encoder.state_dict().items())
    torch.save({"other": torch.zeros(1)}, tmp_path / "backbone.pth")
    with pytest.raises(WeightsError, match="does not fit"):
        build_segmenter(choose_recipe("segment", None, changes), 9)


def test_a_unit_that_takes_too_long_is_ended_with_the_status_timeout(scenes) -> None:
    here = scenes()
    result = downstream(options(here, method=("visible",), timeout=0.2))
    assert [(unit.status, unit.computed) for unit in result.units] == [("timeout", True)]
    assert "give a longer --timeout" in result.units[0].detail
    records = read_records(here.runs)
    (table,) = build_tables(records, score_rows(records))
    assert [row.cells[0].status for row in table.rows if row.method == "visible"] == ["timeout"]


def test_the_verb_plans_and_refuses(scenes) -> None:
    here = scenes()
    common = [
        "--runs",
        str(here.runs),
        "--data-root",
        str(here.data),
        "--device",
        "cpu",
        "-n",
        "deeplabv3plus@cpu",
        *SMALL,
    ]
    call = CliRunner().invoke
    done = call(app, ["downstream", "segment", "-d", "msrs", "--seed", "0,1", "--dry-run", "--json", *common])
    assert done.exit_code == 0, done.stderr
    plan = json.loads(done.stdout)
    assert [(unit["method"], unit["seed"], unit["done"]) for unit in plan["units"]] == [
        ("infrared", 0, False), ("infrared", 1, False), ("visible", 0, False), ("visible", 1, False),
    ]  # fmt: skip
    for wrong, message in (
        (["--seed", "a"], "is not a list of seeds"),
        (["--seed", "0,-1"], "whole numbers from 0 to 4294967295"),
        (["--timeout", "nan"], "must be more than 0"),
        (["--protocol", "freeze"], "did you mean 'frozen'"),
        (["-m", "visibel"], "did you mean 'visible'"),
        (["--timeout", "0"], "must be more than 0"),
    ):
        refused = call(app, ["downstream", "segment", "-d", "msrs", *common, *wrong])
        assert refused.exit_code == 2
        assert message in refused.stderr


@pytest.mark.slow
def test_the_verb_computes_in_processes_of_their_own_and_prints_the_table(scenes) -> None:
    here = scenes()
    common = [
        "--runs",
        str(here.runs),
        "--data-root",
        str(here.data),
        "--device",
        "cpu",
        "-n",
        "deeplabv3plus@cpu",
        *SMALL,
    ]
    done = CliRunner().invoke(
        app, ["downstream", "segment", "-d", "msrs", "-m", "visible", "--json", *common]
    )
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert [unit["status"] for unit in document["units"]] == ["ok"]
    assert document["tables"][0]["columns"][0]["metric"] == "mIoU"
