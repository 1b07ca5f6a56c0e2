"""Bringing the new voice to the level of the one it replaces: the utterance's, and its ups and downs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyperaudio.backend import Samples
from hyperaudio.dsp import loudness

MOST = 20.0
"""dB beyond which a gain would rather show that something went wrong."""
WINDOW, HOP = 0.4, 0.02
"""Seconds of the momentary loudness (BS.1770), and between two of them."""
ACTIVE = 18.0
"""dB under a voice's loudest moment down to which its level is followed: under that are pauses and noise."""

Floats = npt.NDArray[np.float64]


def gain(new: Samples, old: Samples, rate: int) -> float:
    """DB that bring ``new`` to the integrated loudness of ``old``, both ``(channels, frames)``; 0 if one is silent."""
    was, now = loudness.measure(old, rate).integrated, loudness.measure(new, rate).integrated
    if was is None or now is None:
        return 0.0
    return min(max(was - now, -MOST), MOST)


def contour(new: Samples, old: Samples, rate: int, most: float) -> Samples:
    """Slow gain ``(frames,)`` that makes the level of ``new`` rise and fall as that of ``old``, ``(frames,)`` both.

    The difference of their momentary levels where both speak, about its median, at most ``most`` dB either
    way; straight from one such moment to the next, so that it neither pumps in a pause nor lifts its noise.
    The voice's overall level is left to :func:`gain`.
    """
    if len(new) < round(WINDOW * rate) or most <= 0:
        return np.ones(len(new), np.float32)
    was, now = momentary(old, rate), momentary(new, rate)
    both = (was > was.max() - ACTIVE) & (now > now.max() - ACTIVE) & (now > -90) & (was > -90)
    if not both.any():
        return np.ones(len(new), np.float32)
    difference = (was - now)[both]
    difference = np.clip(difference - np.median(difference), -most, most)
    at = np.flatnonzero(both) * HOP * rate
    curve = np.interp(np.arange(len(new)), at, difference)
    return np.asarray(10 ** (curve / 20), np.float32)


def momentary(samples: Samples, rate: int) -> Floats:
    """Level in dB every 20 ms, weighted over 0.4 s around it by a Hann window, ``(values,)``."""
    from scipy.signal import oaconvolve

    weighted = k_weighted(samples, rate)
    kernel = np.hanning(round(WINDOW * rate) + 2)[1:-1]
    power = oaconvolve(weighted**2, kernel / kernel.sum(), mode="same")[:: round(HOP * rate)]
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


def k_weighted(samples: Samples, rate: int) -> Floats:
    """``(frames,)`` through the K-weighting of BS.1770, with the analogue prototypes' parameters as libebur128 has
    them, so that it holds at any rate.
    """
    from scipy.signal import lfilter

    k, q, high = np.tan(np.pi * 1681.974450955533 / rate), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    mid = high**0.4996667741545416
    norm = 1 + k / q + k * k
    shelf = lfilter(
        [(high + mid * k / q + k * k) / norm, 2 * (k * k - high) / norm, (high - mid * k / q + k * k) / norm],
        [1, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm],
        np.asarray(samples, np.float64),
    )
    k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    norm = 1 + k / q + k * k
    return np.asarray(lfilter([1, -2, 1], [1, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm], shelf))
