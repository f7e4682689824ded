import pytest
from page_samples import record, rows

from fusionbench.errors import RequestError
from fusionbench.report.groups import make_groups

SIX = [1, 2, 3, 4, 5, 6]


def test_every_scored_profile_has_a_board_and_canonical_comes_first():
    run = record()
    scores = rows(run, {"EN": SIX}, "vifb") + rows(run, {"EN": SIX})
    (group,) = make_groups([run], scores)
    assert [board.table.profile for board in group.boards] == ["canonical", "vifb"]
    assert group.family == "ir-vis"


def test_groups_are_ordered_by_family_and_name():
    runs = [
        record(name="b"),
        record(name="z", family="medical"),
        record(name="c", family="sar-opt"),
        record(name="a"),
    ]
    groups = make_groups(runs, [row for run in runs for row in rows(run, {"EN": SIX})])
    assert [(g.family, g.data["name"]) for g in groups] == [
        ("ir-vis", "a"), ("ir-vis", "b"), ("medical", "z"), ("sar-opt", "c"),
    ]  # fmt: skip
    assert len({group.key for group in groups}) == 4


def test_a_profile_that_pairs_were_not_scored_by_has_no_board_there():
    first, other = record(name="a"), record(name="b")
    groups = make_groups([first, other], rows(first, {"EN": SIX}, "vifb") + rows(other, {"EN": SIX}))
    assert [[b.table.profile for b in g.boards] for g in groups] == [["vifb"], ["canonical"]]


def test_metrics_are_kept_by_default_profiles_that_define_them_and_asked_of_named_ones():
    run = record()
    scores = rows(run, {"EN": SIX, "NMI": SIX}) + rows(run, {"EN": SIX}, "vifb")
    (group,) = make_groups([run], scores, "nmi,en")
    columns = [[c.metric for c in board.table.columns] for board in group.boards]
    assert columns[0] == ["NMI", "EN"]
    assert columns[1] == ["EN"]
    with pytest.raises(RequestError, match="vifb"):
        make_groups([run], scores, "NMI", ["vifb"])


def test_runs_without_any_score_still_have_a_board():
    run = record(status="failed", detail="no memory")
    (group,) = make_groups([run], [])
    assert [board.table.profile for board in group.boards] == ["canonical"]
    assert group.first.table.rows[0].status == "failed"


def test_a_run_in_two_folders_keeps_both(tmp_path):
    shards = [record(path=tmp_path / "one"), record(path=tmp_path / "two")]
    (group,) = make_groups(shards, rows(shards[0], {"EN": SIX}))
    assert group.first.runs[0].folders == (tmp_path / "one", tmp_path / "two")


def test_a_profile_by_which_nothing_is_scored_is_told():
    run = record()
    with pytest.raises(RequestError, match="profile vifb there: the folders hold scores of canonical"):
        make_groups([run], rows(run, {"EN": SIX}), profiles=["vifb"])
