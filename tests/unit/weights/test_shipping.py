"""Weights beside their method: in half precision, and what is said where a package leaves them out."""

from __future__ import annotations

import json
import runpy
from fnmatch import fnmatch
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from fusionbench.errors import WeightsError
from fusionbench.providers import share
from fusionbench.registry.methods import load, spec
from fusionbench.weights.methods import absent, load_weights, save_weights, shipped_weights

REPOSITORY = Path(__file__).parents[3]
SHIPPING = runpy.run_path(str(share("benchmarks") / "ship.py"))
IN_WHEEL = 12_000_000  # bytes


def test_half_precision_is_written_loaded_and_recorded(tmp_path: Path) -> None:
    method = load("dsifuse")
    source, target = tmp_path / "trained.safetensors", tmp_path / "weights" / "ir-vis.safetensors"
    save_weights(method, source, {"method": "dsifuse", "arguments": {"masks": "brighter"}, "note": "a test"})
    SHIPPING["ship"](source, target, {}, "masks=brighter")
    about = json.loads(target.with_suffix(".json").read_text())
    assert (about["precision"], about["stands_for"], about["bytes"]) == ("float16", {}, target.stat().st_size)
    assert about["label"] == "masks=brighter"
    assert target.stat().st_size < 0.52 * source.stat().st_size
    state = load_file(target)
    assert state["network.encoders.0.0.1.num_batches_tracked"].dtype == torch.int64
    again = load("dsifuse", masks="brighter")
    load_weights(again, target)
    before, after = method.state_dict(), again.state_dict()
    assert all(after[name].dtype == before[name].dtype for name in before)
    assert all(torch.allclose(after[name].float(), before[name].float(), atol=1e-3) for name in before)


def test_values_that_half_precision_cannot_hold_are_not_shipped(tmp_path: Path) -> None:
    method = load("dsifuse")
    with torch.no_grad():
        next(method.parameters()).fill_(1e6)
    source = tmp_path / "trained.safetensors"
    save_weights(method, source, {"method": "dsifuse", "arguments": {}, "note": "a test"})
    with pytest.raises(SystemExit, match="values beyond half precision"):
        SHIPPING["ship"](source, tmp_path / "weights" / "x.safetensors", None)


def test_weights_that_a_package_leaves_out_are_said_to_lie_in_the_repository(tmp_path: Path) -> None:
    folder = tmp_path / "refinefuse"
    (folder / "weights").mkdir(parents=True)
    method = spec("refinefuse")
    about = {"arguments": {}, "note": "", "sha256": "ab" * 32, "bytes": 24_000_000}
    name = method.card.weights["ir-vis"]
    (folder / "weights" / name).with_suffix(".json").write_text(json.dumps(about))
    elsewhere = type(method)(method.reference, method.name, method.card, folder, method.target)
    with pytest.raises(
        WeightsError, match=r"24 MB, .* not part of an installed package: get methods/refinefuse/"
    ):
        shipped_weights(elsewhere, "ir-vis", {})
    assert "weights import" in absent(folder / "weights" / name, about)


def test_large_files_stay_out_of_the_wheel_and_all_fit_the_repository() -> None:
    tomllib = pytest.importorskip("tomllib")
    if not (REPOSITORY / "pyproject.toml").exists():
        pytest.skip("no checkout: what a wheel leaves out is written in pyproject.toml")
    build = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    excluded = build["targets"]["wheel"]["exclude"]
    files = {
        path.relative_to(REPOSITORY).as_posix(): path for path in REPOSITORY.glob("methods/*/weights/*.*")
    }
    sizes = {name: path.stat().st_size for name, path in files.items()}
    large = [name for name, size in sizes.items() if size > IN_WHEEL]
    assert all(any(fnmatch(name, pattern) for pattern in excluded) for name in large)
    assert max(sizes.values(), default=0) < 80_000_000
    assert sum(sizes.values()) < 190_000_000
