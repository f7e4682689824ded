"""Names of rows become folders inside --out, whatever stands in them; sweeps resolve nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fusionbench.cells.planned import Job, PlannedCell
from fusionbench.cells.record import cell_of
from fusionbench.cli.app import app
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import ConfigError, RequestError
from fusionbench.files import folder_name
from fusionbench.registry.methods import spec
from fusionbench.runs.plan import make_plan
from fusionbench.runs.run import RunOptions, plan_run
from fusionbench.runs.sweep import read_sweep
from fusionbench.weights.methods import Weights


@pytest.mark.parametrize(
    ("name", "coded"),
    [
        ("dsifuse@wo_cfc+seed=1", "dsifuse@wo_cfc+seed=1"),
        ("average@levels=[1, 2]", "average@levels=[1, 2]"),
        ("average@x=../../evil", "average@x=..%2F..%2Fevil"),
        ("a\\b:c*?", "a%5Cb%3Ac%2A%3F"),
        ("..", "%2E%2E"),
        (".hidden", "%2Ehidden"),
        ("50%", "50%25"),
        ("夜", "夜"),
    ],
)
def test_a_name_is_one_folder(name: str, coded: str) -> None:
    assert folder_name(name) == coded


def test_a_name_too_long_for_a_folder_is_refused() -> None:
    with pytest.raises(RequestError, match="at most 200"):
        folder_name("x" * 201)
    with pytest.raises(RequestError, match="at most 200"):
        folder_name("夜" * 67)


def test_a_grid_value_cannot_lead_out_of_the_results(tmp_path: Path) -> None:
    split = find_split(dataset("demo"), "test", limit=1)
    planned = PlannedCell(spec("average"), spec("average").config(), split, "x=../../../../evil")
    options = RunOptions(("average",), ("demo",), out=tmp_path / "runs")
    place = cell_of(Job(0, planned, options, (), {"a": 1}), Weights("none")).path
    assert place.resolve().is_relative_to(tmp_path / "runs")
    assert place.parent.parent == tmp_path / "runs" / "demo-test"


def test_the_plan_refuses_a_long_name_before_any_work() -> None:
    with pytest.raises(RequestError.__base__, match="cannot name a folder of results"):
        make_plan(RunOptions(("laplacian_pyramid",), ("demo",), baselines=False, setting="x=" + "1" * 300))


@pytest.mark.parametrize(
    "text",
    [
        "methods: [average]\ndatasets: ['${oc.env:HOME}']\n",
        "methods: [laplacian_pyramid]\ndatasets: [demo]\ngrid: {args.levels: ['${oc.env:HOME}']}\n",
        "title: ${methods}\nmethods: [average]\ndatasets: [demo]\n",
    ],
)
def test_interpolation_in_a_sweep_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(ConfigError, match="interpolation is not allowed"):
        read_sweep(tmp_path / "s.yaml")


def test_interpolation_in_an_override_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVELS", "3")
    with pytest.raises(ConfigError, match="interpolation is not allowed"):
        spec("laplacian_pyramid").config(("args.levels=${oc.env:LEVELS}",))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0])
@pytest.mark.parametrize("option", ["timeout", "memory_limit", "train_within"])
def test_odd_numbers_are_refused(option: str, value: float) -> None:
    with pytest.raises(RequestError, match=rf"--{option.replace('_', '-')} must be more than 0"):
        plan_run(RunOptions(("average",), ("demo",), **{option: value}))


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_not_all_generators_take_is_refused(seed: int, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=rf"--seed must be from 0 to 4294967295; got {seed}\."):
        plan_run(RunOptions(("average",), ("demo",), seed=seed))
    for part in (f"seeds: [0, {seed}]", f"downstream: {{seeds: [{seed}]}}"):
        (tmp_path / "s.yaml").write_text(f"methods: [average]\ndatasets: [demo]\n{part}\n")
        with pytest.raises(ConfigError, match=f"whole numbers from 0 to 4294967295; found {seed}"):
            read_sweep(tmp_path / "s.yaml")


@pytest.mark.parametrize(
    "verb", [("train", "-m", "refinefuse", "-d", "demo"), ("fuse", "a", "b", "-m", "average", "-o", "c")]
)
def test_a_negative_seed_is_refused_by_other_verbs(verb: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*verb, "--seed", "-1"])
    assert done.exit_code == 2
    assert "'--seed'" in done.stderr
