"""Figures with thresholds, the places that stand out, and the document that holds both."""

from __future__ import annotations

from typing import Literal

from hyperaudio.job import Document, Record

WORST = 20
"""Places that are named."""


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


class Quality(Document):
    """``quality.json``: all figures, and the worst places first."""

    passed: bool
    figures: tuple[Figure, ...]
    places: tuple[Place, ...] = ()


def judged(
    name: str,
    value: float | None,
    unit: str,
    relation: Literal["<=", ">="],
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
        value=None if value is None else round(value, 4),
        unit=unit,
        relation=relation,
        threshold=threshold,
        passed=passed,
        speaker=speaker,
        note=note,
    )
