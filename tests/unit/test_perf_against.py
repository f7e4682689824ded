"""The page of speeds: sides take turns, each part's last measurement is kept, and what no command measures stays."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

PERF = Path(__file__).resolve().parents[2] / "benchmarks/perf"


@pytest.fixture(scope="module")
def builds() -> ModuleType:
    return _module("builds")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = _module("page")
    monkeypatch.setattr(module, "MEASURED", tmp_path / "measured.json")
    return module


def _module(name: str) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PERF)
        return importlib.import_module(f"parts.{name}")


def test_both_sides_take_turns_and_medians_count(builds: ModuleType, tmp_path: Path) -> None:
    pair = {"then": builds.Build("abc", tmp_path), "now": builds.Build("now", tmp_path)}
    costs, asked = iter([3.0, 1.0, 30.0, 0.1, 6.0, 2.0]), []

    def work(build: object) -> float:
        asked.append(build)
        return next(costs)

    medians = builds.in_turns(pair, work, 3)
    assert asked == [pair["then"], pair["now"]] * 3
    assert medians == {"then": 6.0, "now": 1.0}
    assert builds.seconds_row("work", pair, medians, 3.0) == ("work", "abc", "6.000 s", "1.000 s", 6.0, "≥ 3")


def test_a_build_is_measured_with_its_bytecode(builds: ModuleType, tmp_path: Path) -> None:
    modules = [tmp_path / name / "module.py" for name in ("fusionbench", "methods")]
    for module in modules:
        module.parent.mkdir()
        module.write_text("VALUE = 1\n")
    builds.Build("abc", tmp_path).compile()
    assert all(list(module.parent.glob("__pycache__/module.*.pyc")) for module in modules)


def test_a_part_measured_again_replaces_itself_alone(builds: ModuleType, page: ModuleType) -> None:
    row = builds.Row("scoring", "abc", "2 s", "1 s", 2.0, "≥ 3")
    page.keep("metrics", [row], 3)
    page.keep("start", [row._replace(work="starting")], 1)
    page.keep("metrics", [row._replace(ours="0.5 s", ratio=4.0)], 5)
    text = page.page(["metrics", "start", "growth"], "\n## By hand\n")
    assert "| scoring | abc | 2 s | 0.5 s | 4.00 | ≥ 3 |\n| starting | abc |" in text
    assert "`--parts metrics`: " in text
    assert "Not measured yet: growth." in text
    assert text.count(page.machine()) == 1
    assert text.endswith("\n## By hand\n")


def test_sections_of_other_hands_stay(page: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "performance.md"
    assert page.sections_of(path) == ""
    path.write_text("# Page\n\n| table |\n\n## Training\n\ntext\n")
    assert page.sections_of(path) == "\n## Training\n\ntext\n"
    assert page.sections_of(Path(__file__).parents[2] / "docs/performance.md").startswith("\n## ")
