"""Scores of a folder from Python: values, means, statuses and files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import fusionbench
from fusionbench.cells.progress import Reporter
from fusionbench.errors import FusionbenchError
from fusionbench.folders import score_pairs as folder_pairs
from fusionbench.folders.request import ScoreRequest, plan_scores
from fusionbench.folders.scores import document_of, score_folders, write_scores
from fusionbench.folders.table import folder_table
from fusionbench.metrics import score as score_arrays
from fusionbench.tables import render

METRICS = ("EN", "SD", "SSIM", "CC")
NAMES = ("1", "2", "10")


class Heard(Reporter):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.advanced = 0
        self.running = False

    def say(self, text: str) -> None:
        self.said.append(text)

    def start(self, label: str, total: int) -> None:
        self.total, self.running = total, True

    def advance(self) -> None:
        self.advanced += 1

    def stop(self) -> None:
        self.running = False


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def load(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three pairs, gray and color, with two folders of fused images; the second is gray."""
    rng = np.random.default_rng(3)
    for name in NAMES:
        save(tmp_path / "ir" / f"{name}.png", rng.integers(0, 256, (20, 24), dtype=np.uint8))
        save(tmp_path / "vi" / f"{name}.bmp", rng.integers(0, 256, (20, 24, 3), dtype=np.uint8))
        save(tmp_path / "one" / f"{name}_fused.png", rng.integers(0, 256, (20, 24, 3), dtype=np.uint8))
        save(tmp_path / "two" / f"{name}.png", rng.integers(0, 256, (20, 24), dtype=np.uint8))
    return tmp_path


def request(data: Path, *names: str, **options: object) -> ScoreRequest:
    fused = tuple(data / name for name in names)
    return ScoreRequest(fused, a=data / "ir", b=data / "vi", metrics=METRICS, **options)


def test_values_are_those_of_the_arrays(data: Path) -> None:
    result = fusionbench.score(data / "one", a=data / "ir", b=data / "vi", metrics=METRICS)
    assert result.ok
    assert list(result.scores) == ["1", "2", "10"]
    for name in NAMES:
        arrays = [load(data / "ir" / f"{name}.png"), load(data / "vi" / f"{name}.bmp")]
        expected = score_arrays(*arrays, load(data / "one" / f"{name}_fused.png"), METRICS)
        assert result.scores[name] == expected
    values = [result.scores[name]["EN"].value for name in NAMES]
    assert result.means["EN"] == pytest.approx(sum(values) / 3, abs=1e-15)


def test_several_folders_have_the_digits_of_one_and_read_the_sources_once(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [score_folders(request(data, name))[0].scores for name in ("one", "two")]
    reads: list[str] = []
    read_pair = folder_pairs.read_pair
    monkeypatch.setattr(folder_pairs, "read_pair", lambda pair: reads.append(pair.id) or read_pair(pair))
    heard = Heard()
    both = score_folders(request(data, "one", "two"), heard)
    assert [result.scores for result in both] == alone
    assert sorted(reads) == ["1", "10", "2"]
    assert (heard.total, heard.advanced, heard.running) == (3, 3, False)


def test_any_number_of_jobs_gives_the_same_scores_in_the_same_order(data: Path) -> None:
    by_jobs = [score_folders(request(data, "one", "two", jobs=jobs)) for jobs in (1, 2, None)]
    first = [result.document() for result in by_jobs[0]]
    assert all([result.document() for result in others] == first for others in by_jobs[1:])
    assert [list(document["images"]) for document in first] == [["1", "2", "10"]] * 2


def test_networks_and_other_packages_metrics_get_one_thread(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(data, "one", jobs=2)
    plan = plan_scores(asked)
    assert folder_pairs.jobs_of(asked, plan) == 2
    assert folder_pairs.jobs_of(asked, replace(plan, metrics=("EN", "CLIP-IQA"))) == 1
    monkeypatch.setattr(folder_pairs, "provider_of", lambda name: "theirs" if name == "EN" else "")
    assert folder_pairs.jobs_of(asked, plan) == 1


def test_a_mean_needs_every_image(data: Path) -> None:
    save(data / "one" / "2_fused.png", np.zeros((20, 24), np.uint8))  # a constant image has no CC
    (data / "one" / "10_fused.png").write_text("no image")
    heard = Heard()
    result = score_folders(request(data, "one"), heard)[0]
    assert not result.ok
    assert result.means == dict.fromkeys(METRICS)
    assert {s.status for s in result.scores["10"].values()} == {"failed"}
    assert "10_fused.png' is not an image" in result.scores["10"]["EN"].detail
    assert result.scores["2"]["CC"].status == "undefined"
    assert result.scores["2"]["EN"].value == 0
    assert any("10_fused.png' is not an image" in text for text in heard.said)
    row = next(
        line for line in render([folder_table([result])], "md").splitlines() if line.startswith("| one")
    )
    assert [cell.strip().partition("<")[0] for cell in row.split("|")[2:-1]] == ["– (2/3)"] * 3 + ["– (1/3)"]


def test_an_undefined_value_is_no_failure(data: Path) -> None:
    save(data / "one" / "2_fused.png", np.zeros((20, 24), np.uint8))
    result = score_folders(request(data, "one"))[0]
    assert result.ok
    assert result.means["CC"] is None
    assert result.means["EN"] is not None
    assert result.document()["status"] == {"2": {"CC": f"undefined: {result.scores['2']['CC'].detail}"}}


@pytest.mark.parametrize("folder", ["ir", "vi"])
def test_a_bad_source_fails_its_image_in_every_folder(folder: str, data: Path) -> None:
    path = next((data / folder).glob("2.*"))
    path.write_bytes(path.read_bytes()[:-30])
    for result in score_folders(request(data, "one", "two")):
        assert not result.ok
        assert [name for name, scores in result.scores.items() if scores["EN"].status == "failed"] == ["2"]
        assert path.name in result.scores["2"]["EN"].detail


def test_sixteen_bits_are_rounded_and_palettes_expanded(data: Path) -> None:
    levels = load(data / "two" / "1.png")
    plain = score_folders(request(data, "two"))[0].scores
    save(data / "two" / "1.png", np.minimum(levels * 257.0 + 100, 65535).astype(np.uint16))
    indexed = Image.fromarray(load(data / "two" / "2.png")).convert("P")
    indexed.save(data / "two" / "2.png")
    assert score_folders(request(data, "two"))[0].scores == plain


def test_transparent_pixels_fail_their_image(data: Path) -> None:
    save(data / "two" / "1.png", np.full((20, 24, 4), 100, np.uint8))
    result = score_folders(request(data, "two"))[0]
    assert "transparent" in result.scores["1"]["EN"].detail


def test_the_table_says_what_the_means_say(data: Path) -> None:
    both = score_folders(request(data, "one", "two"))
    table = folder_table(both)
    assert table.heading == "ir and vi, 3 pairs"
    for result, row in zip(both, table.rows, strict=True):
        assert (row.label, {cell.metric: cell.value for cell in row.cells}) == (result.name, result.means)
    ranks = [[cell.rank for cell in row.cells] for row in table.rows]
    assert all(sorted(column) in ([1, 2], [1, 1]) for column in zip(*ranks, strict=True))
    assert {cell.rank for cell in folder_table(both[:1]).rows[0].cells} == {None}


def test_a_profile_says_in_the_caption_what_it_assumes(data: Path) -> None:
    result = fusionbench.score(data / "one", a=data / "ir", b=data / "vi", profile="DSIFuse", metrics="SSIM")
    caption = " ".join(folder_table([result]).caption)
    assert result.profile == "dsifuse"
    assert "SSIM assumed" in caption


@pytest.mark.parametrize("names", [("one",), ("one", "two")])
def test_files_hold_what_was_scored(names: tuple[str, ...], data: Path) -> None:
    save(data / "one" / "2_fused.png", np.zeros((20, 24), np.uint8))
    results = score_folders(request(data, *names))
    for suffix in ("csv", "parquet", "JSON"):
        write_scores(results, data / f"scores.{suffix}")
    csv = pd.read_csv(
        data / "scores.csv", dtype={"image": str}, keep_default_na=False, na_values={"value": ""}
    )
    columns = ["image", "metric", "version", "profile", "value", "status", "detail"]
    assert list(csv.columns) == (columns if len(names) == 1 else ["name", *columns])
    assert len(csv) == len(names) * len(NAMES) * len(METRICS)
    expected = pd.concat([result.frame() for result in results], ignore_index=True)
    pd.testing.assert_frame_equal(csv[columns], expected, check_dtype=False, check_exact=True)
    parquet = pd.read_parquet(data / "scores.parquet")
    assert parquet["value"].dtype == "float64"
    pd.testing.assert_frame_equal(parquet[columns], expected, check_dtype=False, check_exact=True)
    document = json.loads((data / "scores.JSON").read_text(), parse_constant=pytest.fail)
    assert document == document_of(results)
    assert sorted(path.name for path in data.glob("*scores*")) == [
        "scores.JSON",
        "scores.csv",
        "scores.parquet",
    ]


def test_python_writes_a_file_and_names_a_method(data: Path) -> None:
    result = fusionbench.score(
        str(data / "one"),
        a=str(data / "ir"),
        b=str(data / "vi"),
        name="Mine",
        output=str(data / "s.csv"),
        metrics="EN",
    )
    assert result.document()["name"] == "Mine"
    assert (data / "s.csv").read_text().splitlines()[1].startswith("1,EN,")


def test_names_that_were_read_or_left_out_are_told(data: Path) -> None:
    save(data / "one" / "3_fused.png", np.zeros((20, 24), np.uint8))
    heard = Heard()
    result = score_folders(request(data, "one"), heard)[0]
    assert len(heard.said) == 2
    assert "1_fused.png' is taken for pair '1'" in heard.said[0]
    assert "3_fused.png" in heard.said[1]
    assert result.document()["extra"] == ["3_fused.png"]
    assert result.document()["files"] == {name: f"{name}_fused.png" for name in NAMES}


def test_all_problems_are_named_before_any_image_is_opened(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("an image was opened")

    monkeypatch.setattr(folder_pairs, "read_pair", refuse)
    (data / "one" / "10_fused.png").unlink()
    with pytest.raises(FusionbenchError) as caught:
        score_folders(
            ScoreRequest(
                (data / "one", data / "nowhere"),
                a=data / "ir",
                b=data / "vi",
                metrics="ENN",
                output=Path("x.txt"),
            )
        )
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    for word in ("ENN", "x.txt", "1 of 3 pairs have no fused image", "nowhere"):
        assert any(word in line for line in lines)


def test_a_limit_takes_the_first_pairs(data: Path) -> None:
    result = fusionbench.score(data / "one", a=data / "ir", b=data / "vi", limit=2, metrics="EN")
    assert list(result.scores) == ["1", "2"]
    assert result.folder.extra == ()
    assert folder_table([result]).heading.endswith("first 2 pairs")
