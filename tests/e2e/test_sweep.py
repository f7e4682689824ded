"""Sweeps as users write them."""

from __future__ import annotations

import hashlib
import json
from itertools import product
from pathlib import Path

import pytest
from command import fusionbench
from PIL import Image

from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import ConfigError, RequestError
from fusionbench.papers.printed import papers
from fusionbench.providers import share
from fusionbench.runs.run import RunOptions, make_jobs, plan_all, shard_of
from fusionbench.runs.sweep import expand, find_sweep, read_sweep

DEMO = {"ir-vis": "demo", "medical": "demo-medical", "sar-opt": "demo-sar-opt"}
SHIPPED = sorted(path.stem for path in share("benchmarks").glob("*.yaml"))


def write(folder: Path, **document: object) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(json.dumps({"methods": ["refinefuse"], "datasets": ["demo"], **document}))
    return path


def names(path: Path, **options: object) -> list[str]:
    asked = expand(read_sweep(path), RunOptions((), (), **options))
    return [job.planned.name for job in make_jobs(plan_all(asked))]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_sweep_that_comes_along_can_be_planned_on_demo(name: str) -> None:
    sweep = read_sweep(find_sweep(name))
    first = sweep.datasets[0]
    demo = DEMO[first if first in DEMO else dataset(first).family]
    sweep.datasets, sweep.train_datasets = [demo], [demo] if sweep.train_datasets else []
    sweep.split = "test"
    asked = expand(sweep, RunOptions((), ()))
    assert all(plan.cells for plan in plan_all(asked))


@pytest.fixture(scope="module")
def sar_optical_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data root with a few patches of each SAR-optical data set, in its public layout."""
    root = tmp_path_factory.mktemp("data")
    numbers = [n for n in range(400) if drawn(f"sen12/ROIs1158_spring_0_p{n}") < 0.0755]
    layouts = {
        "WHU-OPT-SAR/prepared/{}/scene_{}.png": ("sar", "opt"),
        "SEN1-2/ROIs1158_spring/{0}_0/ROIs1158_spring_{0}_0_p{1}.png": ("s1", "s2"),
        "QXS-SAROPT/{}_256_oc_0.2/{}.png": ("sar", "opt"),
        "OGSOD/{}/images/train/{}.png": ("sar", "rgb"),
        "YYX-OPT-SAR/{}/{}.png": ("sar", "opt", "label"),
    }
    for layout, kinds in layouts.items():
        for kind, number in product(kinds, numbers):
            path = root / layout.format(kind, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (32, 32)).save(path)
    return root


def drawn(identity: str) -> float:
    """Return where the catalog's splits place an id, from 0 to 1."""
    return int(hashlib.sha256(identity.encode()).hexdigest(), 16) / 2**256


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.startswith(("csp_mcin", "lsnf_table"))])
def test_sweeps_of_sar_optical_papers_can_be_planned_as_they_stand(name: str, sar_optical_sets: Path) -> None:
    sweep = read_sweep(find_sweep(name))
    asked = expand(sweep, RunOptions((), (), data_root=str(sar_optical_sets)))
    planned = [cell for plan in plan_all(asked) for cell in plan.cells]
    assert {cell.split.spec.name for cell in planned} == set(sweep.datasets)
    for source in {*sweep.train_datasets, *(() if sweep.train_datasets else sweep.datasets)}:
        assert find_split(dataset(source), "train", sar_optical_sets).pairs


def test_the_transfer_sweep_is_the_papers_table_8_with_the_epochs_of_each_training_set() -> None:
    printed = {(n.train_dataset, n.dataset) for n in papers()["csp_mcin"].numbers if n.table == 8}
    sweep = read_sweep(find_sweep("csp_mcin_transfer"))
    assert set(product(sweep.train_datasets, sweep.datasets)) == printed
    sweep.datasets = ["demo-sar-opt"]
    plans = plan_all(expand(sweep, RunOptions((), ())))
    epochs = {cell.name: cell.config.stages["fuse"].epochs for plan in plans for cell in plan.cells}
    assert epochs == {
        "csp_mcin@from=sen12": 100,
        "csp_mcin@from=qxs-saropt": 120,
        "csp_mcin@from=whu-opt-sar": 65,
    }


def test_a_grid_gives_one_row_a_point_and_baselines_once(tmp_path: Path) -> None:
    path = write(tmp_path, grid={"args.levels": [3, 4], "args.fim": False}, seeds=[0, 1], baselines=True)
    rows = names(path)
    assert rows[0] == "refinefuse@levels=3+fim=False+seed=0"
    assert len([name for name in rows if name.startswith("refinefuse")]) == 4
    assert rows.count("average") == 1


def test_variants_and_settings_share_a_name(tmp_path: Path) -> None:
    path = write(tmp_path, methods=["refinefuse@wo_fim"], grid={"args.levels": [3]})
    assert names(path) == ["refinefuse@wo_fim+levels=3"]


def test_transfer_names_the_data_set_that_was_learned_from(tmp_path: Path) -> None:
    path = write(tmp_path, train_datasets=["demo", "demo-medical"])
    assert names(path) == ["refinefuse@from=demo", "refinefuse@from=demo-medical"]


def test_seeds_tell_the_learned_members_of_a_group_apart(tmp_path: Path) -> None:
    rows = names(write(tmp_path, methods=["all"], seeds=[0, 1]))
    assert {"refinefuse@seed=0", "refinefuse@seed=1", "dsifuse@seed=1"} < set(rows)
    assert rows.count("average") == 1


def test_a_run_names_the_data_set_that_was_learned_from() -> None:
    asked = [RunOptions(("refinefuse",), ("demo",), baselines=False, train_dataset="msrs")]
    assert [job.planned.name for job in make_jobs(plan_all(asked))] == ["refinefuse@from=msrs"]


def test_shards_are_disjoint_and_complete(tmp_path: Path) -> None:
    asked = expand(read_sweep(write(tmp_path, seeds=list(range(7)))), RunOptions((), ()))
    jobs = make_jobs(plan_all(asked))
    parts = [shard_of(jobs, f"{part}/3") for part in (1, 2, 3)]
    assert sorted(job.index for part in parts for job in part) == list(range(7))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"metod": ["average"]}, "did you mean 'methods'"),
        ({"seeds": []}, "names no seeds"),
        ({"seeds": ["zero"]}, r"seeds\[0\]: Value 'zero'"),
        ({"seeds": 3}, r"seeds is 3: write a list, seeds: \[VALUE, ...\]\.$"),
        ({"methods": [["average"]]}, r"methods holds \['average'\]"),
        ({"grid": ["args.levels"]}, r"grid is \['args.levels'\]: write keys with values"),
        ({"table": {"metrics": "EN"}}, "table.metrics: a list is needed"),
        ({"methods": ["learned"], "grid": {"args.levels": [3]}}, "name methods"),
        ({"grid": {"args.levels": []}}, "grid.args.levels has no value"),
    ],
)
def test_a_wrong_file_is_told_apart(document: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words):
        read_sweep(write(tmp_path, **document))


def test_dry_run_tells_what_is_done_and_how_long_the_rest_took(tmp_path: Path) -> None:
    write(tmp_path, methods=["average"], seeds=[0, 1], limit=2, metrics=["EN"])
    first = fusionbench("sweep", "sweep.yaml", "--shard", "1/2", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    done = fusionbench("sweep", "sweep.yaml", "--dry-run", "--json", cwd=tmp_path)
    cells = json.loads(done.stdout)["cells"]
    assert [(cell["method"], cell["done"]) for cell in cells] == [
        ("average@seed=0", True),
        ("average@seed=1", False),
    ]
    assert cells[1]["seconds"] > 0


@pytest.mark.parametrize("shard", ["0/2", "3/2", "a/b", "1"])
def test_a_wrong_shard_is_one_sentence(shard: str) -> None:
    with pytest.raises(RequestError, match="for example 1/4"):
        shard_of([], shard)
