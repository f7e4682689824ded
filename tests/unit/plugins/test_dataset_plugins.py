"""Data sets of installed packages: found, used, checked, and broken alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from packages import DATASET, install

from fusionbench.checks import find_subject, verdicts
from fusionbench.data.images import write_image
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset, datasets, problems
from fusionbench.errors import PluginError, RequestError


def provide(
    site: Path, package: str, text: str = DATASET.format(folder="Yard"), name: str = "night-yard"
) -> None:
    files = {f"{package}/__init__.py": "raise SystemExit('imported')\n", f"{package}/night_yard.yaml": text}
    install(site, package, {"datasets": {name: package}}, files)


def write_pairs(root: Path, count: int = 2) -> None:
    for number in range(count):
        image = np.arange(64, dtype=np.uint8).reshape(8, 8) + number
        write_image(root / f"Yard/ir/{number}.png", image)
        write_image(root / f"Yard/vi/{number}.png", image + 3)


def outcomes(root: Path, name: str = "dataset:night-yard") -> dict[str, tuple[str, str]]:
    return {v.check: (v.outcome, v.detail) for v in verdicts(find_subject(name, str(root)))}


def test_a_data_set_is_found_without_importing_its_package(site: Path, tmp_path: Path) -> None:
    provide(site, "theirs")
    write_pairs(tmp_path)
    assert datasets()["night-yard"].title == "A yard at night"
    assert find_split(dataset("Night_Yard"), "test", tmp_path).ids == ("0", "1")
    assert {outcome for outcome, _ in outcomes(tmp_path).values()} == {"passed"}


def test_absent_images_are_skipped_and_not_judged(site: Path, tmp_path: Path) -> None:
    provide(site, "theirs")
    verdicts = outcomes(tmp_path)
    assert verdicts["entry"][0] == "passed"
    assert {verdicts[check][0] for check in ("counts", "pairs_readable", "splits_apart")} == {"skipped"}


def test_each_check_finds_what_it_is_there_for(site: Path, tmp_path: Path) -> None:
    provide(
        site,
        "theirs",
        DATASET.format(folder="Yard")
        .replace("https://", "")
        .replace(
            "b: vi/*, count: 2}", "b: vi/*, count: 2}, train: {a: ir/*, b: vi/*}, val: {a: vi/*, b: vi/*}"
        ),
    )
    write_pairs(tmp_path, 3)
    (tmp_path / "Yard/ir/0.png").write_bytes(b"no image")
    verdicts = outcomes(tmp_path)
    assert {check for check, (outcome, _) in verdicts.items() if outcome == "failed"} == set(verdicts)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("title: [", "not valid YAML"),
        (DATASET.format(folder="Yard").replace("licence: CC0\n", ""), "lacks 'licence'"),
        (DATASET.format(folder="../Yard"), "relative path"),
        (DATASET.format(folder="Yard") + "generated: true\n", "generated"),
    ],
)
def test_an_entry_that_cannot_be_used_breaks_only_itself(text: str, word: str, site: Path) -> None:
    provide(site, "theirs", text)
    assert "night-yard" not in datasets()
    assert "msrs" in datasets()
    assert dataset("msrs").name == "msrs"
    for ask in (lambda: dataset("night_yard"), lambda: find_subject("night-yard")):
        with pytest.raises(PluginError, match=word):
            ask()


def test_a_package_without_the_file_is_told(site: Path) -> None:
    provide(site, "theirs", name="other")
    assert "other.yaml" in problems()["other"]


def test_two_providers_of_a_name_are_both_named(site: Path) -> None:
    provide(site, "first")
    provide(site, "second", name="Night_Yard")
    provide(site, "third", name="MSRS")
    with pytest.raises(PluginError, match="first of first and second of second"):
        dataset("night-yard")
    with pytest.raises(PluginError, match="fusionbench itself and third of third"):
        dataset("msrs")
    assert "msrs" in datasets()


def test_a_name_of_two_kinds_needs_its_kind(site: Path) -> None:
    provide(site, "theirs", name="average")
    with pytest.raises(RequestError, match="method:average or dataset:average"):
        find_subject("average")
    assert find_subject("method:average").kind == "method"
