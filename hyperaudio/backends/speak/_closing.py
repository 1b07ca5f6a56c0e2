"""Saying a text again with what its words miss their places by taken off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hyperaudio.backends.speak._graph import RATE, Doubles, Floats
from hyperaudio.backends.speak._script import Script
from hyperaudio.dsp.alignment import FEATURE_RATE
from hyperaudio.measures import timing
from hyperaudio.timeline import Word

FAR = 0.2
"""Seconds of a measured deviation past which it is rather the measurement that failed."""
TOUCHING = 0.03
"""Seconds between words up to which the end of one is the start of the next."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sound ``(frames,)`` at 24 kHz, seconds that its words' edges are off in the mean, and notes for a person."""

    sound: Floats
    off: float
    notes: list[str]


def closed(
    say: Callable[[Doubles], tuple[Floats, list[str]]],
    edges: Doubles,
    script: Script,
    words: Sequence[Word],
    heard: Floats,
    rounds: int,
) -> Said:
    """The best of some sayings, each with the deviations of the one before taken off.

    Args:
        say: gives the sound for edges ``(tokens + 1,)`` in seconds.
        edges: where the tokens are in the original.
        words: what the script says.
        heard: the original at 16 kHz.
        rounds: how often it is said again.
    """
    import soxr

    spans = script.spans
    there = [Word(start=edges[a], end=max(edges[a], edges[b]), text=words[word].text) for word, (a, b) in spans.items()]

    def measured(aim: Doubles) -> tuple[Said, Doubles]:
        sound, notes = say(aim)
        now = soxr.resample(sound, RATE, FEATURE_RATE)
        found = {id(row.word): row for row in timing.compare(heard, now, there)}
        late = np.array([(found[id(w)].start, found[id(w)].end) if id(w) in found else (np.nan, np.nan) for w in there])
        off = float(np.nanmean(np.minimum(np.abs(late), FAR))) if np.isfinite(late).any() else FAR
        return Said(sound, off, notes), late

    best, late = measured(edges)
    for _ in range(rounds):
        edges = _corrected(edges, list(spans.values()), late, len(heard) / FEATURE_RATE)
        again, late = measured(edges)
        if again.off >= best.off:
            break
        best = again
    return best


def _corrected(edges: Doubles, tokens: Sequence[tuple[int, int]], late: Doubles, seconds: float) -> Doubles:
    """``edges`` moved against the lateness ``(words, 2)`` of starts and ends, sounds inside words along with them."""
    late = np.where(np.isfinite(late) & (np.abs(late) <= FAR), late, 0.0)
    for k in range(len(tokens) - 1):
        if edges[tokens[k + 1][0]] - edges[tokens[k][1]] <= TOUCHING:
            late[k, 1] = late[k + 1, 0] = late[[k, k + 1], [1, 0]].mean()
    knots = np.array(tokens).ravel()
    moved = edges - np.interp(np.arange(len(edges)), knots, late.ravel())
    return np.asarray(np.maximum.accumulate(np.clip(moved, 0.0, seconds)))
