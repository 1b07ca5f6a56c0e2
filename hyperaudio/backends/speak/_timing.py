"""When each token of a sentence is spoken in a recording, from a rendering whose times are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperaudio.dsp import alignment

Floats = npt.NDArray[np.float64]

WORD_SLACK = 0.2
"""Seconds that a word may lie outside its transcribed time for free."""
WORD_PRICE = 4.0
"""Price of each second past the slack."""
LOUD_PAUSE = 3.0
"""Price of each point of speech taken for a pause."""
HOLD, QUIET_HOLD = 0.15, 0.5
"""Price of each point that a sound is held, and more where it is quiet: a closure lasts less than a pause."""
QUIET = 0.5
"""Kokoro's energy below which it renders silence: about 45 dB under its loudest vowels."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Tokens ``first`` to ``last`` (exclusive) between two words, and the silence there in seconds (or none)."""

    first: int
    last: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Where tokens lie in a recording.

    Attributes:
        edges: ``(tokens + 1,)`` seconds, never falling.
        gaps: what lies before, between and after the words.
        cost: mean feature distance over speech; about 1 for a good match, 2 for unrelated sounds.
    """

    edges: Floats
    gaps: tuple[Gap, ...]
    cost: float


def align(
    target: npt.NDArray[np.floating],
    guide: npt.NDArray[np.floating],
    edges: Floats,
    words: Sequence[int],
    times: Sequence[tuple[float, float]],
) -> Timing:
    """Token times in ``target``, which says the same as ``guide`` (both ``(frames,)`` at 16 kHz).

    Args:
        target: the recording.
        guide: the rendering.
        edges: ``(tokens + 1,)`` seconds of the tokens in ``guide``.
        words: for each token its word, ``-1`` between words.
        times: for each word its rough start and end in ``target``, in seconds.

    Raises:
        ValueError: the sentence does not fit into the target.
    """
    step = alignment.STEP
    first = np.round(edges / step).astype(np.int64)
    gaps = between(words)
    positions, optional = _template(guide, first, gaps)
    heard = alignment.features(target)
    expected = alignment.features(guide)
    rows = np.minimum(positions.astype(np.int64), len(expected) - 1)
    cost = alignment.distances(heard, expected[rows])
    cost[:, optional] = (0.2 + LOUD_PAUSE * alignment.loudness(target))[:, None]
    hold = HOLD + QUIET_HOLD * (1 - alignment.loudness(guide)[rows])
    path = alignment.walk(cost + _anchors(len(heard), positions, first, words, times), optional, hold)

    at = np.searchsorted(positions[path], first - 0.25)
    silent = [np.flatnonzero(positions[path] == place) for place in positions[optional]]
    spans = [(s[0], s[-1] + 1) if len(s) else (at[b], at[b]) for (_, b), s in zip(gaps, silent, strict=True)]
    speech = ~optional[path]
    return Timing(
        edges=np.asarray(at * step, np.float64),
        gaps=tuple(Gap(a, b, s * step, e * step) for (a, b), (s, e) in zip(gaps, spans, strict=True)),
        cost=float(cost[speech, path[speech]].mean()) if speech.any() else float("inf"),
    )


def sounding(durations: npt.NDArray[np.int64], energy: npt.NDArray[np.floating], words: Sequence[int]) -> Floats:
    """Token edges ``(tokens + 1,)`` in units, moved at each gap to where the model's own sound ends and begins.

    Kokoro gives most of a pause to the phone before it, and a word begins to sound in the gap before it.

    Args:
        durations: ``(tokens,)`` in units.
        energy: the model's own for them, two per unit.
        words: for each token its word, ``-1`` between words.
    """
    whole = np.concatenate([[0], np.cumsum(durations)])
    edges = whole.astype(np.float64)
    last = len(durations)
    for a, b in between(words):
        # Not the whole of its neighbours, which sound; silence apart from the gap is a closure.
        low, high = 2 * whole[max(a - 1, 0)] + (a > 0), 2 * whole[min(b + 1, last)] - (b < last)
        silences = [(low + begin, low + end) for begin, end in alignment.runs(energy[low:high] < QUIET)]
        silences = [run for run in silences if run[0] <= 2 * whole[b] and run[1] >= 2 * whole[a]]
        if silences:
            begin, end = max(silences, key=lambda run: run[1] - run[0])
            edges[a : b + 1] = np.clip(edges[a : b + 1], begin / 2, end / 2)
            edges[a] = begin / 2 if a else 0.0
            edges[b] = end / 2 if b < last else whole[-1]
    return edges


def between(words: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of tokens between words."""
    return alignment.runs(np.asarray(words) < 0)


def _template(
    guide: npt.NDArray[np.floating], first: npt.NDArray[np.int64], gaps: Sequence[tuple[int, int]]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Positions in ``guide`` (in points) of the states to walk, and which of them are optional silences.

    The guide's own silences between words make way for optional ones at half-way positions.
    """
    level = alignment.levels(guide)
    quiet = level < alignment.speech_threshold(level)
    keep = np.ones(len(level), np.bool_)
    places = []
    for a, b in gaps:
        inside = np.arange(first[a], min(first[b], len(level)))
        silent = inside[quiet[inside]]
        keep[silent] = False
        middle = silent[len(silent) // 2] if len(silent) else (first[a] + first[b]) // 2
        places.append(min(int(middle), int(first[b]) - 1) + 0.5)
    if gaps and gaps[-1][1] == len(first) - 1:
        keep[first[-1] :] = False
    positions = np.concatenate([np.flatnonzero(keep).astype(np.float64), places])
    optional = np.arange(len(positions)) >= keep.sum()
    order = np.argsort(positions, kind="stable")
    return positions[order], optional[order]


def _anchors(
    points: int,
    positions: Floats,
    first: npt.NDArray[np.int64],
    words: Sequence[int],
    times: Sequence[tuple[float, float]],
) -> Floats:
    """Price ``(points, states)`` of a word outside its transcribed time; nothing between words."""
    owner = np.asarray([*words, -1])[np.searchsorted(first, positions, side="right") - 1]
    bounds = np.array([*times, (0.0, points * alignment.STEP)])
    start, end = bounds[owner, 0], bounds[owner, 1]
    at = (np.arange(points) * alignment.STEP)[:, None]
    outside = np.maximum(start - WORD_SLACK - at, at - end - WORD_SLACK)
    return np.where(owner < 0, 0.0, WORD_PRICE * np.maximum(outside, 0.0))
