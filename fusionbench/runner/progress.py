"""Tell the user what goes on, on standard error; standard output belongs to results."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class Reporter:
    """Hear of a run's progress and say nothing; the base of what the command line shows."""

    def say(self, text: str) -> None:
        """Take one sentence for the user."""

    def start(self, label: str, total: int) -> None:
        """Begin a phase of ``total`` images."""

    def advance(self) -> None:
        """Count one image of the phase; called from any thread."""

    def stop(self) -> None:
        """End the phase."""


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2f} images/s" if task.speed else "", style="cyan")


class RichReporter(Reporter):
    """Show one bar a phase, with images per second and the time left."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.progress: Progress | None = None

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def start(self, label: str, total: int) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Speed(),
            TimeRemainingColumn(),
        )
        # a log file would get the last state of each bar as a line of its own
        self.progress = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = self.progress.add_task(label, total=total)
        self.progress.start()

    def advance(self) -> None:
        if self.progress is not None:
            self.progress.advance(self.task)

    def stop(self) -> None:
        if self.progress is not None:
            self.progress.stop()
            self.progress = None
