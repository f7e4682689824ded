"""A grid applies to the methods that have the argument, and says for which it did not."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from fusionbench.providers import share
from fusionbench.registry.arguments import takes
from fusionbench.registry.methods import names, spec
from fusionbench.runs.run import RunOptions
from fusionbench.runs.sweep import Sweep, expand, left_alone, read_sweep, row_order

README = Path(__file__).parents[3] / "README.md"


def readme_sweep(folder: Path) -> Sweep:
    """The sweep that README shows, on data that is generated."""
    (text,) = re.findall(r"```yaml\n(methods:.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(text) | {"datasets": ["demo-sar-opt"]}))
    return read_sweep(path)


def test_the_sweep_of_the_readme_varies_what_has_the_argument_and_runs_the_rest_once(tmp_path: Path) -> None:
    sweep = readme_sweep(tmp_path)
    runs = expand(sweep, RunOptions((), ()))
    varied = [run for run in runs if run.method == ("csp_mcin",)]
    plain = [run for run in runs if run.method == ("average",)]
    assert len(varied) + len(plain) == len(runs)
    assert len(varied) == 3 * len(plain)
    assert all(any("lambda_sar" in text for text in run.overrides) for run in varied)
    assert all(run.overrides == () and "lambda_sar" not in run.setting for run in plain)
    assert left_alone(sweep) == [
        "grid args.lambda_sar: applies to csp_mcin; average have no such argument and run without it."
    ]
    assert sum(name.startswith("average") for name in row_order(sweep)) == len(plain)


def test_each_of_several_keys_goes_to_its_own_methods() -> None:
    grid = {"args.lambda_sar": [2, 3], "stages.fuse.epochs": [1, 2]}
    sweep = Sweep(methods=["csp_mcin", "refinefuse", "average"], datasets=["demo"], grid=grid)
    settings: dict[tuple[str, ...], set[str]] = {
        run.method: set() for run in expand(sweep, RunOptions((), ()))
    }
    for run in expand(sweep, RunOptions((), ())):
        settings[run.method].add(run.setting)
    assert settings == {
        ("csp_mcin",): {f"lambda_sar={value}+epochs={count}" for value in (2, 3) for count in (1, 2)},
        ("refinefuse",): {"epochs=1", "epochs=2"},
        ("average",): {""},
    }


def test_a_key_that_no_method_has_stays_with_all_so_that_it_is_told() -> None:
    sweep = Sweep(methods=["average", "refinefuse"], datasets=["demo"], grid={"args.levls": [1]})
    (run,) = expand(sweep, RunOptions((), ()))
    assert run.method == ("average", "refinefuse")
    assert left_alone(sweep) == []


def test_every_argument_of_every_recipe_is_taken_by_its_method() -> None:
    for name in names():
        for key in spec(name).config().args:
            assert takes(spec(name), f"args.{key}"), (name, key)
    assert not takes(spec("average"), "args.lambda_sar")
    assert (share("benchmarks") / "csp_mcin_lambda_sar.yaml").is_file()
