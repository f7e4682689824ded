"""Which rows a table shows, in which order, and what is said of those it hides."""

from __future__ import annotations

import pytest
from layout_samples import random_scores
from report_samples import CARDS, record

from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.tables.layouts import lay_out
from fusionbench.tables.model import Table
from fusionbench.tables.row_choice import RowChoice, arrange, choose_rows
from fusionbench.tables.style import TableStyle


def records() -> list[dict]:
    names = ("refinefuse", "dsifuse", "mine-Net", "refinefuse@wo_fim", "images-TheirNet")
    made = [record(name, title={"mine-Net": "My Net"}.get(name)) for name in names]
    return [*made, record("infrared", kind="trivial"), record("average", kind="trivial")]


def table(choice: RowChoice, made: list[dict] | None = None) -> Table:
    kept, _ = choose_rows(made or records(), choice)
    (laid_out,) = lay_out(kept, random_scores(kept), TableStyle(), cards=CARDS)
    return arrange(laid_out, choice)


def rows(choice: RowChoice) -> list[str]:
    return [row.method for row in table(choice).rows]


def test_only_the_rows_named_and_in_that_order() -> None:
    assert rows(RowChoice(methods=("My Net", "DSIFuse"))) == ["mine-Net", "dsifuse"]
    assert rows(RowChoice(methods=("theirnet", "baselines"))) == ["images-TheirNet", "average", "infrared"]


def test_a_name_without_variant_stands_for_all_of_them() -> None:
    assert rows(RowChoice(methods=("refinefuse",))) == ["refinefuse", "refinefuse@wo_fim"]
    assert rows(RowChoice(methods=("refinefuse@wo_fim",))) == ["refinefuse@wo_fim"]


def test_order_moves_rows_to_the_front_and_ours_to_the_end_with_a_mark() -> None:
    arranged = table(RowChoice(order=("refinefuse@wo_fim", "mine-net"), ours="dsifuse", baselines=False))
    assert [row.method for row in arranged.rows] == [
        "refinefuse@wo_fim", "mine-Net", "images-TheirNet", "refinefuse", "dsifuse",
    ]  # fmt: skip
    assert arranged.rows[-1].label == "dsifuse (ours)"
    assert [row.label for row in arranged.rows if row.label.endswith("(ours)")] == ["dsifuse (ours)"]


def test_what_is_hidden_is_said() -> None:
    _, said = choose_rows(records(), RowChoice(baselines=False))
    assert said == "Left out by choice: average, infrared."
    made = [*records(), record("refinefuse", run="smoke", pairs=1)]
    kept, said = choose_rows(made, RowChoice(pairs=3))
    assert len(kept) == len(records())
    assert said == "Left out by choice: runs on 1 pairs."
    assert choose_rows(records(), RowChoice())[1] == ""


def test_a_name_that_is_no_row_and_a_choice_without_rows_are_told() -> None:
    with pytest.raises(UnknownNameError, match="row 'refinefus'"):
        choose_rows(records(), RowChoice(methods=("refinefus",)))
    with pytest.raises(UnknownNameError, match="row 'dsifus'"):
        choose_rows(records(), RowChoice(ours="dsifus"))
    with pytest.raises(RequestError, match="on 3 pairs"):
        choose_rows(records(), RowChoice(pairs=40))


@pytest.mark.parametrize(
    ("a", "b", "labels"),
    [
        ("MRI", "PET", {"MRI (copy of source a)", "PET (copy of source b)"}),
        ("SAR", "optical", {"SAR (copy of source a)", "Optical (copy of source b)"}),
        ("infrared", "visible", {"Infrared (copy of source a)", "Visible (copy of source b)"}),
    ],
)
def test_copies_are_named_by_the_modality_that_they_copy(a: str, b: str, labels: set[str]) -> None:
    made = [record(name, kind="trivial", title="Infrared", a=a, b=b) for name in ("infrared", "visible")]
    assert {row.label for row in table(RowChoice(), made).rows} == labels


def test_copies_on_data_sets_of_several_modalities_name_all_of_them() -> None:
    made = [
        record("infrared", run=name, kind="trivial", name=name, data=name * 8, a=a)
        for name, a in (("msrs", "infrared"), ("harvard-mri-pet", "MRI"))
    ]
    (laid_out,) = lay_out(made, random_scores(made), TableStyle(layout="datasets"), cards=CARDS)
    assert {row.label for row in laid_out.rows} == {"MRI or infrared (copy of source a)"}


def test_the_short_caption_has_pairs_profile_and_weights_in_plain_words() -> None:
    weights = {"source": "trained", "sha256": "a" * 64, "file": "w", "note": "trained for 3 epochs"}
    made = [
        record("refinefuse", weights=weights),
        record("dsifuse", weights=weights | {"source": "imported"}),
    ]
    arranged = table(RowChoice(), made)
    said = " ".join(arranged.brief)
    assert said == (
        "Mean scores on MSRS, test split, 3 pairs. Definitions of the profile canonical, metrics on the luma. "
        "Weights: imported (dsifuse); trained by fusionbench (refinefuse). Best in bold, second best underlined."
    )
    assert "SHA-256 aaaaaaaa" in " ".join(arranged.caption)
