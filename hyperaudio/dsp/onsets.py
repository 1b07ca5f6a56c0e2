"""Moving word starts to where the sound begins: recognisers place them early after pauses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hyperaudio.timeline import Word

Samples = npt.NDArray[np.float32]

HOP = 0.005
"""Seconds between energy values."""
WINDOW = 0.015
"""Seconds each energy value looks at."""


def energy(speech: Samples, rate: int) -> npt.NDArray[np.float64]:
    """Level in dBFS every 5 ms over centred windows of 15 ms, ``(values,)``; at least -100."""
    hop, width = round(HOP * rate), round(WINDOW * rate)
    power = np.concatenate([[0.0], np.cumsum(np.square(speech, dtype=np.float64))])
    centres = np.arange(0, len(speech), hop)
    low, high = np.maximum(0, centres - width // 2), np.minimum(len(speech), centres + width // 2 + 1)
    mean = (power[high] - power[low]) / np.maximum(1, high - low)
    return 10 * np.log10(np.maximum(mean, 1e-10))


def snap(words: Sequence[Word], speech: Samples, rate: int, *, silence: float = 0.1, rise: float = 10.0) -> list[Word]:
    """Words with each start moved to where its sound begins, and the end before it to where that sound ends.

    A recogniser's word often reaches back over the pause before it. Where a word holds a silence and more
    of the sound lies behind it, the word starts behind it; a word that starts in silence starts where the
    silence ends; one that starts in sound after a pause starts where that sound began.

    Args:
        words: ascending.
        speech: ``(frames,)`` at ``rate``.
        silence: the least length of a pause in seconds; the closure of a stop is shorter.
        rise: dB above the noise floor around the word that count as sound.
    """
    level = energy(speech, rate)
    snapped: list[Word] = []
    for word in words:
        before = snapped[-1] if snapped else None
        earliest = before.end if before else 0.0
        start, quiet_from = _start(word, earliest, level, round(silence / HOP), rise)
        start = round(min(max(start, earliest), word.end), 3)
        if before and quiet_from is not None and before.end < quiet_from < start:
            snapped[-1] = before.model_copy(update={"end": round(quiet_from, 3)})
        snapped.append(word.model_copy(update={"start": start}))
    return snapped


def _start(
    word: Word, earliest: float, level: npt.NDArray[np.float64], silence: int, rise: float
) -> tuple[float, float | None]:
    """Where a word starts, and where the silence before it does if the word reached over it; seconds."""
    at, last = int(max(word.start, earliest) / HOP), min(len(level), int(word.end / HOP))
    first = max(int(earliest / HOP), at - 3 * silence)
    if last - at < 2:
        return word.start, None
    # Half a second around the word shows the floor; 30 dB under its own peak is below every vowel.
    floor = float(np.percentile(level[max(0, at - 100) : last + 100], 5))
    threshold = max(floor + rise, float(level[at:last].max()) - 30.0)
    sound = level[first:last] >= threshold
    edges = np.flatnonzero(np.diff(np.concatenate([[True], sound, [True]]).astype(np.int8)))
    begin, quiet_from = None, None
    for quiet, loud in zip(edges[::2], edges[1::2], strict=True):  # each stretch of silence
        if loud - quiet < silence or loud >= len(sound):
            continue
        if quiet + first <= at or sound[loud:].sum() > sound[at - first : quiet].sum():
            begin, quiet_from = (first + loud) * HOP, (first + quiet) * HOP
    if begin is not None:
        return begin, quiet_from
    if sound[at - first]:
        return word.start, None
    later = np.flatnonzero(sound[at - first :])
    return float((at + later[0]) * HOP if len(later) else word.start), None
