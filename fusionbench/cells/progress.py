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


class _Screen:
    """The live display of a terminal, shown while any phase is running."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Speed(),
            TimeRemainingColumn(),
        )
        # disabled without a terminal, because Rich would write each bar's last state into a log file
        self.progress = Progress(*columns, console=self.console, disable=not self.console.is_terminal)

    def add(self, label: str, total: int) -> TaskID:
        self.line(label, 0, total)
        if not self.progress.tasks:
            self.progress.start()
        return self.progress.add_task(label, total=total)

    def line(self, label: str, done: int, total: int) -> None:
        """Print a progress line where standard error is a file or pipe."""
        if not self.console.is_terminal:
            count = f"{done} of {total}" if done else str(total)
            self.console.print(f"{label}: {count}", highlight=False, markup=False, soft_wrap=True)

    def remove(self, task: TaskID) -> None:
        self.progress.remove_task(task)
        if not self.progress.tasks:
            self.progress.stop()


class RichReporter(Reporter):
    """Shows one progress bar per phase with images per second and remaining time; without a terminal, a line a minute."""

    def __init__(self, screen: _Screen | None = None) -> None:
        self.screen = screen or _Screen()
        self.task: TaskID | None = None
        self.label, self.done, self.total = "", 0, 0
        self.printed = time.monotonic()

    def say(self, text: str) -> None:
        self.screen.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def start(self, label: str, total: int) -> None:
        self.stop()
        self.label, self.done, self.total = label, 0, total
        self.printed = time.monotonic()
        self.task = self.screen.add(label, total)

    def advance(self) -> None:
        if self.task is not None:
            self.screen.progress.advance(self.task)
            self.done += 1
            if time.monotonic() - self.printed > QUIET:
                self.printed = time.monotonic()
                self.screen.line(self.label, self.done, self.total)

    def stop(self) -> None:
        if self.task is not None:
            self.screen.remove(self.task)
            self.task = None

    def beside(self) -> RichReporter:
        return RichReporter(self.screen)
