"""What can only be said where a speaker's own track is known: what is left of a voice, and how others fare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

SHIFTS = (0.21, 0.29, 0.37, 0.43, 0.57, 0.63, 0.71, 0.79)
"""Shares of its length by which a stem is turned around to see what a projection finds by chance."""
LEAST_DB = -120.0
"""What a gain of 0 is written as."""


def projected(result: Samples, stem: Samples) -> tuple[float, float]:
    """``<stem, result>`` and ``<stem, stem>`` over all channels; their quotient is the least-squares gain of the stem.

    Both are ``(channels, frames)``.
    """
    x, y = stem.astype(np.float64).ravel(), result.astype(np.float64).ravel()
    return float(x @ y), float(x @ x)


def leakage(results: Sequence[Samples], stems: Sequence[Samples]) -> tuple[float, float]:
    """Gain in dB at which a stem is still in the stretches of a result, and the gain found by chance.

    In each stretch ``(channels, frames)`` it is ``result = gain * stem + rest`` by least squares; the gains go
    together by power, so that opposite signs do not cancel out. By chance is what is found for the stem turned
    around within each stretch by several shares of its length; the shorter the stretches, the more that is.

    Both are differenced first, which evens out the spectrum of speech (6 dB an octave): a new voice with the melody
    of the old one goes along with its lowest harmonics for a while, which is no leakage.
    """
    found = own = 0.0
    chance = np.zeros(len(SHIFTS))
    for result, stem in zip(results, stems, strict=True):
        y, x = np.diff(result, axis=1), np.diff(stem, axis=1)
        product, power = projected(y, x)
        if power <= 0:
            continue
        turned = [projected(y, np.roll(x, round(share * x.shape[1]), axis=1))[0] for share in SHIFTS]
        own += power
        found += product**2 / power
        chance += np.square(turned) / power
    if own <= 0:
        return LEAST_DB, LEAST_DB
    return _decibels(float(np.sqrt(found / own))), _decibels(float(np.sqrt(chance.mean() / own)))


def si_sdr(estimate: Samples, reference: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019) over all channels, within 120."""
    found, own = projected(estimate, reference)
    if own <= 0:
        return LEAST_DB
    target = found / own * reference.astype(np.float64)
    noise = float(np.square(estimate - target).sum())
    power = float(np.square(target).sum())
    return float(np.clip(10 * np.log10((power + 1e-20) / (noise + 1e-20)), LEAST_DB, -LEAST_DB))


def _decibels(gain: float) -> float:
    return max(LEAST_DB, 20 * float(np.log10(gain + 1e-12)))
