"""Figures with thresholds, the places that stand out, and the document that holds both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from hyperaudio.job import Document, Record

WORST = 20
"""Places that are named."""

Relation = Literal["<=", ">="]


class Figure(Record):
    """One measurement. ``passed`` is ``None`` where it has no threshold or could not be measured."""

    name: str
    value: float | None
    unit: str = ""
    relation: Literal["<=", ">=", ""] = ""
    threshold: float | None = None
    passed: bool | None = None
    speaker: str | None = None
    note: str = ""


class Place(Record):
    """A stretch in seconds where a measurement stands out; ``excess`` is its share of the threshold."""

    start: float
    end: float
    figure: str
    value: float
    unit: str = ""
    excess: float
    note: str = ""


Found = Figure | Place
"""What a measure gives."""


class Quality(Document):
    """``quality.json``: all figures, and the worst places first."""

    passed: bool
    figures: tuple[Figure, ...]
    places: tuple[Place, ...] = ()


def rounded(value: float) -> float:
    """To four decimals, or eight where four would be 0: a difference of one bit is not none."""
    return round(value, 4) if abs(value) >= 0.001 else round(value, 8)


def counted(number: int, noun: str) -> str:
    """A number of things in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def judged(
    name: str,
    value: float | None,
    unit: str,
    relation: Relation,
    threshold: float,
    note: str = "",
    speaker: str | None = None,
) -> Figure:
    """A figure against its threshold; one that could not be measured neither passes nor fails."""
    passed = None
    if value is not None:
        passed = value <= threshold if relation == "<=" else value >= threshold
    return Figure(
        name=name,
        value=None if value is None else rounded(value),
        unit=unit,
        relation=relation,
        threshold=round(threshold, 4),
        passed=passed,
        speaker=speaker,
        note=note,
    )


def unmeasured(name: str, why: str, speaker: str | None = None) -> Figure:
    """A figure without a value, and the reason."""
    return Figure(name=name, value=None, note=why, speaker=speaker)


def place(
    start: float,
    end: float,
    figure: str,
    value: float,
    unit: str,
    relation: Relation,
    threshold: float,
    note: str = "",
) -> Place:
    """A place against a threshold: an excess of 1 is on it, 2 is as far beyond as the threshold is from 0.

    Where the threshold is 0 the value itself is added to 1.
    """
    beyond = value - threshold if relation == "<=" else threshold - value
    return Place(
        start=round(max(0.0, start), 3),
        end=round(max(0.0, start, end), 3),
        figure=figure,
        value=rounded(value),
        unit=unit,
        excess=round(1 + beyond / (abs(threshold) or 1.0), 4),
        note=note,
    )


def quality(found: Iterable[Found]) -> Quality:
    """All figures in order, whether each passes, and the worst places first."""
    every = list(found)
    figures = tuple(one for one in every if isinstance(one, Figure))
    places = sorted((one for one in every if isinstance(one, Place)), key=lambda one: (-one.excess, one.start))
    return Quality(
        passed=all(figure.passed is not False for figure in figures), figures=figures, places=tuple(places[:WORST])
    )


def labels(result: Quality) -> str:
    """The places as an Audacity label file: start, end and text, a tab between, a line each, by time."""
    return "".join(
        f"{one.start:.3f}\t{one.end:.3f}\t{one.figure}: {one.value:g} {one.unit}".rstrip()
        + (f" ({one.note})" if one.note else "")
        + "\n"
        for one in sorted(result.places, key=lambda one: (one.start, one.end))
    )
