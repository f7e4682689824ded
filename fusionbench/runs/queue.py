"""Which work comes next: cells of the same pairs are fused one by one, then scored together."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from fusionbench.cells.planned import Job, Unscored

MOST = 64  # cells scored by one process: each costs an open file, its lock


@dataclass(frozen=True)
class Task:
    """What one process does: all of a cell, its fusing alone, or the scoring of cells that were fused.

    With ``patient`` a cell that another process works on is waited for.
    """

    work: Literal["all", "fuse", "score"]
    jobs: tuple[Job, ...]
    unscored: tuple[Unscored, ...] = ()
    patient: bool = False


class Queue:
    """Hand out the work of a call.

    A cell that is alone on its pairs is one task. Several are fused each in a task of its own; once all are, one
    task scores them. No slot waits for that: where nothing is left to start, what is fused so far is scored, in
    as many parts as there are slots.
    """

    def __init__(self, jobs: Sequence[Job], slots: int) -> None:
        self.slots = slots
        self.waiting = deque(jobs)
        self.unfused = Counter(map(pairs_of, jobs))
        self.several = {pairs for pairs, count in self.unfused.items() if count > 1}
        self.fused: defaultdict[Hashable, list[Unscored]] = defaultdict(list)
        self.ready: deque[Task] = deque()
        self.late: set[int] = set()  # cells that were busy come up again when nothing else is left to start
        self.earlier: Counter[int] = Counter()  # images that a late cell has got already

    def next(self) -> Task | None:
        """Take the next task, None where nothing can be started now."""
        if not self.ready:
            self._gather()
        if self.ready:
            return self.ready.popleft()
        if not self.waiting:
            return None
        job = self.waiting.popleft()
        patient = job.index in self.late
        return Task(
            "fuse" if pairs_of(job) in self.several and not patient else "all", (job,), patient=patient
        )

    def fused_one(self, unscored: Unscored) -> None:
        """Take a cell that is to be scored."""
        self.ended(unscored.job)
        self.fused[pairs_of(unscored.job)].append(unscored)

    def ended(self, job: Job) -> None:
        """Learn that a cell, scored or failed, has left the others of its pairs; a late one had before."""
        if job.index not in self.late:
            self.unfused[pairs_of(job)] -= 1

    def busy(self, job: Job) -> None:
        """Take back a cell that another process works on."""
        self.ended(job)
        self.late.add(job.index)
        self.waiting.append(job)

    def busy_fused(self, unscored: Unscored) -> None:
        """Take back a cell that another process came to between its fusing and its scoring."""
        self.earlier[unscored.job.index] += unscored.result.fused
        self.late.add(unscored.job.index)
        self.waiting.append(replace(unscored.job, options=replace(unscored.job.options, fresh=False)))

    def alone(self, cells: Sequence[Unscored]) -> None:
        """Score cells one by one, of which one may have ended the process that scored them together."""
        self.ready.extend(Task("score", (unscored.job,), (unscored,)) for unscored in cells)

    def _gather(self) -> None:
        idle = all(job.index in self.late for job in self.waiting)
        splits = [pairs for pairs in self.fused if idle or not self.unfused[pairs]]
        for pairs in splits:
            cells = self.fused.pop(pairs)
            parts = max(-(-self.slots // len(splits)) if idle else 1, -(-len(cells) // MOST))
            size = -(-len(cells) // parts)
            for start in range(0, len(cells), size):
                part = tuple(cells[start : start + size])
                self.ready.append(Task("score", tuple(unscored.job for unscored in part), part))


def pairs_of(job: Job) -> Hashable:
    """Return what jobs have in common that fuse the same pairs: the files and their content."""
    return job.identity["data"], job.planned.split.pairs


Message = tuple[Any, ...]  # the name of what happened, then its arguments


@dataclass(frozen=True)
class Work:
    """All jobs of a call, and the devices they run on, one cell a slot at a time.

    A cell may take ``timeout`` seconds, its training not counted, and ``memory_limit`` GiB; None: no limit.
    """

    jobs: tuple[Job, ...]
    slots: tuple[str, ...]
    timeout: float | None = None
    memory_limit: float | None = None
