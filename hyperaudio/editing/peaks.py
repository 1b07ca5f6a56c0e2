"""Keeping true peaks under a ceiling by turning the new voice down around them, and nothing else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyperaudio.backend import Samples
from hyperaudio.dsp import loudness
from hyperaudio.timeline import frames

REACH = 0.01
"""Seconds to both sides of a peak over which it is turned down."""


def under(ceiling: float, kept: Samples, new: Samples, rate: int) -> tuple[Samples, float]:
    """``kept + new`` with ``new`` turned down around each peak whose true peak is above ``ceiling`` (linear).

    What is kept came from the recording and is never turned down. Returns the sum and the largest
    reduction in dB (at most 0).
    """
    from scipy.ndimage import minimum_filter1d
    from scipy.signal import resample_poly

    gain = np.ones(new.shape[1], np.float32)
    reach = frames(REACH, rate)
    result = kept + new
    for _ in range(12):
        peaks = np.abs(resample_poly(result, 4, 1, axis=1)).max(axis=0)
        over = np.maximum.reduceat(peaks, np.arange(0, len(peaks), 4))[: len(gain)]
        if over.max(initial=0.0) <= ceiling:
            break
        # A little lower than needed, as what is kept takes a share of the peak.
        wanted = np.where(over > ceiling, np.minimum(1.0, 0.98 * ceiling / np.maximum(over, 1e-9)), 1.0)
        lowest = minimum_filter1d(wanted, 2 * reach + 1)
        gain *= np.convolve(np.pad(lowest, reach, mode="edge"), _bell(reach), mode="valid").astype(np.float32)
        result = kept + gain * new
    return result, min(0.0, loudness.decibels(float(gain.min(initial=1.0))))


def _bell(reach: int) -> npt.NDArray[np.float64]:
    """A Hann window of ``2 * reach + 1`` frames with the sum 1."""
    curve = np.hanning(2 * reach + 3)[1:-1]
    return curve / curve.sum()
