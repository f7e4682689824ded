"""The published leaderboards are what their records say, byte for byte."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from report_samples import record

from fusionbench.cells.store import Cell

ROOT = Path(__file__).parents[3]
PUBLISHED = sorted(file.parent for file in (ROOT / "leaderboards").glob("*/records.json"))


@pytest.fixture(scope="module")
def publish() -> ModuleType:
    spec = importlib.util.spec_from_file_location("publish", ROOT / "benchmarks/publish.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_tables_are_rendered_from_the_records_to_the_same_bytes(publish: ModuleType, folder: Path) -> None:
    expected = publish.rendered(folder)
    assert len(expected) > 1
    for name, text in expected.items():
        assert (folder / name).read_bytes() == text.encode(), f"run benchmarks/publish.py {folder.name}"


def test_every_family_is_published_with_a_picture_that_the_overview_shows() -> None:
    overview = (ROOT / "leaderboards/README.md").read_text(encoding="utf-8")
    assert [folder.name for folder in PUBLISHED] == ["ir-vis", "medical", "sar-opt"]
    for folder in PUBLISHED:
        assert (folder / "ranks.svg").is_file()
        assert f"({folder.name}/ranks.svg)" in overview


def test_the_picture_has_every_row_and_the_printed_ranks(publish: ModuleType, tmp_path: Path) -> None:
    shutil.copytree(PUBLISHED[0], tmp_path / "ir-vis")
    publish.draw_ranks(tmp_path / "ir-vis")
    text = (tmp_path / "ir-vis/ranks.svg").read_text(encoding="utf-8")
    tables = publish.lay_out(*publish.unpack(PUBLISHED[0]), publish.STYLE)
    for label, places in publish.ranks(tables).items():
        assert f">{label}<" in text
        assert all(place is None or f">{place:.1f}<" in text for place in places)


def test_rows_without_a_rank_somewhere_stand_last(publish: ModuleType) -> None:
    places = publish.ranks(publish.lay_out(*publish.unpack(PUBLISHED[0]), publish.STYLE))
    complete = [None not in row for row in places.values()]
    assert complete == sorted(complete, reverse=True)


def test_adding_runs_replaces_their_rows_and_keeps_the_others(
    publish: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "LEADERBOARDS", tmp_path)
    for runs, values in (("first", {"dsifuse": 6.0, "refinefuse": 7.0}), ("second", {"dsifuse": 6.5})):
        for method, value in values.items():
            made = record(method, run=f"{method}-{runs}")
            cell = Cell(tmp_path / runs / "msrs-test" / method / made["id"])
            cell.path.mkdir(parents=True)
            cell.write_record(made)
            cell.append([_line(made["id"], image, value) for image in made["dataset"]["ids"]])
        publish.copy("ir-vis", [tmp_path / runs], add=runs == "second")
    records, rows = publish.unpack(tmp_path / "ir-vis")
    assert [entry["id"] for entry in records] == ["dsifuse-second", "refinefuse-first"]
    assert {(row[2], row[8]) for row in rows} == {("dsifuse-second", 6.5), ("refinefuse-first", 7.0)}


def _line(run: str, image: str, value: float) -> dict[str, object]:
    line = {"run": run, "image": image, "metric": "EN", "version": 1, "profile": "canonical"}
    return line | {"value": value, "status": "ok", "detail": ""}
