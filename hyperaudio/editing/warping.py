"""Speech fitted to other times by stretching it piece by piece: pauses first, then vowels, consonants least.

For speech that was rendered at its own pace. A word keeps all its sound: where it cannot be brought into its time
within the limits, it takes time from the pause after it, or the next word comes late.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from hyperaudio.dsp.alignment import runs

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Kind = Literal["pause", "vowel", "consonant", "word"]
"""A word as a whole where its sounds are not known."""

LIMITS: dict[Kind, tuple[float, float]] = {"vowel": (0.6, 1.7), "consonant": (0.8, 1.25), "word": (0.7, 1.4)}
"""Least and most of its own duration that a piece may get: the burst of a stop is what it is by its length."""
LIKE = 0.04
"""Difference of factors up to which neighbours are stretched as one."""
CONTEXT = 0.06
"""Seconds around a piece that are stretched along, for the stretcher's windows: half of one."""
JOINT = 0.005
"""Seconds either way over which neighbouring pieces are faded into each other."""
NOTICED = 0.03
"""Seconds that a word may miss its time without a mention."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A word that starts, or ends, so many seconds later than wanted."""

    word: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Warp:
    """Pieces of sound and where they go: rows of ``(from, to, start, end)`` in seconds; pauses are left out."""

    pieces: tuple[tuple[float, float, float, float], ...]
    misfits: tuple[Misfit, ...]


def planned(source: Floats, aim: Floats, kinds: Sequence[Kind], words: Sequence[int]) -> Warp:
    """Where the pieces of a sound go.

    Args:
        source: ``(n + 1,)`` edges of the pieces in the sound, in seconds, never falling.
        aim: ``(n + 1,)`` the edges wanted.
        kinds: ``(n,)``.
        words: ``(n,)`` for each piece its word, ``-1`` for pauses.
    """
    own = np.diff(source)
    pieces: list[tuple[float, float, float, float]] = []
    misfits: list[Misfit] = []
    owners = np.asarray(words)
    spans = [(a, b) for first, last in runs(owners >= 0) for a, b in _parts(owners, first, last)]
    at = 0.0
    for a, b in spans:
        start = max(at, float(aim[a]))
        lengths = _lengths(own[a:b], float(aim[b]) - start, kinds[a:b])
        at = start + float(lengths.sum())
        late, long = start - float(aim[a]), at - float(aim[b])
        if max(abs(late), abs(long)) > NOTICED:
            misfits.append(Misfit(int(owners[a]), round(late, 3), round(long, 3)))
        edges = start + np.concatenate([[0.0], np.cumsum(lengths)])
        pieces += _joined([(source[k], source[k + 1], edges[k - a], edges[k - a + 1]) for k in range(a, b)])
    return Warp(tuple(pieces), tuple(misfits))


def apply(sound: Samples, rate: int, warp: Warp, seconds: float) -> Samples:
    """The pieces of ``sound`` ``(frames,)`` put in their places on ``seconds`` of silence."""
    canvas = np.zeros(int(np.ceil(seconds * rate)), np.float32)
    half = round(JOINT * rate)
    for first, last, start, end in warp.pieces:
        count = round(end * rate) - round(start * rate)
        if count <= 0 or last <= first:
            continue
        piece = _stretched(sound, rate, (first, last), count, half)
        ramp = (np.arange(2 * half, dtype=np.float32) + 0.5) / (2 * half)
        width = min(2 * half, len(piece))
        piece[:width] *= ramp[:width]
        piece[len(piece) - width :] *= ramp[:width][::-1]
        at = round(start * rate) - half
        skip = max(0, -at)
        part = piece[skip : max(skip, len(canvas) - at)]
        canvas[at + skip : at + skip + len(part)] += part
    return canvas


def _parts(owners: npt.NDArray[np.integer], first: int, last: int) -> list[tuple[int, int]]:
    """Words within a run without a pause: first and last (exclusive) piece of each."""
    change = [first, *(first + 1 + np.flatnonzero(np.diff(owners[first:last]))), last]
    return [(int(a), int(b)) for a, b in itertools.pairwise(change)]


def _lengths(own: Floats, wanted: float, kinds: Sequence[Kind]) -> Floats:
    """Durations of a word's pieces that come to ``wanted`` seconds if the limits allow.

    Up to a fifth is shared by all; what is missing then is the vowels', to their limit, then the others'.
    """
    low, high = (np.array([LIMITS[kind][side] for kind in kinds]) * own for side in (0, 1))
    wanted = float(np.clip(wanted, low.sum(), high.sum()))
    total = float(own.sum())
    if total <= 0:
        return own
    lengths = own * np.clip(wanted / total, 0.9, 1.1)
    for elastic in (np.array([kind != "consonant" for kind in kinds]), np.ones(len(own), np.bool_)):
        for _ in range(4):  # each round some pieces reach their limit
            missing = wanted - float(lengths.sum())
            room = np.where(elastic, (high if missing > 0 else low) - lengths, 0.0)
            if abs(missing) < 1e-6 or abs(room.sum()) < 1e-9:
                break
            lengths = lengths + room * min(1.0, missing / float(room.sum()))
    return np.asarray(np.clip(lengths, low, high))


def _joined(pieces: list[tuple[float, float, float, float]]) -> list[tuple[float, float, float, float]]:
    """Neighbours with nearly the same factor made one; those without sound left out."""
    joined: list[tuple[float, float, float, float]] = []
    for first, last, start, end in pieces:
        if last - first <= 0:
            continue
        if joined:
            a, _, c, d = joined[-1]
            before = (d - c) / (joined[-1][1] - a)
            if abs((end - start) / (last - first) - before) <= LIKE:
                joined[-1] = (a, last, c, end)
                continue
        joined.append((float(first), float(last), float(start), float(end)))
    return joined


def _stretched(sound: Samples, rate: int, span: tuple[float, float], count: int, extra: int) -> Samples:
    """``sound`` within ``span`` (seconds) made ``count`` frames long, with ``extra`` more at either end."""
    from python_stretch import Signalsmith

    first, last = (round(edge * rate) for edge in span)
    factor = (last - first) / count
    around = round(CONTEXT * rate) + int(np.ceil(extra * max(1.0, factor)))
    padded = np.pad(sound[max(0, first - around) : last + around], (max(0, around - first), 0))
    padded = np.pad(padded, (0, max(0, last - first + 2 * around - len(padded))))
    if abs(factor - 1) <= LIKE / 2:
        lead = around - extra
        return padded[lead : lead + count + 2 * extra].copy()
    stretch = Signalsmith.Stretch(0)  # a seed, for the same bytes each time
    stretch.preset(1, float(rate))
    stretch.timeFactor = factor
    out = np.asarray(stretch.process(np.ascontiguousarray(padded[None], np.float32)))[0]
    lead = round(around / factor) - extra
    piece = out[lead : lead + count + 2 * extra]
    return np.pad(piece, (0, count + 2 * extra - len(piece))).astype(np.float32)
