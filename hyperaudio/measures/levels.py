"""How loud the new voice is against the old one: over an utterance, from moment to moment, in words, in pauses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyperaudio.dsp import alignment, loudness
from hyperaudio.measures.samples import Frames
from hyperaudio.timeline import frames

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

MOMENT, HOP = 0.4, 0.1
"""Seconds of a momentary level (EBU Tech 3341) and between two of them."""
ACTIVE = 20.0
"""dB under the loudest moment down to which moments count as speech."""
SHORT, STRIDE = 0.02, 0.01
"""Seconds of a level within a word, and between two of them."""
LOST = 20.0
"""dB by which a word must be softer than the original's to count as lost."""
EDGE = 0.04
"""Seconds at each end of a pause that still belong to the sound beside it."""
LEAST_PAUSE = 0.1
"""Seconds that must be left of a pause."""
FLOOR = -100.0
"""dBFS of digital silence."""


def loudness_change(old: Samples, new: Samples, rate: int) -> float | None:
    """LU by which ``new`` is louder than ``old``, both ``(channels, frames)``; ``None`` where one is silent."""
    was, now = loudness.measure(old, rate).integrated, loudness.measure(new, rate).integrated
    return None if was is None or now is None else now - was


def contour(samples: Samples, rate: int, window: float = MOMENT, hop: float = HOP) -> Floats:
    """Level in dBFS over whole windows of ``(frames,)``, ``(windows,)``; one window where it is shorter."""
    size, step = min(frames(window, rate), len(samples)), frames(hop, rate)
    if not size:
        return np.zeros(0)
    total = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    first = np.arange(0, len(samples) - size + 1, step)
    return np.asarray(np.maximum(10 * np.log10((total[first + size] - total[first]) / size + 1e-20), FLOOR))


def contour_change(old: Samples, new: Samples, rate: int) -> Floats:
    """Absolute differences in dB of the 400 ms levels of two voices ``(frames,)`` while the old one speaks."""
    was, now = contour(old, rate), contour(new, rate)
    speaking = was >= was.max(initial=FLOOR) - ACTIVE
    return np.abs(now - was)[speaking]


def drop(old: Samples, new: Samples, rate: int) -> float:
    """DB by which the loudest 20 ms of a word are softer in ``new`` than in ``old``, both ``(frames,)``."""
    was, now = (contour(part, rate, SHORT, STRIDE).max(initial=FLOOR) for part in (old, new))
    return float(was - now)


def pauses(voice: Samples) -> list[Frames]:
    """Where a 16 kHz voice ``(frames,)`` rests, its ends and the sound's own fading left out: frames at 16 kHz."""
    if len(voice) < 2 * EDGE * alignment.FEATURE_RATE:
        return []
    level = alignment.levels(voice)
    step = alignment.STEP
    edge, least = round(EDGE / step), round(LEAST_PAUSE / step)
    quiet = alignment.runs(level < alignment.speech_threshold(level))
    unit = round(step * alignment.FEATURE_RATE)
    return [((a + edge) * unit, (b - edge) * unit) for a, b in quiet if b - a - 2 * edge >= least]


def resting(samples: Samples, rate: int) -> float:
    """Level of a pause ``(channels, frames)`` in dBFS: the median over 20 ms, which a stray sound does not move."""
    found = contour(samples.mean(axis=0, dtype=np.float32), rate, SHORT, STRIDE)
    return float(np.median(found)) if len(found) else FLOOR
