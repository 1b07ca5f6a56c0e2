"""How far words moved between a recording and its edited version: by the sound of both, not by recognised times.

Utterance by utterance, dynamic time warping finds the offset of the new sound at each point of the old one, on
features that carry little of the voice. The match around each edge is then refined to a millisecond, and an
edge beside a pause is read from the energy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperaudio.dsp import alignment
from hyperaudio.dsp import lag as voice_lag
from hyperaudio.dsp.alignment import FEATURE_RATE, STEP
from hyperaudio.timeline import Word, frames

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

PAUSE = 0.6
"""Seconds between words at which the recording is cut into utterances."""
LONGEST = 15.0
"""Seconds of an utterance from which on it is cut at any word."""
MARGIN = 0.5
"""Seconds of sound around an utterance that are compared along with it."""
FARTHEST = 0.6
"""Most seconds that a word may have moved to be found."""
CHANGE, QUIET_CHANGE = 6.0, 1.5
"""Price of each point by which the offset changes from one point to the next, in speech and in a pause; the features
of two voices differ by about 1, those of unrelated sounds by 2."""
UNLIKE = 2.0
"""Price of each point of speech where a pause was, or the other way round."""
AWAY = 0.005
"""Price of each point for each point of offset: of two matches the nearer one."""
QUIET_WEIGHT = 0.3
"""How much the match of a point counts in a pause."""
SILENCE = 0.06
"""Seconds of quiet from which on it is a pause, which may be longer or shorter in the new sound."""
INSIDE, BEYOND = 0.06, 0.02
"""Seconds into a word, and outside it, over which its edge is matched."""
FINE = 0.012
"""Seconds either way that a match is refined."""
BESIDE = 0.12
"""Seconds from a word's edge within which the edge of a pause is taken for it."""
DOWN = (16.0, 20.0, 24.0, 28.0, 32.0)
"""dB under a sound's loudest at which its begin and end are read in both; the median difference counts."""
ATTACK = 0.2
"""Seconds into a sound within which its loudest is sought."""
AGREE = 0.06
"""Seconds by which energy and path may differ; past that the energy shows something else."""

_MS = 0.001


@dataclass(frozen=True, slots=True)
class Moved:
    """Seconds by which a word's start and end lie later in the new sound than in the old."""

    word: Word
    start: float
    end: float


def compare(old: Samples, new: Samples, words: Sequence[Word]) -> list[Moved]:
    """How far each word moved; those that cannot be found again are left out.

    Args:
        old: ``(frames,)`` at 16 kHz.
        new: the same words on the same timeline.
        words: ascending, with their times in ``old``.
    """
    moved: list[Moved] = []
    length = min(len(old), len(new)) / FEATURE_RATE
    for group in _utterances([word for word in words if word.start < length]):
        start, end = max(0.0, group[0].start - MARGIN), min(length, group[-1].end + MARGIN)
        part = slice(frames(start, FEATURE_RATE), frames(end, FEATURE_RATE))
        if old[part].any() and new[part].any():
            moved += _utterance(old[part], new[part], group, part.start / FEATURE_RATE)
    return moved


def lag(old: Samples, new: Samples, most: float = 0.25) -> float:
    """Milliseconds, at most ``most`` seconds either way, by which ``new`` as a whole is later than ``old``.

    The peak of the cross-correlation of the waveforms, summed over blocks; where they have little in common (another
    voice), that of the energy over 40 ms. Both are ``(frames,)`` at 16 kHz. 0 where one is silent.
    """
    best, shift = _correlated(old, new, most, _doubles)
    if best < voice_lag.SAME:
        _, shift = _correlated(old, new, most, _envelope)
    return 1000 * shift / FEATURE_RATE


def drift(moved: Sequence[Moved], least: float = 60.0) -> float | None:
    """Milliseconds per hour by which words come ever later (earlier: negative): the Theil-Sen slope of their starts.

    ``None`` for fewer than ten words or where they span less than ``least`` seconds.
    """
    from scipy.stats import theilslopes

    kept = moved[:: max(1, len(moved) // 1000)]  # every pair is looked at
    if len(kept) < 10 or kept[-1].word.start - kept[0].word.start < least:
        return None
    slope = theilslopes([row.start for row in kept], [row.word.start for row in kept])[0]
    return float(slope) * 3600 * 1000


def _utterances(words: Sequence[Word]) -> list[list[Word]]:
    """Words parted at long pauses, and where they would last too long."""
    groups: list[list[Word]] = []
    for word in words:
        if groups and word.start - groups[-1][-1].end < PAUSE and word.end - groups[-1][0].start < LONGEST:
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def _utterance(old: Samples, new: Samples, words: Sequence[Word], offset: float) -> list[Moved]:
    before, after = alignment.features(old), _fine(new)
    level = alignment.levels(old)
    quiet = level < alignment.speech_threshold(level)
    pauses = [(a, b) for a, b in alignment.runs(quiet) if b - a >= SILENCE / STEP]
    late = _path(before, after[:: round(STEP / _MS)], *(alignment.loudness(s) for s in (old, new)))
    sharp_old, sharp_new = _levels(old), _levels(new)
    rows = []
    for word in words:
        start, end = (word.start - offset) / STEP, (word.end - offset) / STEP
        onset = min((b for _, b in pauses if abs(b - start) * STEP <= BESIDE), key=lambda b: abs(b - start), default=-1)
        release = min((a for a, _ in pauses if abs(a - end) * STEP <= BESIDE), key=lambda a: abs(a - end), default=-1)
        begin = onset if onset >= 0 else start
        stop = release if release >= 0 else end
        first = _edge(before, after, late, (begin - BEYOND / STEP, begin + INSIDE / STEP))
        last = _edge(before, after, late, (stop - INSIDE / STEP, stop + BEYOND / STEP))
        if onset >= 0:
            first = _beside(sharp_old, sharp_new, begin * STEP, first)
        if release >= 0:
            last = -_beside(sharp_old[::-1], sharp_new[::-1], len(sharp_old) * _MS - stop * STEP, -last)
        rows.append(Moved(word, round(first, 4), round(last, 4)))
    return rows


def _path(before: Floats, after: Floats, loud: Floats, now_loud: Floats) -> Floats:
    """Seconds that each old point lies later in the new sound, ``(points,)``.

    The offsets, one per point, at which features differ least, each change of offset at a price.
    """
    reach = round(FARTHEST / STEP)
    offsets = np.arange(-reach, reach + 1)
    padded = np.pad(after, ((reach, reach + max(0, len(before) - len(after))), (0, 0)), mode="edge")
    cost = np.stack([((padded[k : k + len(before)] - before) ** 2).mean(axis=1) for k in range(len(offsets))], axis=1)
    cost *= (QUIET_WEIGHT + (1 - QUIET_WEIGHT) * loud)[:, None]
    around = np.pad(now_loud, (reach, reach + max(0, len(before) - len(after))), mode="edge")
    cost += (
        UNLIKE * (np.lib.stride_tricks.sliding_window_view(around, len(offsets))[: len(before)] - loud[:, None]) ** 2
    )
    cost += AWAY * np.abs(offsets)
    change = QUIET_CHANGE + (CHANGE - QUIET_CHANGE) * loud
    total = np.empty_like(cost)
    total[0] = cost[0]
    for point in range(1, len(cost)):
        slope = change[point] * offsets
        rising = np.minimum.accumulate(total[point - 1] - slope) + slope
        falling = np.minimum.accumulate((total[point - 1] + slope)[::-1])[::-1] - slope
        total[point] = np.minimum(rising, falling) + cost[point]
    best = np.empty(len(cost), np.int64)
    best[-1] = int(np.argmin(total[-1]))
    for point in range(len(cost) - 1, 0, -1):
        best[point - 1] = int(np.argmin(total[point - 1] + change[point] * np.abs(offsets - offsets[best[point]])))
    return np.asarray(offsets[best] * STEP)


def _fine(samples: Samples) -> Floats:
    """Features as :func:`alignment.features` gives, but one per millisecond."""
    phases = round(STEP / _MS)
    ms = round(_MS * FEATURE_RATE)
    padded = np.pad(samples, (0, phases * ms))
    each = [alignment.features(padded[k * ms : len(samples) + k * ms]) for k in range(phases)]
    return np.stack(each, axis=1).reshape(-1, each[0].shape[1])


def _edge(before: Floats, after: Floats, late: Floats, span: tuple[float, float]) -> float:
    """Seconds that the old points of ``span`` are later: the path's median there, refined by the best match."""
    first, last = max(0, round(span[0])), min(len(before), round(span[1]))
    if last <= first:
        return 0.0
    rough = float(np.median(late[first:last]))
    points = np.arange(first, last) * round(STEP / _MS)
    reach = round(FINE / _MS)
    shifts = np.arange(-reach, reach + 1)
    at = np.clip(points[None] + round(rough / _MS) + shifts[:, None], 0, len(after) - 1)
    distance = ((after[at] - before[first:last]) ** 2).mean(axis=(1, 2))
    return round(rough / _MS) * _MS + shifts[int(np.argmin(distance))] * _MS


def _levels(samples: Samples) -> Floats:
    """Level in dBFS, one per millisecond, over 10 ms."""
    ms = round(_MS * FEATURE_RATE)
    power = np.square(samples, dtype=np.float64)
    smooth = np.convolve(power, np.hanning(10 * ms + 2)[1:-1] / (5 * ms), mode="same")
    return np.asarray(10 * np.log10(np.maximum(smooth[::ms], 1e-10)))


def _beside(old: Floats, new: Floats, at: float, late: float) -> float:
    """Seconds by which a sound that begins near ``at`` begins later, by its energy; ``late`` is what the path says."""
    was, now = _begins(old, at), _begins(new, at + late)
    both = [n - w for w, n in zip(was, now, strict=True) if w is not None and n is not None]
    if not both:
        return late
    found = float(np.median(both))
    return found if abs(found - late) <= AGREE else late


def _begins(level: Floats, at: float) -> list[float | None]:
    """Where a sound near ``at`` passes each level of ``DOWN`` under its loudest, in seconds."""
    near = round(at / _MS)
    first = max(0, near - round(BESIDE / _MS))
    attack = level[max(0, near) : near + round(ATTACK / _MS)]
    if not len(attack):
        return [None] * len(DOWN)
    peak = max(0, near) + int(np.argmax(attack))
    found: list[float | None] = []
    for down in DOWN:
        under = np.flatnonzero(level[first:peak] < level[peak] - down)
        if not len(under):
            found.append(None)
            continue
        at_ = first + int(under[-1])
        low, high = level[at_], level[at_ + 1]
        found.append((at_ + (level[peak] - down - low) / max(high - low, 1e-6)) * _MS)
    return found


def _correlated(old: Samples, new: Samples, most: float, prepared: Callable[[Samples], Floats]) -> tuple[float, float]:
    """Peak of the normalised cross-correlation, and the shift in frames (with its fraction) where it lies."""
    count, reach = min(len(old), len(new)), round(most * FEATURE_RATE)
    size = 1 << 18
    total = np.zeros(2 * reach + 1)
    power = np.zeros(2)
    shifts = np.arange(-reach, reach + 1)
    for first in range(0, count, size - 2 * reach):
        a = prepared(old[first : min(count, first + size - 2 * reach)])
        low = max(0, first - reach)
        b = np.zeros(size)
        piece = prepared(new[low : min(count, first + len(a) + reach)])
        b[low - (first - reach) :][: len(piece)] = piece
        both = np.fft.irfft(np.fft.rfft(b) * np.conj(np.fft.rfft(a, size)), size)
        total += both[: 2 * reach + 1]
        power += (a @ a, b[reach : reach + len(a)] @ b[reach : reach + len(a)])
    if not power.all():
        return 0.0, 0.0
    best = int(np.argmax(total))
    fraction = 0.0
    if 0 < best < len(total) - 1:
        left, middle, right = total[best - 1 : best + 2]
        bend = left - 2 * middle + right
        fraction = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(total[best] / np.sqrt(power.prod())), float(shifts[best] + fraction)


def _doubles(samples: Samples) -> Floats:
    return samples.astype(np.float64)


def _envelope(samples: Samples) -> Floats:
    """:func:`lag.envelope` of the same length, about its mean."""
    envelope = voice_lag.envelope(samples, FEATURE_RATE)[: len(samples)]
    return np.asarray(envelope - envelope.mean())
