"""Which work comes next: cells of the same pairs are fused one by one, then scored together."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from fusionbench.runner.job import Job
from fusionbench.runner.outcome import CellResult
from fusionbench.weights import Weights

MOST = 64  # cells scored by one process: each costs an open file, its lock


@dataclass(frozen=True)
class Unscored:
    """A cell that was fused; ``left`` are the seconds it may still take, ``log`` is what fusing printed."""

    job: Job
    result: CellResult
    weights: Weights | None
    left: float | None
    log: Path


@dataclass(frozen=True)
class Turn:
    """What one process does: all of a cell, its fusing alone, or the scoring of cells that were fused.

    With ``patient`` a cell that another process works on is waited for.
    """

    work: Literal["all", "fuse", "score"]
    jobs: tuple[Job, ...]
    unscored: tuple[Unscored, ...] = ()
    patient: bool = False


class Order:
    """Hand out the work of a call.

    A cell that is alone on its pairs is one turn. Several are fused each in a turn of its own; once all are, one
    turn scores them. No slot waits for that: where nothing is left to start, what is fused so far is scored, in
    as many parts as there are slots.
    """

    def __init__(self, jobs: Sequence[Job], slots: int) -> None:
        self.slots = slots
        self.waiting = deque(jobs)
        self.unfused = Counter(map(pairs_of, jobs))
        self.several = {pairs for pairs, count in self.unfused.items() if count > 1}
        self.fused: defaultdict[Hashable, list[Unscored]] = defaultdict(list)
        self.ready: deque[Turn] = deque()
        self.late: set[int] = set()  # cells that were busy come up again when nothing else is left to start
        self.earlier: Counter[int] = Counter()  # images that a late cell has got already

    def next(self) -> Turn | None:
        """Take the next turn, None where nothing can be started now."""
        if not self.ready:
            self._gather()
        if self.ready:
            return self.ready.popleft()
        if not self.waiting:
            return None
        job = self.waiting.popleft()
        patient = job.index in self.late
        return Turn(
            "fuse" if pairs_of(job) in self.several and not patient else "all", (job,), patient=patient
        )

    def fused_one(self, one: Unscored) -> None:
        """Take a cell that is to be scored."""
        self.ended(one.job)
        self.fused[pairs_of(one.job)].append(one)

    def ended(self, job: Job) -> None:
        """Learn that a cell, scored or failed, has left the others of its pairs; a late one had before."""
        if job.index not in self.late:
            self.unfused[pairs_of(job)] -= 1

    def busy(self, job: Job) -> None:
        """Take back a cell that another process works on."""
        self.ended(job)
        self.late.add(job.index)
        self.waiting.append(job)

    def busy_fused(self, one: Unscored) -> None:
        """Take back a cell that another process came to between its fusing and its scoring."""
        self.earlier[one.job.index] += one.result.fused
        self.late.add(one.job.index)
        self.waiting.append(replace(one.job, options=replace(one.job.options, fresh=False)))

    def alone(self, cells: Sequence[Unscored]) -> None:
        """Score cells one by one, of which one may have ended the process that scored them together."""
        self.ready.extend(Turn("score", (one.job,), (one,)) for one in cells)

    def _gather(self) -> None:
        idle = all(job.index in self.late for job in self.waiting)
        splits = [pairs for pairs in self.fused if idle or not self.unfused[pairs]]
        for pairs in splits:
            cells = self.fused.pop(pairs)
            parts = max(-(-self.slots // len(splits)) if idle else 1, -(-len(cells) // MOST))
            size = -(-len(cells) // parts)
            for start in range(0, len(cells), size):
                part = tuple(cells[start : start + size])
                self.ready.append(Turn("score", tuple(one.job for one in part), part))


def pairs_of(job: Job) -> Hashable:
    """Return what jobs have in common that fuse the same pairs: the files and their content."""
    return job.manifest, job.planned.split.pairs
