"""Every definition that claims to be somebody's code, against that code's values; and the page that says so."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path
from types import ModuleType

import pytest
from golden_files import SYNTHETIC

from fusionbench.metrics import cards, definitions, profiles, resolve
from fusionbench.metrics.libraries import CALLS, VERSIONS, LibraryCall

ROOT = Path(__file__).resolve().parents[2]


def load(name: str) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        return importlib.import_module(f"calibrated.{name}")


PAGE = ROOT / "docs/calibration.md"
claims, exceptions, findings, page, sheets = map(load, ("claims", "exceptions", "findings", "page", "sheets"))


# these take more than half of the time that all metrics need on the real images
SLOW_METRICS = (*(name for name in cards() if name.startswith("FMI")), "QP")


def test_every_claim_holds_on_the_patterns() -> None:
    found = list(findings.compare(SYNTHETIC))
    assert len(found) > 500
    assert [finding for finding in found if not findings.holds(finding)] == []


@pytest.fixture(
    scope="module",
    params=[SLOW_METRICS, pytest.param((), marks=pytest.mark.slow)],
    ids=["without FMI and QP", "all"],
)
def compared(shared_golden: Path, request: pytest.FixtureRequest) -> tuple[list, tuple[str, ...]]:
    """Return the findings and the metrics that were left out."""
    folders = (SYNTHETIC, shared_golden / "real")
    return [
        finding for folder in folders for finding in findings.compare(folder, request.param)
    ], request.param


def test_every_claim_holds_on_real_images(compared: tuple[list, tuple[str, ...]]) -> None:
    assert [finding for finding in compared[0] if not findings.holds(finding)] == []


def test_the_page_is_fresh(compared: tuple[list, tuple[str, ...]]) -> None:
    """Structure and verdicts to the letter, differences to a power of ten: they are rounding."""
    found, without = compared
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.count("|") == 8]
    written = [line for line in rows if line.split("|")[1].strip() not in without]
    fresh = [line for line in page.HEAD.splitlines() if line.count("|") == 8]
    fresh += page.lines(found)
    assert [_without_difference(line) for line in written] == [_without_difference(line) for line in fresh]
    for old, new in zip(written[2:], fresh[2:], strict=True):
        assert abs(math.log10(_difference(old) / _difference(new))) < 1.5, (old, new)


def _without_difference(line: str) -> list[str]:
    cells = line.split("|")
    return cells[:6] + cells[7:]


def _difference(line: str) -> float:
    return float(line.split("|")[6])


def test_the_page_says_what_the_script_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for part in (page.HEAD, page.NOTES_HEAD, page.SHEET_HEAD, page.NOT_CLAIMED):
        assert part in text
    for (metric, triple), (_, why) in exceptions.EXCEPTIONS.items():
        assert f"| {metric} | {triple} |" in text
        assert why in text
    result = json.loads(page.LIBRARIES.read_text(encoding="utf-8"))
    assert page.LIBRARY_HEAD.format(**result) in text
    assert all(f"{line}\n" in text for line in page.library_lines(result))


def test_every_known_call_of_a_library_was_compared() -> None:
    result = json.loads(page.LIBRARIES.read_text(encoding="utf-8"))
    assert result["versions"] == VERSIONS
    compared = [{key: call[key] for key in LibraryCall._fields} for call in result["calls"]]
    assert sorted(map(str, compared)) == sorted(str(call._asdict()) for call in CALLS)
    assert all(call["difference"] < (2e-3 if call["metric"] == "VIF" else 2e-4) for call in result["calls"])


def test_claims_name_what_there_is() -> None:
    for claim in claims.CLAIMS:
        assert claim.definition in definitions(claim.metric)
        assert claim.profile in profiles()


def test_every_metric_is_compared_with_somebodys_code() -> None:
    compared = {claim.metric for claim in claims.CLAIMS}
    assert compared == set(resolve("all"))


@pytest.mark.parametrize("sheet", sheets.SHEETS, ids=lambda sheet: sheet.profile)
@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_published_values_are_reproduced(sheet, every: int, shared_golden: Path, shared_data: Path) -> None:
    differences = sheets.compare_sheet(sheet, shared_golden, shared_data, every)
    for metric, asked in sheet.metrics.items():
        assert len(differences[metric]) == (60 if every == 1 else 14)
        assert max(differences[metric]) <= asked, metric
    if every == 1:
        text = PAGE.read_text(encoding="utf-8")
        assert all(f"| {sheet.profile} | {metric} | 60 |" in text for metric in sheet.metrics)


def test_differences() -> None:
    difference = findings.relative_difference
    assert difference(None, math.nan) is None
    assert difference(None, 1.0) == difference(1.0, math.nan) == math.inf
    assert difference(1e-13, 0.0) == 0
    assert difference(0.9, 1.0) == pytest.approx(0.1)
    assert [page.within(x) for x in (0.0, 1e-12, 2e-12, 1e-9, 3e-3)] == [
        "1e-12", "1e-12", "1e-11", "1e-09", "1e-02",
    ]  # fmt: skip
