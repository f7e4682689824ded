"""Whose task it is: fuse one by one, score together, let no slot wait."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fusionbench.cells.planned import CellResult, Job, Unscored
from fusionbench.runs.queue import MOST, Queue, Task
from fusionbench.runs.run import RunOptions, make_jobs, plan_all

METHODS = ("average", "infrared", "visible", "maximum")


def jobs_of(*datasets: str, methods: tuple[str, ...] = METHODS) -> list[Job]:
    options = RunOptions(methods, datasets, limit=2, metrics="EN", baselines=False, device="cpu")
    return make_jobs(plan_all([options]))


def fused(job: Job, left: float | None = None, images: int = 2) -> Unscored:
    return Unscored(job, CellResult(None, Path("cell"), "fused", fused=images), None, left, Path("log.txt"))


def told(task: Task | None) -> tuple[str, list[int]] | None:
    return task and (task.work, [job.index for job in task.jobs])


def play(queue: Queue) -> list[tuple[str, list[int]]]:
    """Take and end every task, one at a time."""
    played = []
    while (task := queue.next()) is not None:
        played.append(told(task))
        if task.work == "fuse":
            queue.fused_one(fused(task.jobs[0]))
        elif task.work == "all":
            queue.ended(task.jobs[0])
    return played


def test_a_cell_alone_on_its_pairs_is_one_turn() -> None:
    jobs = jobs_of("demo", "demo-medical", methods=("average",))
    assert play(Queue(jobs, 1)) == [("all", [0]), ("all", [1])]


def test_the_cells_of_a_split_are_scored_together_before_the_next_split_begins() -> None:
    jobs = sorted(jobs_of("demo", "demo-medical", methods=("average", "maximum")), key=lambda job: job.index)
    by_data = sorted(jobs, key=lambda job: job.planned.split.spec.name)
    first, second = [[job.index for job in by_data[half : half + 2]] for half in (0, 2)]
    expected = [("fuse", [first[0]]), ("fuse", [first[1]]), ("score", first)]
    expected += [("fuse", [second[0]]), ("fuse", [second[1]]), ("score", second)]
    assert play(Queue(by_data, 1)) == expected


def test_a_slot_with_nothing_left_to_start_scores_what_is_fused() -> None:
    queue = Queue(jobs_of("demo"), 2)
    tasks = [queue.next() for _ in range(4)]
    assert queue.next() is None
    for task in tasks[:3]:
        queue.fused_one(fused(task.jobs[0]))
    assert told(queue.next()) == ("score", [0, 1])
    assert told(queue.next()) == ("score", [2])
    queue.fused_one(fused(tasks[3].jobs[0]))
    assert told(queue.next()) == ("score", [3])


def test_a_cell_that_failed_is_not_waited_for() -> None:
    queue = Queue(jobs_of("demo"), 1)
    for _ in range(3):
        queue.fused_one(fused(queue.next().jobs[0]))
    queue.ended(queue.next().jobs[0])
    assert told(queue.next()) == ("score", [0, 1, 2])


def test_a_busy_cell_comes_up_last_and_is_waited_for() -> None:
    queue = Queue(jobs_of("demo"), 1)
    queue.busy(queue.next().jobs[0])
    for _ in range(3):
        queue.fused_one(fused(queue.next().jobs[0]))
    assert told(queue.next()) == ("score", [1, 2, 3])
    last = queue.next()
    assert (told(last), last.patient) == (("all", [0]), True)
    queue.ended(last.jobs[0])
    assert queue.next() is None


@pytest.mark.parametrize("fresh", [False, True])
def test_a_cell_that_was_fused_here_and_is_busy_keeps_its_count_and_its_images(fresh: bool) -> None:
    options = RunOptions(
        ("average", "maximum"), ("demo",), limit=2, metrics="EN", baselines=False, fresh=fresh
    )
    queue = Queue(make_jobs(plan_all([options])), 1)
    for _ in range(2):
        queue.fused_one(fused(queue.next().jobs[0]))
    queue.busy_fused(queue.next().unscored[0])
    last = queue.next()
    assert (told(last), last.patient, last.jobs[0].options.fresh) == (("all", [0]), True, False)
    assert queue.earlier == {0: 2}


def test_cells_over_which_a_process_died_are_scored_one_by_one() -> None:
    queue = Queue(jobs_of("demo"), 1)
    for _ in range(4):
        queue.fused_one(fused(queue.next().jobs[0]))
    queue.alone(queue.next().unscored[1:])
    assert play(queue) == [("score", [1]), ("score", [2]), ("score", [3])]


def test_no_process_holds_too_many_locks() -> None:
    (job,) = jobs_of("demo", methods=("average",))
    jobs = [replace(job, index=number) for number in range(MOST + 6)]
    scores = [indices for work, indices in play(Queue(jobs, 1)) if work == "score"]
    assert [len(indices) for indices in scores] == [35, 35]


def test_beside_gpus_cells_are_only_fused_in_slots_and_scored_as_soon_as_a_scorer_is_free() -> None:
    queue = Queue(jobs_of("demo"), 1, scorers=1)
    assert queue.next_scoring() is None
    tasks = [queue.next() for _ in range(4)]
    assert [told(task) for task in tasks] == [("fuse", [number]) for number in range(4)]
    queue.fused_one(fused(tasks[0].jobs[0]))
    assert told(queue.next_scoring()) == ("score", [0])
    for task in tasks[1:]:
        queue.fused_one(fused(task.jobs[0]))
    assert queue.next() is None
    assert told(queue.next_scoring()) == ("score", [1, 2, 3])


def test_a_cell_alone_on_its_pairs_frees_its_gpu_before_it_is_scored() -> None:
    queue = Queue(jobs_of("demo", methods=("average",)), 1, scorers=1)
    queue.fused_one(fused(queue.next().jobs[0]))
    assert told(queue.next_scoring()) == ("score", [0])
