"""The order of work: cells on the same pairs are fused one by one, then scored together."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from fusionbench.cells.planned import Job, Unscored

MOST = 64  # cells scored by one process: each keeps a file open (its lock), and their number is limited


@dataclass(frozen=True)
class Task:
    """The work of one process: fusing and scoring a cell, only fusing it, or scoring cells already fused.

    With ``patient``, the process waits for a cell that another process works on.
    """

    work: Literal["all", "fuse", "score"]
    jobs: tuple[Job, ...]
    unscored: tuple[Unscored, ...] = ()
    patient: bool = False


class Queue:
    """The tasks of a call.

    A cell that is the only one on its pairs is one task. Several on the same pairs are fused in a task each, and scored
    by one task when all are fused, so that the sources are read and their statistics computed only once. No
    slot stays idle for that: when nothing else can be started, the cells fused so far are scored, in as many parts as
    there are slots.

    With ``scorers``, processes that score beside the slots, slots only fuse, and whatever is fused is scored as soon as a
    scorer is free.
    """

    def __init__(self, jobs: Sequence[Job], slots: int, scorers: int = 0) -> None:
        self.slots, self.scorers = slots, scorers
        self.waiting = deque(jobs)
        self.unfused = Counter(map(pairs_of, jobs))
        self.several = {pairs for pairs, count in self.unfused.items() if count > 1}
        self.fused: defaultdict[Hashable, list[Unscored]] = defaultdict(list)
        self.ready: deque[Task] = deque()
        self.late: set[int] = set()  # indices of cells that were busy: tried again, after all others
        # by index, images that a late cell had been given before it was busy
        self.earlier: Counter[int] = Counter()

    def next(self) -> Task | None:
        """Remove and return the next task for a slot, None if nothing can be started now."""
        if not self.scorers and (task := self.next_scoring()) is not None:
            return task
        if not self.waiting:
            return None
        job = self.waiting.popleft()
        patient = job.index in self.late
        apart = bool(self.scorers) or pairs_of(job) in self.several
        return Task("fuse" if apart and not patient else "all", (job,), patient=patient)

    def next_scoring(self) -> Task | None:
        """Remove and return the next task that scores, None if nothing is to be scored now."""
        if not self.ready:
            self._gather()
        return self.ready.popleft() if self.ready else None

    def fused_one(self, unscored: Unscored) -> None:
        """Accept a cell that is fused and still to be scored."""
        self.ended(unscored.job)
        self.fused[pairs_of(unscored.job)].append(unscored)

    def ended(self, job: Job) -> None:
        """Record that a cell is no longer waiting to be fused; a late cell was recorded when it was found busy."""
        if job.index not in self.late:
            self.unfused[pairs_of(job)] -= 1

    def busy(self, job: Job) -> None:
        """Put back a cell that another process works on."""
        self.ended(job)
        self.late.add(job.index)
        self.waiting.append(job)

    def busy_fused(self, unscored: Unscored) -> None:
        """Put back a cell that another process locked between its fusing and its scoring.

        Its images are kept: ``fresh`` is switched off, or the second attempt would delete them.
        """
        self.earlier[unscored.job.index] += unscored.result.fused
        self.late.add(unscored.job.index)
        self.waiting.append(replace(unscored.job, options=replace(unscored.job.options, fresh=False)))

    def alone(self, cells: Sequence[Unscored]) -> None:
        """Queue cells to be scored singly, because one of them may have killed the process that scored them together."""
        self.ready.extend(Task("score", (unscored.job,), (unscored,)) for unscored in cells)

    def _gather(self) -> None:
        # late cells are held by another call, perhaps for hours: scoring does not wait for them
        idle = bool(self.scorers) or all(job.index in self.late for job in self.waiting)
        splits = [pairs for pairs in self.fused if idle or not self.unfused[pairs]]
        for pairs in splits:
            cells = self.fused.pop(pairs)
            parts = max(
                -(-(self.scorers or self.slots) // len(splits)) if idle else 1, -(-len(cells) // MOST)
            )
            size = -(-len(cells) // parts)
            for start in range(0, len(cells), size):
                part = tuple(cells[start : start + size])
                self.ready.append(Task("score", tuple(unscored.job for unscored in part), part))


def pairs_of(job: Job) -> Hashable:
    """Return the key shared by jobs on the same pairs: the hash of the data and the pairs' files."""
    return job.identity["data"], job.planned.split.pairs


Message = tuple[Any, ...]  # the name of an event, then its arguments


@dataclass(frozen=True)
class Work:
    """All jobs of a call and its slots, each a device on which one cell runs at a time.

    ``scorers`` processes score on the CPU beside slots that are GPUs; without any, the slots score. A cell may take ``timeout`` seconds, not counting training, and ``memory_limit`` GiB; None means no limit.
    """

    jobs: tuple[Job, ...]
    slots: tuple[str, ...]
    timeout: float | None = None
    memory_limit: float | None = None
    scorers: int = 0
