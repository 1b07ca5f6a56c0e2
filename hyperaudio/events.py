"""What a run reports while it works: plain values passed to a callable, drawn by whoever wants to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["start", "progress", "note", "warning", "reused", "done"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in a stage.

    Attributes:
        kind: ``start`` and ``done`` frame a stage that runs, ``reused`` stands for one that need
            not; ``progress`` carries ``fraction``; ``note`` and ``warning`` carry ``message``.
        stage: name of the stage, or ``""`` for the run as a whole.
        message: one line for a person; may be empty.
        fraction: share of the stage that is done, 0 to 1; only for ``progress``.
        seconds: wall time of the stage; only for ``done``.
    """

    kind: Kind
    stage: str = ""
    message: str = ""
    fraction: float | None = None
    seconds: float | None = None


Report = Callable[[Event], None]
Progress = Callable[[float], None]
"""Called with the share that is done, 0 to 1, never falling."""


def no_report(event: Event) -> None:
    """The report that tells nobody."""


def no_progress(fraction: float) -> None:
    """The progress that tells nobody."""
