"""Time in a recording: frozen, ordered types in seconds, and the one rule that turns seconds into frames."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Label = Annotated[str, Field(pattern=r"^\w[\w .'-]{0,63}$")]
"""A speaker's name; files are called after it."""
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def frames(seconds: float, rate: int) -> int:
    """The frame nearest to a time; halves go up. The only rounding rule of the program."""
    return math.floor(seconds * rate + 0.5)


class Span(BaseModel):
    """A stretch of time, ``start <= end``, in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Seconds
    end: Seconds

    @model_validator(mode="after")
    def _ordered(self) -> Span:
        if self.end < self.start:
            raise ValueError(f"ends at {self.end} s, before it starts at {self.start} s")
        return self

    @property
    def duration(self) -> float:
        return self.end - self.start

    def overlap(self, other: Span) -> float:
        """Seconds that both cover."""
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))

    def frames(self, rate: int) -> slice:
        """The frames of this span at ``rate``."""
        return slice(frames(self.start, rate), frames(self.end, rate))


class Segment(Span):
    """A stretch in which one speaker talks; segments of different speakers may overlap."""

    speaker: Label
    confidence: Share = 1.0


class Word(Span):
    """One spoken word as the transcriber wrote it, punctuation included, blanks stripped."""

    text: str
    confidence: Share = 1.0
    speaker: Label | None = None


class Utterance(Span):
    """Words that one speaker says without a long pause."""

    speaker: Label
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


def merge(spans: Iterable[tuple[float, float]], gap: float = 0.0) -> list[tuple[float, float]]:
    """Union of spans, ascending; those at most ``gap`` seconds apart become one."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start - merged[-1][1] <= gap:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged


def intersect(a: Sequence[tuple[float, float]], b: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """What two unions of spans have in common, ascending."""
    found = [(max(s, u), min(e, v)) for s, e in a for u, v in b]
    return merge((s, e) for s, e in found if e > s)


def subtract(a: Sequence[tuple[float, float]], b: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """What is in ``a`` and not in ``b``, ascending."""
    left = merge(a)
    for cut_start, cut_end in merge(b):
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, cut_start)), (max(start, cut_end), end))
            if piece[1] > piece[0]
        ]
    return left


def alone(segments: Iterable[Segment], speaker: str) -> list[tuple[float, float]]:
    """Where one speaker talks and nobody else does, ascending."""
    own = [(segment.start, segment.end) for segment in segments if segment.speaker == speaker]
    return subtract(own, others(segments, speaker))


def others(segments: Iterable[Segment], speaker: str) -> list[tuple[float, float]]:
    """Where anybody but one speaker talks, ascending."""
    return merge((segment.start, segment.end) for segment in segments if segment.speaker != speaker)
