"""Drawing events on stderr: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from hyperaudio.events import Event

STEP = 0.1
"""Share of a stage between two plain lines."""
PATIENCE = 10.0
"""Seconds between two plain lines at the least."""


class Bars:
    """Bars on stderr while the block runs, where it is a terminal, and lines above them.

    Args:
        quiet: no bars.
        columns: of each bar.
    """

    def __init__(self, quiet: bool, *columns: ProgressColumn) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.quiet = quiet
        self.progress = Progress(
            *columns, console=self.console, transient=True, disable=quiet or not self.console.is_terminal
        )

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def line(self, text: str, style: str = "") -> None:
        """Print a line as it is, however long."""
        self.console.print(text, style=style or None, markup=False, soft_wrap=True)


class Drawer(Bars):
    """Context manager whose :meth:`report` draws events.

    Args:
        quiet: only warnings.
    """

    def __init__(self, quiet: bool = False) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description:<11}"), BarColumn())
        super().__init__(quiet, *columns, TaskProgressColumn(), TimeRemainingColumn())
        self._task: TaskID | None = None
        self._said, self._when = 0.0, 0.0

    def report(self, event: Event) -> None:
        """Draw one event."""
        stage = f"{event.stage:<11} " if event.stage else ""
        if event.kind == "warning":
            self.line(f"{stage}warning: {event.message}", "yellow")
        elif self.quiet:
            return
        elif event.kind == "note":
            self.line(f"{stage}{event.message}", "dim")
        elif event.kind == "reused":
            self.line(f"{stage}as before ({event.message})", "dim")
        elif event.kind == "start":
            self._said, self._when = 0.0, time.monotonic()
            if self.console.is_terminal:
                self._task = self.progress.add_task(event.stage, total=1.0)
            else:
                self.line(f"{stage}{event.message}")
        elif event.kind == "progress" and event.fraction is not None:
            self._move(stage, event.fraction)
        elif event.kind == "done":
            self._clear()
            self.line(f"{stage}done in {event.seconds or 0:.1f} s", "green")

    def _move(self, stage: str, fraction: float) -> None:
        if self._task is not None:
            self.progress.update(self._task, completed=fraction)
            return
        now = time.monotonic()
        if fraction - self._said >= STEP and now - self._when >= PATIENCE:
            self._said, self._when = fraction, now
            self.line(f"{stage}{fraction:4.0%}")

    def _clear(self) -> None:
        if self._task is not None:
            self.progress.remove_task(self._task)
            self._task = None
