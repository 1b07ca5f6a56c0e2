"""Results on stdout: tables for people, JSON for machines."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hyperaudio.measures.figures import Figure, Quality
from hyperaudio.speakers import SpeakerSummary


def plain(value: Any) -> Any:
    """A result as JSON values."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def as_json(value: Any) -> None:
    """Print a result as JSON."""
    print(json.dumps(plain(value), indent=1, ensure_ascii=False))


def rows(
    title: str,
    columns: Sequence[str],
    cells: Sequence[Sequence[str | Text]],
    numbers: Sequence[int] = (),
    *,
    stderr: bool = False,
) -> None:
    """Print a table; ``numbers`` are the columns to align right."""
    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in numbers else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    console = Console(highlight=False, markup=False, stderr=stderr)
    if not console.is_terminal:  # a pipe has no width; lines must not be cut
        console = Console(highlight=False, markup=False, stderr=stderr, width=200)
    console.print(table)


def speakers(found: Sequence[SpeakerSummary]) -> None:
    """The table of who is in a recording."""
    rows(
        "",
        ("speaker", "talk", "share", "words/min", "pitch", "says"),
        [
            (
                s.label,
                f"{s.talk_seconds:.1f} s",
                f"{s.share:.0%}",
                f"{s.words_per_minute:.0f}",
                f"{s.median_pitch_hz:.0f} Hz" if s.median_pitch_hz else "-",
                s.quote,
            )
            for s in found
        ],
        numbers=(1, 2, 3, 4),
    )
    for s in found:
        print(s.clip)


def quality(result: Quality, *, stderr: bool = False) -> None:
    """The verification table, and the worst places."""
    who = {figure.speaker for figure in result.figures if figure.speaker}
    rows(
        f"Replaced: {', '.join(sorted(who))}" if who else "",
        ("figure", "value", "threshold", "", "note"),
        [
            (_name(f) if len(who) > 1 else f.name, _number(f.value), _threshold(f), _verdict(f), _note(f))
            for f in result.figures
        ],
        numbers=(1, 2),
        stderr=stderr,
    )
    if result.places:
        rows(
            "Worst places: above 1.00x a threshold is missed there",
            ("start", "end", "figure", "value", "of threshold", "note"),
            [
                (
                    f"{p.start:.2f} s",
                    f"{p.end:.2f} s",
                    p.figure,
                    f"{_number(p.value)} {p.unit}".strip(),
                    f"{p.excess:.2f}x",
                    p.note,
                )
                for p in result.places
            ],
            numbers=(0, 1, 3, 4),
            stderr=stderr,
        )


def _name(figure: Figure) -> str:
    return f"{figure.name} ({figure.speaker})" if figure.speaker else figure.name


def _number(value: float | None) -> str:
    """To three digits, all of them before the point; the unit stands with the threshold."""
    return "-" if value is None else f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _threshold(figure: Figure) -> str:
    return f"{figure.relation} {figure.threshold:g} {figure.unit}".strip() if figure.threshold is not None else ""


def _verdict(figure: Figure) -> str | Text:
    return Text("FAIL", "bold red") if figure.passed is False else "pass" if figure.passed else ""


def _note(figure: Figure) -> str:
    return f"not measured: {figure.note}" if figure.value is None else figure.note
