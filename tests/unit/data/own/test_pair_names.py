"""Which files of two folders are partners: equal names, one addition a folder, never a guess between numbers."""

from __future__ import annotations

import pytest

from fusionbench.data.own.pair_names import pair_names


@pytest.mark.parametrize(
    ("a", "b", "ids"),
    [
        (["IR1", "IR2"], ["VIS1", "VIS2"], ["1", "2"]),
        (["IR10", "IR11", "IR12"], ["VIS10", "VIS11", "VIS12"], ["10", "11", "12"]),
        (["00001_ir", "00002_ir"], ["00001_vi", "00002_vi"], ["00001", "00002"]),
        (
            ["FLIR_02_PreviewData", "FLIR_03_PreviewData"],
            ["FLIR_02_RGB", "FLIR_03_RGB"],
            ["FLIR_02", "FLIR_03"],
        ),
        (["FLIR_02_PreviewData", "FLIR_03_PreviewData"], ["FLIR_02", "FLIR_03"], ["FLIR_02", "FLIR_03"]),
        (["2023_ir_1", "2023_ir_2"], ["2023_vi_1", "2023_vi_2"], ["1", "2"]),
        (["1-thermal"], ["1-rgb"], ["1"]),
        (["夜_1", "夜_2"], ["昼_1", "昼_2"], ["1", "2"]),
    ],
)
def test_one_addition_a_folder_is_taken_off(a: list[str], b: list[str], ids: list[str]) -> None:
    assert pair_names(a, b) == dict(zip(ids, zip(a, b, strict=True), strict=True))
    assert pair_names(b, a) == dict(zip(ids, zip(b, a, strict=True), strict=True))


def test_equal_names_win_and_the_others_have_no_partner() -> None:
    assert pair_names(["1", "2", "x1"], ["1", "x2", "3"]) == {"1": ("1", "1")}


def test_an_absent_partner_does_not_hide_the_others() -> None:
    assert pair_names(["ir1", "ir2", "ir3"], ["vi1", "vi3"]) == {"1": ("ir1", "vi1"), "3": ("ir3", "vi3")}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (["10_1", "10_2"], ["11_1", "11_2"]),
        (["scene10_1", "scene10_2"], ["scene11_1", "scene11_2"]),
        (["a1", "b2"], ["c1", "d2"]),
        (["cat"], ["dog"]),
        (["01", "02"], ["1", "2"]),
        (["ir1", "ir2", "ir3"], ["vi3", "vi4", "vi5"]),
        ([], ["1"]),
        ([], []),
    ],
)
def test_numbers_tell_pairs_apart_and_no_other_guess_is_made(a: list[str], b: list[str]) -> None:
    assert pair_names(a, b) == {}


def test_ids_stay_different_and_can_name_a_file() -> None:
    assert pair_names(["ir(1)", "ir1"], ["vi(1)", "vi1"]) == {"(1)": ("ir(1)", "vi(1)"), "1": ("ir1", "vi1")}


def test_many_names_take_no_time() -> None:
    a = [f"ir_{i:06d}_t" for i in range(5000)]
    b = [f"vis_{i:06d}_rgb_x" for i in range(5000)]
    assert len(pair_names(a, b)) == 5000
