"""Progress reports on standard error; standard output is reserved for results."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from fusionbench.weights.methods import Weights

QUIET = 60  # seconds between two progress lines of a phase if standard error is not a terminal


class Reporter:
    """A silent receiver of one cell's progress, the base of the one that prints."""

    def say(self, text: str) -> None:
        """Receive one sentence for the user."""

    def start(self, label: str, total: int) -> None:
        """Begin a phase of ``total`` images or training steps."""

    def advance(self) -> None:
        """Count one image or step of the phase; may be called from any thread."""

    def stop(self) -> None:
        """End the phase."""

    def pause(self) -> None:
        """Suspend the cell's time-out, because a training begins."""

    def go_on(self) -> None:
        """Resume the cell's time-out."""

    def weights(self, weights: Weights) -> None:
        """Receive the weights of the cell, which determine its folder in the store."""

    def beside(self) -> Reporter:
        """Return a reporter for another cell that runs at the same time and shares the display."""
        return self


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2f}/s" if task.speed else "", style="cyan")


class RichReporter(Reporter):
    """Shows one progress bar per phase with images per second and remaining time; without a terminal, a line a minute.

    Reporters of cells that run at the same time share ``bars``, which are on the screen while any phase is running.
    """

    def __init__(self, bars: Progress | None = None) -> None:
        console = Console(stderr=True)
        # disabled without a terminal, because Rich would write each bar's last state into a log file
        self.bars = bars or Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Speed(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self.task: TaskID | None = None
        self.label, self.done, self.total = "", 0, 0
        self.printed = time.monotonic()

    def say(self, text: str) -> None:
        self.bars.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def start(self, label: str, total: int) -> None:
        self.stop()
        self.label, self.done, self.total = label, 0, total
        self._line(str(total))
        if not self.bars.tasks:
            self.bars.start()
        self.task = self.bars.add_task(label, total=total)

    def advance(self) -> None:
        if self.task is not None:
            self.bars.advance(self.task)
            self.done += 1
            if time.monotonic() - self.printed > QUIET:
                self._line(f"{self.done} of {self.total}")

    def stop(self) -> None:
        if self.task is not None:
            self.bars.remove_task(self.task)
            self.task = None
            if not self.bars.tasks:
                self.bars.stop()

    def beside(self) -> RichReporter:
        return RichReporter(self.bars)

    def _line(self, count: str) -> None:
        """Print a progress line where standard error is a file or pipe."""
        self.printed = time.monotonic()
        if not self.bars.console.is_terminal:
            self.say(f"{self.label}: {count}")
