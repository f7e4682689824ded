"""One request over several families, and folders of images without the images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.cells.planned import RunOptions
from fusionbench.data.registry import dataset
from fusionbench.errors import PlanError
from fusionbench.runs.plan import Plan, make_plan


def plan(methods: str, datasets: str, baselines: bool = False) -> Plan:
    return make_plan(RunOptions(tuple(methods.split(",")), tuple(datasets.split(",")), baselines=baselines))


def cells(planned: Plan) -> set[tuple[str, str]]:
    return {(cell.method.name, cell.split.spec.name) for cell in planned.cells}


def test_each_method_runs_on_the_data_sets_of_its_families_and_the_rest_is_said() -> None:
    planned = plan("csp_mcin,refinefuse", "demo,demo-sar-opt")
    assert cells(planned) == {("csp_mcin", "demo-sar-opt"), ("refinefuse", "demo")}
    assert len(planned.left_out) == 2
    assert any(text.startswith("csp_mcin is not run on demo: it fuses sar-opt") for text in planned.left_out)
    assert any(
        text.startswith("refinefuse is not run on demo-sar-opt: it fuses ") for text in planned.left_out
    )


def test_a_data_set_that_no_method_fits_is_not_run_for_baselines_alone() -> None:
    planned = plan("csp_mcin", "demo,demo-sar-opt", baselines=True)
    assert {split for _, split in cells(planned)} == {"demo-sar-opt"}
    assert planned.left_out == ("csp_mcin is not run on demo: it fuses sar-opt.",)


def test_a_method_that_fits_no_data_set_is_a_problem() -> None:
    with pytest.raises(PlanError, match="'csp_mcin' fuses sar-opt, data set 'demo' is ir-vis"):
        plan("csp_mcin", "demo")


def test_a_folder_of_images_without_any_of_the_pairs_is_told_before_any_work(tmp_path: Path) -> None:
    assert dataset("demo").family == "ir-vis"
    with pytest.raises(
        PlanError, match="holds no image, named as a pair of demo test is: expected names like"
    ):
        plan(f"images:{tmp_path}", "demo")
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "other.png")
    with pytest.raises(PlanError, match="holds 1 images, none of them named as a pair"):
        plan(f"images:{tmp_path}=Ours", "demo")


def test_a_data_set_of_a_family_that_is_here_but_not_prepared_is_named(tmp_path: Path) -> None:
    (tmp_path / "Optical-SAR-dataset").mkdir()
    asked = RunOptions(("average",), ("sar-opt",), baselines=False, data_root=str(tmp_path))
    made = make_plan(asked)
    assert {cell.split.spec.name for cell in made.cells} == {"demo-sar-opt"}
    (sentence,) = made.broken
    assert "Optical-SAR-dataset" in sentence
    assert str(tmp_path) in sentence


@pytest.mark.parametrize(("methods", "datasets"), [((), ("demo",)), (("average",), ())])
def test_a_request_without_method_or_data_set_runs_nothing(
    methods: tuple[str, ...], datasets: tuple[str, ...]
) -> None:
    with pytest.raises(PlanError, match="name a method and a data set"):  # an unset variable in a script
        make_plan(RunOptions(methods, datasets))
