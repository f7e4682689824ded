"""Tell the user what goes on, on standard error; standard output belongs to results."""

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

QUIET = 60  # seconds between two lines of a phase where there is no terminal


class Reporter:
    """Hear of one cell's progress and say nothing; the base of what the command line shows."""

    def say(self, text: str) -> None:
        """Take one sentence for the user."""

    def start(self, label: str, total: int) -> None:
        """Begin a phase of ``total`` images or training steps."""

    def advance(self) -> None:
        """Count one of the phase; called from any thread."""

    def stop(self) -> None:
        """End the phase."""

    def pause(self) -> None:
        """Let the cell's time-out stand still: a training has begun."""

    def go_on(self) -> None:
        """Let the cell's time-out run again."""

    def weights(self, weights: Weights) -> None:
        """Learn which weights the cell uses, and with them its place in the store."""

    def beside(self) -> Reporter:
        """Return a reporter for another cell that runs at the same time."""
        return self


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2f}/s" if task.speed else "", style="cyan")


class _Screen:
    """The one live display of a terminal; it is up while any phase goes on."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Speed(),
            TimeRemainingColumn(),
        )
        # a log file would get the last state of each bar as a line of its own
        self.progress = Progress(*columns, console=self.console, disable=not self.console.is_terminal)

    def add(self, label: str, total: int) -> TaskID:
        self.line(label, 0, total)
        if not self.progress.tasks:
            self.progress.start()
        return self.progress.add_task(label, total=total)

    def line(self, label: str, done: int, total: int) -> None:
        """Print a line where no bar can be: into a file or pipe."""
        if not self.console.is_terminal:
            count = f"{done} of {total}" if done else str(total)
            self.console.print(f"{label}: {count}", highlight=False, markup=False, soft_wrap=True)

    def remove(self, task: TaskID) -> None:
        self.progress.remove_task(task)
        if not self.progress.tasks:
            self.progress.stop()


class RichReporter(Reporter):
    """Show one bar a phase, with images per second and the time left; without a terminal a line, one more a minute."""

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
