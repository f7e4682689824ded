"""What `data verify` finds: one message a kind of problem, with its level and examples."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.data.checking.verify import Problem, summary, verify
from fusionbench.data.registry import dataset, datasets

TNO = dataset("tno")


def levels(problems: list[Problem], text: str) -> list[str]:
    return [problem.level for problem in problems if text in problem.message]


def only(problems: list[Problem], text: str) -> Problem:
    matching = [problem for problem in problems if text in problem.message]
    assert len(matching) == 1, f"{len(matching)} messages with '{text}' among {[str(p) for p in problems]}"
    return matching[0]


@pytest.mark.parametrize("name", [name for name, spec in datasets().items() if not spec.generated])
def test_real_copies_are_at_most_warned_about(real_root, name: str) -> None:
    problems = verify(dataset(name), real_root(name))
    assert [str(problem) for problem in problems if problem.level == "error"] == []


def test_real_traps_are_mentioned(shared_data: Path) -> None:
    problems = verify(dataset("msrs"), shared_data)
    here = len(list((shared_data / "MSRS" / "test" / "ir").glob("*.png")))
    assert only(problems, f"test: {here} of 361 official pairs (a partial copy").level == "warning"
    mixed = only(problems, "stored in different ways")
    assert mixed.message.startswith("train: infrared")
    assert "RGB with equal channels: '00002D', '00003N', '00005N' and 26 more" in mixed.message


def test_a_complete_clean_copy_has_nothing_to_report(build_tree) -> None:
    names = tuple(str(number) for number in range(TNO.splits["test"].count))
    root = build_tree(TNO, names=names, size=(4, 4))
    assert verify(TNO, root) == []
    assert summary(TNO, [], root) == f"TNO ({root / 'TNO'}): nothing to report"


def test_more_than_the_official_number_is_odd(build_tree) -> None:
    spec = dataset("sar-optical")
    root = build_tree(spec, names=tuple(map(str, range(17))), size=(4, 4))
    assert only(verify(spec, root), "test: 17 of 16 official pairs (more than").level == "warning"


def test_progress_is_told_of_every_pair(build_tree) -> None:
    seen: list[str] = []
    verify(TNO, build_tree(TNO), on_pair=lambda pair: seen.append(pair.id))
    assert seen == ["1", "2", "10"]


def test_a_missing_data_set_is_one_error(tmp_path: Path) -> None:
    problems = verify(dataset("msrs"), tmp_path)
    assert len(problems) == 1
    assert str(problems[0]).startswith("error: MSRS is not here: no folder")


def test_a_missing_split_is_a_warning(build_tree) -> None:
    spec = dataset("msrs")
    root = build_tree(spec)
    (root / "MSRS" / "train").rename(root / "train")
    assert only(verify(spec, root), "no folder").level == "warning"


def test_an_unusable_name_is_an_error(build_tree) -> None:
    root = build_tree(TNO)
    (root / "TNO" / "ir" / "-x.png").write_bytes(b"x")
    assert only(verify(TNO, root), "rename it").level == "error"


def test_unmatched_files(build_tree) -> None:
    root = build_tree(TNO)
    (root / "TNO" / "vi" / "2.png").unlink()
    assert str(only(verify(TNO, root), "no partner")) == "warning: test: no partner, so left out: 'ir/2.png'."


def test_unreadable_files_are_one_message(build_tree) -> None:
    names = tuple(map(str, range(1, 8)))
    root = build_tree(TNO, names=names)
    for name in names[:5]:
        (root / "TNO" / "vi" / f"{name}.png").write_text("text")
    problem = only(verify(TNO, root), "not readable")
    assert problem.level == "error"
    assert "'1', '2', '3' and 2 more" in problem.message
    assert "vi/1.png' is not an image" in problem.message


def test_sizes_within_a_pair(build_tree) -> None:
    root = build_tree(TNO)
    Image.new("RGB", (5, 5)).save(root / "TNO" / "vi" / "10.png")
    problem = only(verify(TNO, root), "sizes differ within the pair: '10'.")
    assert problem.level == "error"
    assert "is 9x12" in problem.message
    assert "is 5x5" in problem.message


def test_identical_folders(build_tree) -> None:
    root = build_tree(TNO)
    for path in (root / "TNO" / "vi").iterdir():
        (root / "TNO" / "ir" / path.name).write_bytes(path.read_bytes())
    problem = only(verify(TNO, root), "byte for byte")
    assert problem.level == "error"
    assert "(3 of 3 pairs)" in problem.message


def test_swapped_folders(build_tree) -> None:
    root = build_tree(TNO)
    ir, vi = root / "TNO" / "ir", root / "TNO" / "vi"
    ir.rename(root / "spare")
    vi.rename(ir)
    (root / "spare").rename(vi)
    assert levels(verify(TNO, root), "seem to be swapped") == ["error"]


def test_grey_folders_are_not_called_swapped(build_tree) -> None:
    root = build_tree(TNO)
    for path in (root / "TNO" / "vi").iterdir():
        Image.open(path).convert("L").save(path)
    assert levels(verify(TNO, root), "swapped") == []


def test_one_colored_infrared_image_is_a_warning(build_tree) -> None:
    root = build_tree(TNO)
    (root / "TNO" / "ir" / "2.png").write_bytes((root / "TNO" / "vi" / "1.png").read_bytes())
    problems = verify(TNO, root)
    assert (
        only(problems, "infrared images in true colour, of which the luma is taken: '2'.").level == "warning"
    )
    assert levels(problems, "swapped") == []


def test_label_maps(build_tree) -> None:
    spec = dataset("msrs")
    root = build_tree(spec)
    labels = root / "MSRS" / "test" / "Segmentation_labels"
    labels.mkdir()
    Image.fromarray(np.zeros((12, 9), np.uint8)).save(labels / "1.png")
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(labels / "2.png")
    problems = verify(spec, root)
    assert only(problems, "test: no label map while others have one").message.endswith(": '10'.")
    assert "Segmentation_labels/2.png' is 5x5" in only(problems, "sizes differ").message


def test_summary_counts_levels() -> None:
    text = summary(TNO, [Problem("error", "x"), Problem("warning", "y"), Problem("warning", "z")], "root")
    assert text.splitlines() == [
        "TNO (root/TNO): errors: 1, warnings: 2",
        "  error: x",
        "  warning: y",
        "  warning: z",
    ]
