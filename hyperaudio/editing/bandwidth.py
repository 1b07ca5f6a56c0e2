"""The band in which a voice is heard, and keeping another one within it: a telephone stays a telephone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperaudio.backend import Samples
from hyperaudio.dsp.spectrum import apply

WINDOW = 0.032
"""Seconds of a spectrum."""
LOUD = 25.0
"""dB under the 95th percentile of the levels down to which frames are speech."""
MARGIN = 9.0
"""dB by which a new voice may be louder than the old at the ends of the band: two people differ by that much."""
OUTSIDE = -15.0
"""dB relative to the middle band over which the old voice has no end there, however much more the new one has."""
DEEPEST = 60.0
"""dB that a filter takes away at most."""
MIDDLE = (400.0, 2500.0)
"""Hz: where two voices' levels are compared, and where nothing is filtered; a telephone passes it."""
LACKING = 20.0
"""dB by which a band that the old voice had is missing from the new one before it is spoken of."""
STEPS = 6
"""Bands an octave."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bands:
    """A voice's long-term spectrum: ``level`` in dB (relative to the middle band's) at ``centres`` in Hz."""

    centres: Floats
    level: Floats


def bands(samples: Samples, rate: int) -> Bands | None:
    """The long-term spectrum of ``(frames,)`` while it speaks; ``None`` for silence.

    The spectrum of its quietest frames is taken off, so that hiss over a telephone is not taken for its voice.
    """
    size = 2 * round(WINDOW * rate / 2)
    if len(samples) < 4 * size or not samples.any():
        return None
    windows = np.lib.stride_tricks.sliding_window_view(samples, size)[:: size // 2].astype(np.float64)
    power = np.abs(np.fft.rfft(windows * np.hanning(size), axis=1)) ** 2
    total = power.sum(axis=1)
    loud = total >= np.percentile(total, 95) * 10 ** (-LOUD / 10)
    quiet = total <= np.percentile(total, 5) * 2
    spectrum = np.maximum(power[loud].mean(axis=0) - 2 * power[quiet].mean(axis=0), 0.0)
    octaves = np.log2(rate / 2 * 0.98 / 60.0)
    edges = 60.0 * 2 ** np.linspace(0, octaves, round(octaves * STEPS) + 1)
    bins = np.fft.rfftfreq(size, 1 / rate)
    centres = np.sqrt(edges[1:] * edges[:-1])
    # Narrow low bands may hold no bin of their own: read the nearest ones.
    mean = np.array(
        [
            spectrum[within].mean()
            if (within := (bins >= low) & (bins < high)).any()
            else np.interp(centre, bins, spectrum)
            for low, high, centre in zip(edges[:-1], edges[1:], centres, strict=True)
        ]
    )
    middle = mean[(centres >= MIDDLE[0]) & (centres <= MIDDLE[1])].mean()
    if middle <= 0:
        return None
    return Bands(centres, 10 * np.log10(np.maximum(mean / middle, 10 ** (-2 * DEEPEST / 10))))


def excess(old: Bands, new: Bands) -> Floats:
    """DB that the new voice has too much beyond the ends of the old one's band, at its centres; 0 elsewhere.

    From either end inwards as long as it is more than :data:`MARGIN` louder; what is in between is timbre.
    """
    over = new.level - old.level - MARGIN
    found = np.zeros(len(over))
    for order, outside in (
        (range(len(over)), old.centres < MIDDLE[0]),
        (range(len(over) - 1, -1, -1), old.centres > MIDDLE[1]),
    ):
        for k in order:
            # Where neither is heard, there is nothing to compare.
            if not outside[k] or old.level[k] > OUTSIDE or (over[k] <= 0 and new.level[k] > -DEEPEST):
                break
            found[k] = max(0.0, over[k] + MARGIN)
    return np.minimum(found, DEEPEST)


def confine(voice: Samples, too_much: Floats, centres: Floats, rate: int) -> Samples:
    """``voice`` ``(frames,)`` with so many dB less at ``centres``, by a linear-phase filter without delay."""
    from scipy.signal import firwin2

    if not too_much.any():
        return voice
    grid = np.linspace(0, rate / 2, 513)
    gain = np.interp(grid, centres, -too_much)
    taps = firwin2(2 * round(0.032 * rate) + 1, grid, 10 ** (gain / 20), fs=rate)
    return apply(voice, taps)


def lacking(old: Bands, new: Bands) -> float | None:
    """Hz from which on the new voice lacks what the old one has; ``None`` where it lacks nothing."""
    heard = old.level > -DEEPEST
    missing = heard & (old.level - new.level > LACKING) & (old.centres > MIDDLE[1])
    at = len(missing)
    while at > 0 and (missing[at - 1] or not heard[at - 1]):
        at -= 1
    return float(old.centres[at]) if missing[at:].any() else None
