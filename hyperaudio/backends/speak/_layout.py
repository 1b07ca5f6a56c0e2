"""From the times of a sentence's tokens to durations for Kokoro, and from its sound to places in the line."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperaudio.backends.speak._graph import RATE, UNIT, Doubles, Floats
from hyperaudio.backends.speak._timing import Gap
from hyperaudio.dsp import durations
from hyperaudio.timeline import Word

LONGEST = 20.0
"""Seconds of a piece of a line that is rendered at once."""
MOST_SYMBOLS = 480
"""Symbols rendered at once; the text encoder takes 510."""
PAUSE = 0.12
"""Seconds of silence from which phrases are placed on their own."""
MARGIN = 0.1
"""Seconds that may sound before the first and after the last phone of a phrase: its onset and its decay."""
FADE = 0.008
"""Seconds over which a phrase's margins are faded."""
REST = 8
"""Units of silence that a pause gets in the rendering: two margins."""
SILENT = -9.0
"""Kokoro's energy in silence."""
DECAY = 3
"""Half units of a pause that a last phone may decay in where the model itself makes no pause."""


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


@dataclass(frozen=True, slots=True)
class Layout:
    """What is asked of the model.

    Attributes:
        durations: ``(tokens,)`` in units.
        edges: ``(tokens + 1,)`` in units: where tokens are to sound. At a pause this is not where they end.
        phrases: tokens ``(first, last)`` (exclusive) from pause to pause.
    """

    durations: npt.NDArray[np.int64]
    edges: Doubles
    phrases: list[tuple[int, int]]


def laid_out(
    edges: Doubles,
    gaps: Sequence[Gap],
    needs_time: npt.NDArray[np.bool_],
    own: npt.NDArray[np.int64],
    sounding: Doubles,
) -> Layout:
    """Durations for the rendering, and where its tokens sound.

    Within a phrase durations follow the original. A pause is only as long as a phrase's margins need, as
    phrases are placed on their own. At a pause tokens end as much later than they sound, and begin as much
    later, as in the model's ``own`` durations: a last phone that is not given its silence is cut.

    Args:
        edges: ``(tokens + 1,)`` seconds in the original where tokens sound.
        gaps: what lies between its words.
        needs_time: ``(tokens,)`` false for marks.
        own: ``(tokens,)`` the model's durations in units.
        sounding: ``(tokens + 1,)`` units where tokens sound in them.
    """
    count = len(own)
    late = np.concatenate([[0], np.cumsum(own)]) - sounding
    pauses = [g for g in gaps if g.end - g.start >= PAUSE or g.first == 0 or g.last == count]
    phrases = [(before.last, after.first) for before, after in itertools.pairwise(pauses)]
    late[[b for _, b in phrases]] = np.clip(late[[b for _, b in phrases]], 0, REST - 2)
    late[[a for a, _ in phrases]] = np.clip(late[[a for a, _ in phrases]], 0, 2)
    late[[0, count]] = 0
    spaced = np.ones(count, np.int64)
    for gap in pauses:
        rest = REST - late[gap.first] + late[gap.last] - (gap.last - gap.first - 1)
        spaced[gap.first] = max(1, int(np.ceil(rest)))
    for a, b in phrases:
        wanted = (edges[a : b + 1] - edges[a]) * RATE / UNIT - late[a]
        wanted[-1] += late[b]
        wanted = np.maximum.accumulate(np.maximum(wanted, 0.0))
        spaced[a:b] = durations.whole(wanted, needs_time[a:b].astype(np.int64))
    whole = np.concatenate([[0], np.cumsum(spaced)])
    sounds = whole.astype(np.float64)
    for gap in pauses:
        low, high = whole[gap.first] - late[gap.first], whole[gap.last] - late[gap.last]
        sounds[gap.first : gap.last + 1] = np.clip(whole[gap.first : gap.last + 1], low, high)
        sounds[gap.first], sounds[gap.last] = low, high
    return Layout(spaced, sounds, phrases)


def evened(edges: Doubles, own: Doubles, owners: Sequence[int], share: float) -> Doubles:
    """Edges with those inside words drawn by ``share`` toward the proportions of ``own`` edges; words keep theirs."""
    even = edges.copy()
    change = np.flatnonzero(np.diff(owners)) + 1
    for a, b in itertools.pairwise([0, *change, len(owners)]):
        there = (own[a + 1 : b] - own[a]) / max(own[b] - own[a], 0.5)
        even[a + 1 : b] += share * (edges[a] + there * (edges[b] - edges[a]) - edges[a + 1 : b])
    return even


def warped(values: Floats, source: Doubles, aim: Doubles) -> Floats:
    """A contour, two values per unit, carried from edges ``source`` over to edges ``aim`` (both in units).

    Asked for prosody at durations that it would not choose itself, the model takes a short opening
    silence out of the first word (180 ms measured); so it is asked for its own and that is warped.
    """
    at = np.interp(np.arange(round(2 * aim[-1])) + 0.5, 2 * aim, 2 * source)
    return np.asarray(np.interp(at - 0.5, np.arange(len(values)), values), np.float32)


def hushed(energy: Floats, layout: Layout) -> Floats:
    """Energy with silence in the pauses, where the model may have none of its own."""
    energy = energy.copy()
    ends = [0.0, *(layout.edges[b] for _, b in layout.phrases)]
    starts = [*(layout.edges[a] for a, _ in layout.phrases), layout.edges[-1]]
    for a, b in zip(ends, starts, strict=True):
        first, last = (round(2 * a) + DECAY if a else 0), (round(2 * b) - 1 if b < layout.edges[-1] else len(energy))
        energy[first : max(first, last)] = np.minimum(energy[first : max(first, last)], SILENT)
    return energy


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
