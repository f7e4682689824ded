"""Warnings that teach, one sentence each."""

from dataclasses import replace

from statistics_samples import board

from fusionbench.registry.methods import card, names
from fusionbench.statistics.lessons import canary_cards, lessons

KINDS = {"copy": "trivial", "mean": "trivial", "noise": "trivial"}


def test_copies_win_by_construction_what_compares_with_a_source_but_no_downstream_task():
    asked = board({"net": {"EN": [1.0]}, "visible": {"EN": [2.0]}}, kinds={"visible": "trivial"})
    task = replace(
        asked, table=replace(asked.table, columns=[replace(asked.table.columns[0], metric="mIoU")])
    )
    compared, of_task = lessons(asked, canaries={})[0], lessons(task, canaries={})[0]
    assert compared.endswith(
        "(EN 1.0000 against 2.0000); a copy wins what compares with its source by construction."
    )
    assert of_task.endswith("(mIoU 1.0000 against 2.0000).")


def test_a_learned_method_below_a_trivial_baseline_is_named_for_each_of_these():
    table = board(
        {
            "net": {"EN": [2.0, 2.0], "VIF": [0.5, 0.5], "NABF": [0.3, 0.3]},
            "copy": {"EN": [1.0, 1.0], "VIF": [0.9, 0.9], "NABF": [0.2, 0.2]},
            "mean": {"EN": [1.5, 1.5], "VIF": [0.7, 0.7], "NABF": [0.1, 0.1]},
        },
        kinds=KINDS,
    )
    assert lessons(table, canaries={}) == (
        (
            "net was trained and is below trivial baselines: copy in 2 of 3 metrics (VIF 0.5000 against 0.9000, "
            "NABF 0.3000 against 0.2000); mean in 2 of 3 metrics (VIF 0.5000 against 0.7000, "
            "NABF 0.3000 against 0.1000)."
        ),
    )


def test_nothing_is_said_where_nothing_is_wrong():
    table = board({"net": {"EN": [2.0]}, "copy": {"EN": [1.0]}}, kinds=KINDS)
    assert lessons(table, canaries={}) == ()


def test_a_method_that_is_not_learned_or_not_scored_is_not_blamed():
    scores = {"pyramid": {"EN": [1.0]}, "gap": {"EN": [None]}, "copy": {"EN": [2.0]}, "gone": {}}
    assert lessons(board(scores, kinds=KINDS | {"pyramid": "classical"}), canaries={}) == ()


def test_random_weights_are_not_called_trained():
    random = {"source": "random", "sha256": "a", "file": None, "note": ""}
    table = board({"net": {"EN": [1.0]}, "copy": {"EN": [2.0]}}, kinds=KINDS, weights={"net": random})
    (said,) = lessons(table, canaries={})
    assert said == "net, random weights: random weights, never trained (1 of 1 rows with weights)."


def test_of_several_conventions_the_one_that_swaps_most_is_spelled_out():
    def scored(x, y, z, profile="canonical"):
        return board({"x": {"EN": [x]}, "y": {"EN": [y]}, "z": {"EN": [z]}}, profile=profile)

    others = [
        scored(2.0, 3.0, 1.0, "tang2022"),
        scored(1.0, 2.0, 3.0, "vifb"),
        scored(3.0, 2.0, 1.0, "cddfuse"),
    ]
    (said,) = lessons(scored(3.0, 2.0, 1.0), others, canaries={})
    assert "under vifb y (2.0000) is ahead of x (1.0000); 3 of 3 pairs of methods swap" in said
    assert said.endswith("(Kendall's tau -1.00), some under tang2022 too.")


def test_an_order_of_means_that_print_alike_depends_on_nothing():
    here = board({"x": {"EN": [1.00001]}, "y": {"EN": [1.0]}})
    there = board({"x": {"EN": [1.0]}, "y": {"EN": [2.0]}}, profile="tang2023")
    assert lessons(here, [there], canaries={}) == ()


def test_a_metric_that_prefers_the_canary_is_named():
    scores = {
        "net": {"EN": [2.0], "NABF": [0.3]},
        "mean": {"EN": [1.0], "NABF": [0.1]},
        "noise": {"EN": [3.0], "NABF": [0.2]},
    }
    sentences = lessons(board(scores, kinds=KINDS), canaries={"noise": "mean"})
    assert (
        "EN prefers noise (3.0000) to mean (1.0000), of which it is a worsened copy, and to 1 of 1 method."
        in sentences
    )
    assert not any(sentence.startswith("NABF") for sentence in sentences)
    # a network that loses against the canary alone is not below a baseline that means well
    assert not any("EN 2.0000 against" in sentence for sentence in sentences)


def test_scores_that_print_alike_are_not_told_apart():
    scores = {"mean": {"EN": [1.00001]}, "noise": {"EN": [1.00002]}, "net": {"EN": [1.0]}}
    assert lessons(board(scores, kinds=KINDS), canaries={"noise": "mean"}) == ()


def test_an_order_that_depends_on_the_convention_is_named():
    here = board({"x": {"EN": [3.0, 3.0]}, "y": {"EN": [2.0, 2.0]}, "z": {"EN": [1.0, 1.0]}})
    there = board(
        {"x": {"EN": [5.0, 5.0]}, "y": {"EN": [6.0, 6.0]}, "z": {"EN": [1.0, 1.0]}}, profile="tang2023"
    )
    assert lessons(here, [there], canaries={}) == (
        (
            "The order in EN depends on the convention: under canonical x (3.0000) is ahead of y (2.0000), under tang2023 "
            "y (6.0000) is ahead of x (5.0000); 1 of 3 pairs of methods swap (Kendall's tau 0.33)."
        ),
    )
    assert lessons(here, [here], canaries={}) == ()


def weights(source, note=""):
    return {"source": source, "sha256": "a" * 64, "file": None, "note": note}


def test_weights_of_different_origin_are_named():
    given = {
        "x": weights("trained", "trained with x on 100 MSRS train pairs, 5 epochs, 3 min"),
        "y": weights("shipped", "trained with y@cpu on 160 of 1083 MSRS train pairs, 140 epochs, 72 min"),
        "z": weights("random", "RANDOM weights, never trained"),
    }
    table = board({name: {"EN": [1.0]} for name in given}, weights=given)
    assert lessons(table, canaries={}) == (
        (
            "The weights of the 2 learned rows differ in origin, not in method alone: x trained here, 100 MSRS train pairs; "
            "y shipped, 160 of 1083 MSRS train pairs."
        ),
        "z, random weights: random weights, never trained (1 of 3 rows with weights).",
    )


def test_weights_learned_from_the_same_data_are_not_mentioned():
    given = {
        name: weights("trained", f"trained with {name} on 100 MSRS train pairs, {name * 3} epochs, 3 min")
        for name in "xy"
    }
    assert lessons(board({name: {"EN": [1.0]} for name in given}, weights=given), canaries={}) == ()


def test_a_row_without_scores_has_no_weights_to_mention():
    given = {"x": weights("random"), "y": weights("none")}
    assert lessons(board({"x": {}, "y": {"EN": [1.0]}}, weights=given), canaries={}) == ()


def test_canaries_are_those_whose_cards_say_so():
    said = {name: card(name).canary for name in names() if card(name).canary}
    assert said
    assert set(said.values()) <= set(names())
    scores = {name: {"EN": [1.0]} for name in (*said, *said.values(), "made-elsewhere")}
    canaries = canary_cards(board(scores, kinds=dict.fromkeys(scores, "trivial")))
    assert canaries == said
