"""The seams of an edit: how long they fade, and with which weights the old voice gives way to the new."""

from __future__ import annotations

import numpy as np

from hyperaudio.backend import Samples
from hyperaudio.dsp import fades
from hyperaudio.dsp.onsets import HOP, energy
from hyperaudio.timeline import frames

FADED = 20.0
"""dB under its loud moments from which on the end of a voice fades away."""
LAST = 0.5
"""Seconds before an end that show how loud the voice was."""
LONGEST = 0.15
"""Seconds of a fade at most."""


def release(old: Samples, new: Samples, rate: int, least: float) -> float:
    """Seconds of the fade at the end of an edit: as long as both voices are dying away there.

    Args:
        old, new: mono ``(frames,)``, up to the edit's end.
        rate: Hz.
        least: seconds, of any fade.
    """
    dying = min(_dying(old[-frames(LAST, rate) :], rate), _dying(new[-frames(LAST, rate) :], rate))
    return max(least, min(dying, LONGEST, len(old) / rate / 2))


def _dying(voice: Samples, rate: int) -> float:
    level = energy(voice, rate)
    loud = np.flatnonzero(level > level.max(initial=-100.0) - FADED)
    return (len(level) - 1 - int(loud[-1])) * HOP if len(loud) else 0.0


def weights(
    length: int, fade_in: int, fade_out: int, old: Samples, new: Samples
) -> tuple[Samples, Samples, tuple[float, float]]:
    """How much of the old voice is removed and of the new put in, ``(length,)`` each, and the correlations found.

    The result is ``mix - removed * old + put * new``: what lies behind the voices keeps its weight of 1
    throughout, and only the two voices share the fade. Where they are alike at a seam (a conversion, the same
    room) their amplitudes add up, and the weights are those of equal gain; where they are strangers their powers
    do, and they are those of equal power (:func:`hyperaudio.dsp.fades.crossfade`).

    Args:
        length: frames of the edit.
        fade_in, fade_out: frames; they shrink so as not to cross.
        old, new: mono ``(length,)``.
    """
    curve = fades.window(length, fade_in, fade_out)
    keep, put = 1 - curve, curve.copy()
    found = []
    for part in (slice(0, min(fade_in, length // 2)), slice(length - min(fade_out, length // 2), length)):
        rho = correlation(old[part], new[part])
        keep[part], put[part] = fades.crossfade(curve[part], rho)
        found.append(rho)
    return 1 - keep, put, (found[0], found[1])


def correlation(a: Samples, b: Samples) -> float:
    """Correlation coefficient without taking the mean off, -1 to 1; 1 where one is silent (nothing adds up)."""
    power = float(np.dot(a, a)) * float(np.dot(b, b))
    return float(np.dot(a, b)) / power**0.5 if power > 1e-20 else 1.0
