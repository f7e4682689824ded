"""Names of fused images and ids of pairs: what people have is matched, and never wrongly."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fusionbench.data.fused.match_names import match_names
from fusionbench.data.pairs import natural_key
from fusionbench.errors import first_names

IDS = ("00537D", "00538N", "00755N")


@pytest.mark.parametrize(
    "pattern",
    [
        "{}",
        "{}_fused",
        "{}-DSIFuse",
        "fused_{}",
        "{}_out",
        "{}_ir-vis_fused",
        "{}.fused",
        "{} (fused)",
        "{}_100",
        "MSRS_{}",
        "DSIFuse-MSRS_{}_epoch100",
        "{}.png",
    ],
)
def test_an_addition_that_all_files_have_is_tolerated(pattern: str) -> None:
    stems = {name: pattern.format(name) for name in IDS}
    assert match_names(IDS, IDS, list(stems.values())).stems == stems


@pytest.mark.parametrize("pattern", ["{}fused", "fused{}", "{}1", "_{}x", "0{}"])
def test_what_is_not_set_off_is_no_addition(pattern: str) -> None:
    match = match_names(IDS, IDS, [pattern.format(name) for name in IDS])
    assert match.stems == {}
    assert len(match.others) == 3


@pytest.mark.parametrize(
    "ids", [("1", "10", "100"), ("01", "01_2"), ("01", "01_2", "2"), ("a", "a-a", "a-a-a")]
)
@pytest.mark.parametrize("pattern", ["{}", "{}_fused", "fused_{}", "{}-x-y"])
def test_ids_that_begin_with_each_other_are_told_apart(ids: tuple[str, ...], pattern: str) -> None:
    stems = {name: pattern.format(name) for name in ids}
    assert match_names(ids, ids, list(stems.values())).stems == stems


def test_an_equal_name_wins_over_a_longer_one() -> None:
    match = match_names(IDS, IDS, [*IDS, *(f"{name}_fused" for name in IDS)])
    assert match.stems == dict(zip(IDS, IDS, strict=True))
    assert match.others == ("00537D_fused", "00538N_fused", "00755N_fused")


def test_words_that_all_ids_have_may_be_absent() -> None:
    ids = ("FLIR_00006", "FLIR_00009")
    assert match_names(ids, ids, ["00006", "00009"]).stems == {"FLIR_00006": "00006", "FLIR_00009": "00009"}
    assert match_names(ids, ids, ["x_00006", "x_00009"]).stems["FLIR_00009"] == "x_00009"
    assert match_names(ids[:1], ids[:1], ["00006"]).stems == {}  # one id has nothing in common with others


def test_a_number_may_not_be_absent() -> None:
    """Only the second shots of two scenes are here, and only the first were fused."""
    ids = ("IR_01_2", "IR_02_2")
    assert match_names(ids, ids, ["IR_01", "IR_02"]).stems == {}
    assert match_names(ids, ids, ["01", "02"]).stems == {}
    assert match_names(ids, ids, ["01_2", "02_2"]).stems == {"IR_01_2": "01_2", "IR_02_2": "02_2"}


@pytest.mark.parametrize(
    ("ids", "known", "stems", "named"),
    [
        (("1", "2"), (), ("1_dsi", "1_sea", "2_dsi", "2_sea"), ("1_dsi", "1_sea", "'1'")),
        (("01", "01_2"), (), ("01_2_fused",), ("01_2_fused", "'01'", "'01_2'")),
        (("01",), ("01_2",), ("01_2_fused",), ("01_2_fused", "'01'", "'01_2'")),
        (("01", "01_2"), (), ("01_2", "01_2_2"), ("'01_2'", "'01_2_2'")),
        (("1", "2", "3"), (), ("1_2",), ("'1_2'", "'1'", "'2'")),
    ],
)
def test_two_readings_are_a_conflict_that_names_both(
    ids: tuple[str, ...], known: tuple[str, ...], stems: tuple[str, ...], named: tuple[str, ...]
) -> None:
    match = match_names(ids, known, stems)
    assert match.stems == {}
    for word in named:
        assert word in match.conflicts[0]


def test_names_of_two_kinds_are_not_mixed() -> None:
    match = match_names(IDS, IDS, ["00537D", "00538N_fused", "00755N"])
    assert sorted(match.stems) == ["00537D", "00755N"]
    assert match.hint == (
        "'00538N_fused' is not used for '00538N' because '00537D' lacks '_fused': name all files in the same way"
    )


def test_a_stranger_among_the_files_is_named() -> None:
    match = match_names(IDS, IDS, [*(f"{name}_fused" for name in IDS), "mosaic"])
    assert match.stems == {}
    assert "'mosaic' lacks '_fused'" in match.hint


def test_other_pairs_of_the_data_set_are_no_strangers() -> None:
    match = match_names(IDS[:1], IDS, [*(f"{name}_x" for name in IDS), "00999D_x"])
    assert match.stems == {"00537D": "00537D_x"}
    assert match.others == ("00999D_x",)


def test_nothing_matches_nothing() -> None:
    assert match_names(IDS, IDS, []).stems == {}
    assert match_names((), (), ["x"]).others == ("x",)


def test_some_names_stand_for_many() -> None:
    assert first_names(["a", "b", "c"]) == "'a', 'b', 'c'"
    assert first_names(["a", "b", "c", "d", "e"]) == "'a', 'b', 'c' and 2 more"


NAMES = st.text(alphabet="12_", min_size=1, max_size=4)  # few signs, so that ids and additions look alike
ADDITIONS = st.text(alphabet="12_", max_size=3)


@settings(max_examples=500, deadline=None)
@example(ids=["1", "1_2"], before="", after="_1", lost={0}, limit=1)
@given(
    ids=st.lists(NAMES, unique=True, min_size=1, max_size=6),
    before=ADDITIONS.map(lambda text: text and f"{text}_"),
    after=ADDITIONS.map(lambda text: text and f"_{text}"),
    lost=st.sets(st.integers(0, 5)),
    limit=st.integers(1, 6),
)
def test_no_image_is_ever_taken_for_another_pair(
    ids: list[str], before: str, after: str, lost: set[int], limit: int
) -> None:
    """Whatever the ids and the addition, whichever files are lost: a match is right, or there is none."""
    ids = sorted(ids, key=natural_key)
    wanted = ids[:limit]
    truth = {name: f"{before}{name}{after}" for i, name in enumerate(ids) if i not in lost}
    match = match_names(wanted, ids, list(truth.values()))
    if set(wanted) <= set(truth.values()):
        assert match.stems == {name: name for name in wanted}  # an equal name wins in any case
    elif match.conflicts:
        assert match.stems == {}
    elif set(match.stems) == set(wanted):  # else images are missing, and the request is refused
        assert match.stems == {name: truth.get(name) for name in wanted}


@settings(deadline=None)
@given(
    ids=st.lists(NAMES, unique=True, min_size=1, max_size=6), after=ADDITIONS.map(lambda text: f"_{text}x")
)
def test_a_complete_folder_is_matched(ids: list[str], after: str) -> None:
    truth = {name: f"{name}{after}" for name in ids}
    assert match_names(ids, ids, list(truth.values())).stems == truth
