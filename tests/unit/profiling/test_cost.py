"""Printed costs beside measured ones, and the table in its formats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fusionbench.errors import RequestError
from fusionbench.papers.cost import costs_beside, printed_costs
from fusionbench.tables.cost import cost_grid, cost_ranks, cost_text
from fusionbench.tables.grid import render_grid
from tests.e2e.command import in_process

TIME = {"median": 20.0, "lower_quartile": 19.0, "upper_quartile": 22.0}


def row(**changes: Any) -> dict[str, Any]:
    hardware = {"device": "CPU X", "threads": 1, "driver": None, "cuda": None, "torch": "2.9"}
    return {
        "title": "R&D_1", "status": "ok", "detail": "", "hardware": hardware, "params": 2_220_637,
        "macs": {"256x256": 12_676_038_656}, "macs_count": "conv_linear", "latency_ms": {"256x256": TIME},
        "load_ms": 3.0, "weights_mb": 8.5, "peak_memory_mb": {"256x256": None}, "memory_of": None,
        "growth": {"macs": None}, **changes,
    }  # fmt: skip


def test_what_refinefuse_prints() -> None:
    costs = {(cost.quantity, cost.size): cost.value for cost in printed_costs("refinefuse")}
    assert costs == {
        ("params", ""): 2.21e6, ("macs", "256x256"): 12.73e9, ("macs", "512x512"): 48.11e9,
        ("latency_ms", "640x480"): 6.63, ("latency_ms", "1024x768"): 9.12,
    }  # fmt: skip


@pytest.mark.parametrize("paper", ["csp_mcin", "sspfusion"])
def test_other_papers_print_sizes_and_memory(paper: str) -> None:
    quantities = {(cost.quantity, cost.size) for cost in printed_costs(paper)}
    assert {("params", ""), *((q, "256x256") for q in ("macs", "latency_ms", "peak_memory_mb"))} <= quantities


def test_the_first_table_that_prints_a_number_is_named_and_none_lacks_its_size() -> None:
    costs = printed_costs("csp_mcin")
    assert {cost.table for cost in costs} == {"Table 3"}
    assert all(cost.size for cost in costs if cost.quantity in ("macs", "latency_ms", "peak_memory_mb"))


def test_an_ablation_prints_its_own_size() -> None:
    (method,), (variant,) = printed_costs("lsnf"), printed_costs("lsnf@wo_cbam")
    assert (method.value, method.table) == (27_939_441, "Table 3")
    assert variant.value == 27_762_769


def test_repeated_numbers_are_one_and_sizes_are_kept() -> None:
    costs = [(c.quantity, c.size, c.value) for c in printed_costs("sspfusion")]
    assert costs.count(("params", "", 12_021_649)) == 1
    assert ("macs", "640x480", 1332e9) in costs
    assert ("macs", "256x256", 284.153e9) in costs


@pytest.mark.parametrize("method", ["average", "refinefuse@cpu", "somebody-elses", "lsnf@nothing"])
def test_what_no_paper_prints_has_no_cost(method: str) -> None:
    assert printed_costs(method) == []


def test_a_measured_number_is_within_its_bound_or_not() -> None:
    good = {e["quantity"]: e for e in costs_beside("refinefuse", row(), {}) if e["size"] in ("", "256x256")}
    assert good["params"]["within"]
    assert good["macs"]["within"]
    assert good["macs"]["gap"] == pytest.approx(-0.00424, abs=1e-4)
    bad = next(e for e in costs_beside("refinefuse", row(params=2_300_000), {}) if e["quantity"] == "params")
    assert bad["within"] is False
    unmeasured = next(e for e in costs_beside("refinefuse", row(), {}) if e["size"] == "512x512")
    assert (unmeasured["measured"], unmeasured["within"]) == (None, None)


def test_text_gives_verdicts_and_the_size_that_lacks() -> None:
    entry = row(params=2_300_000)
    text = cost_text({"refinefuse": entry | {"printed": costs_beside("refinefuse", entry, {})}})
    assert "NOT within 1.0%" in text
    assert "within 2.0%" in text
    assert "add --size 512x512" in text


@pytest.mark.parametrize("format", ["md", "csv", "tex", "html"])
def test_every_format_holds_the_numbers_and_escapes_names(format: str) -> None:
    text = render_grid(cost_grid({"r": row(), "x": row(status="failed", detail="boom & <b>")}), format)
    assert "12.676" in text
    assert {"md": r"R\&D\_1", "tex": r"R\&D\_1", "html": "R&amp;D_1", "csv": "R&D_1"}[format] in text
    if format != "csv":
        assert "boom" in text


def test_methods_are_ranked_by_size_and_by_speed_as_refinefuse_does() -> None:
    def sized(params: int, macs: tuple[float, float], times: tuple[float, float]) -> dict[str, Any]:
        sizes = ("256x256", "512x512")
        median = {size: TIME | {"median": time} for size, time in zip(sizes, times, strict=True)}
        return row(
            params=params, macs=dict(zip(sizes, macs, strict=True)), latency_ms=median,
            peak_memory_mb=dict.fromkeys(sizes),
        )  # fmt: skip

    profiles = {
        "small": sized(10, (1e9, 4e9), (3.0, 1.0)),
        "quick": sized(20, (3e9, 9e9), (1.0, 2.0)),
        "alike": sized(20, (2e9, 9e9), (2.0, 3.0)),
        "broken": row(status="failed", detail="boom"),
    }
    assert cost_ranks(profiles) == {"small": (1.0, 2.0), "quick": (2.625, 1.5), "alike": (2.375, 2.5)}
    grid = cost_grid(profiles)
    assert grid.header[-2:] == ("Size rank", "Speed rank")
    assert [line[-2:] for line in grid.rows[:2]] == [("1.0", "2.0")] * 2
    assert grid.rows[-1] == ("R&D_1", *["–"] * (len(grid.header) - 1))
    assert "Speed rank" not in cost_grid({"small": profiles["small"]}).header


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(RequestError, match="cannot be written as 'doc'"):
        render_grid(cost_grid({}), "doc")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-m", "average", "--format", "xml"], "cannot be written as 'xml'"),
        (["-m", "average", "-o", "costs.xyz"], "cannot be written as 'xyz'"),
        (["-m", ","], "No method is asked for"),
        (["-m", "average", "--size", ","], "Size ',' is not WIDTHxHEIGHT"),
    ],
)
def test_what_is_asked_wrongly_is_said_before_anything_is_measured(
    monkeypatch: Any, tmp_path: Any, arguments: list[str], said: str
) -> None:
    monkeypatch.setattr("fusionbench.cli.profile._measured", lambda *asked: pytest.fail("measured"))
    done = in_process("profile", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_verb_goes_on_past_a_broken_method(tmp_path: Any) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(
        "from fusionbench import FusionMethod\n"
        "CARD = {'title': 'Broken', 'kind': 'classical', 'families': ['ir-vis']}\n"
        "class Broken(FusionMethod):\n"
        "    families = frozenset({'ir-vis'})\n"
        "    def fuse(self, a, b):\n"
        "        raise ValueError('no way')\n"
    )
    size = ["--size", "16x16", "--seconds", "0", "--json"]
    done = in_process("profile", "--method", f"{broken},Average", *size, cwd=tmp_path)
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["average"]["status"] == "ok"
    (other,) = (entry for name, entry in document.items() if name != "average")
    assert "no way" in other["detail"]
