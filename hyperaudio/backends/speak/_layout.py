"""From the times of a sentence's tokens to durations for Kokoro, and from its sound to places in the line."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from hyperaudio.backends.speak._graph import RATE, UNIT, Floats
from hyperaudio.backends.speak._timing import Gap
from hyperaudio.dsp import durations
from hyperaudio.timeline import Word

Doubles = npt.NDArray[np.float64]

LONGEST = 20.0
"""Seconds of a piece of a line that is rendered at once."""
MOST_SYMBOLS = 480
"""Symbols rendered at once; the text encoder takes 510."""
PAUSE = 0.12
"""Seconds of silence from which phrases are placed on their own."""
MARGIN = 0.15
"""Seconds that may sound before the first and after the last phone of a phrase: its onset and its decay."""
FADE = 0.008
"""Seconds over which a phrase's margins are faded."""
EVEN = 0.5
"""Share of the model's own proportions in the durations within a word, where an alignment is noisy."""
REST = 8
"""Units of duration that a pause gets in the rendering at most."""


def parted(
    words: Sequence[Word], start: float, end: float, size: Callable[[Sequence[Word]], int]
) -> list[tuple[Sequence[Word], float, float]]:
    """``words`` between ``start`` and ``end`` in parts within the limits, parted in the longest pauses."""
    if len(words) == 1 or (end - start <= LONGEST and size(words) <= MOST_SYMBOLS):
        return [(words, start, end)]
    middle = (start + end) / 2

    def worth(k: int) -> float:
        pause = max(0.0, words[k].start - words[k - 1].end)
        return pause - 0.05 * abs((words[k].start + words[k - 1].end) / 2 - middle)

    cut = max(range(1, len(words)), key=worth)
    at = (words[cut].start + words[cut - 1].end) / 2
    return parted(words[:cut], start, at, size) + parted(words[cut:], at, end, size)


def laid_out(
    edges: Doubles, gaps: Sequence[Gap], needs_time: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], list[tuple[int, int]]]:
    """Durations for the rendering in units, and the phrases as tokens ``(first, last)`` (exclusive).

    Within a phrase durations follow the original. A pause is only as long as a phrase's margins need, as
    phrases are placed on their own; its first token (punctuation) takes it up.
    """
    count = len(needs_time)
    spaced = np.ones(count, np.int64)
    pauses = [g for g in gaps if g.end - g.start >= PAUSE or g.first == 0 or g.last == count]
    for gap in pauses:
        spaced[gap.first] = max(1, REST - (gap.last - gap.first - 1))
    phrases = [(before.last, after.first) for before, after in itertools.pairwise(pauses)]
    for a, b in phrases:
        spaced[a:b] = durations.whole((edges[a : b + 1] - edges[a]) * RATE / UNIT, needs_time[a:b].astype(np.int64))
    return spaced, phrases


def evened(edges: Doubles, own: npt.NDArray[np.int64], owners: Sequence[int]) -> Doubles:
    """Edges with those inside words drawn toward the proportions of ``own`` durations; words keep theirs."""
    even = edges.copy()
    change = np.flatnonzero(np.diff(owners)) + 1
    for a, b in itertools.pairwise([0, *change, len(owners)]):
        share = np.cumsum(own[a:b])[:-1] / own[a:b].sum()
        even[a + 1 : b] += EVEN * (edges[a] + share * (edges[b] - edges[a]) - edges[a + 1 : b])
    return even


def warped(values: Floats, own: npt.NDArray[np.int64], spaced: npt.NDArray[np.int64]) -> Floats:
    """A contour for durations ``own``, two values per unit, carried over to ``spaced`` token by token.

    Asked for prosody at durations that it would not choose itself, the model takes a short opening
    silence out of the first word (180 ms measured); so it is asked for its own and that is warped.
    """
    source, aim = (2 * np.concatenate([[0], np.cumsum(d)]) for d in (own, spaced))
    at = np.interp(np.arange(aim[-1]) + 0.5, aim, source)
    return np.asarray(np.interp(at - 0.5, np.arange(len(values)), values), np.float32)


def rooms(edges: Doubles, phrases: Sequence[tuple[int, int]], seconds: float) -> list[tuple[float, float]]:
    """Seconds that each phrase may sound before its first and after its last phone; neighbours share a pause."""
    pauses = [edges[a] - edges[b] for (_, b), (a, _) in itertools.pairwise(phrases)]
    first, last = edges[phrases[0][0]], seconds - edges[phrases[-1][1]]
    before = [first, *(p / 2 for p in pauses)]
    after = [*(p / 2 for p in pauses), last]
    return [(min(MARGIN, b), min(MARGIN, max(0.0, a))) for b, a in zip(before, after, strict=True)]


def place(canvas: Floats, sound: Floats, first: int, last: int, at: float, room: tuple[float, float]) -> None:
    """Add ``sound[first:last]`` to ``canvas`` at ``at`` seconds, with its margins (``room``, seconds), ends faded."""
    lead, tail = (round(min(r, MARGIN) * RATE) for r in room)
    lead, tail = min(lead, first), min(tail, len(sound) - last)
    piece = sound[first - lead : last + tail].astype(np.float64)
    ramp = np.sin(np.linspace(0, np.pi / 2, min(round(FADE * RATE), len(piece) // 2), endpoint=False)) ** 2
    piece[: len(ramp)] *= ramp
    piece[len(piece) - len(ramp) :] *= ramp[::-1]
    start = round(at * RATE) - lead
    skip = max(0, -start)
    piece = piece[skip : max(skip, len(canvas) - start)]
    canvas[start + skip : start + skip + len(piece)] += piece.astype(np.float32)
