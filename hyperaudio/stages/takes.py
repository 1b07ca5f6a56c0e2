"""What ``takes.json`` holds: the new voice's takes, how they were made, and what stays as it was."""

from __future__ import annotations

from pydantic import Field

from hyperaudio.editing.planning import Method
from hyperaudio.job import Document, Record


class Choice(Record):
    """How one target was done."""

    speaker: str
    voice: str
    method: Method
    backend: str
    reference_seconds: float
    warnings: tuple[str, ...]
    figures: dict[str, float | str]


class Attempt(Record):
    """One try at a line: what was measured, and why it falls short (empty where it does not)."""

    number: int
    figures: dict[str, float | str]
    failed: tuple[str, ...]


class TakeRecord(Record):
    """One line in the new voice: ``file`` holds mono samples from ``start_frame`` on, at the recording's rate."""

    number: int
    speaker: str
    method: Method
    file: str
    start_frame: int = Field(ge=0)
    frames: int = Field(ge=0)
    phrases: tuple[tuple[float, float], ...]
    """Spans in seconds that the take stands for."""
    text: str
    figures: dict[str, float | str]
    notes: tuple[str, ...]
    chosen: int = 0
    """Number of the attempt that was kept."""
    attempts: tuple[Attempt, ...] = ()


class Kept(Record):
    """A stretch of the target that stays as it was, and why."""

    speaker: str
    start: float
    end: float
    reason: str


class Takes(Document):
    """``takes.json``."""

    choices: tuple[Choice, ...]
    takes: tuple[TakeRecord, ...]
    kept: tuple[Kept, ...]
    prosody: float = Field(default=1.0, ge=0, le=1)
    """How much of the original's performance the takes have."""
