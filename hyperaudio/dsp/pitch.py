"""Fundamental frequency of a voice, by WORLD (DIO refined by StoneMask; Morise et al. 2009 and 2016)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LOWEST, HIGHEST = 60.0, 500.0
"""Hz between which speech is voiced."""


def contour(samples: npt.NDArray[np.floating], rate: int, step: float = 0.005) -> Floats:
    """Pitch of ``samples`` ``(frames,)`` in Hz, 0 where unvoiced: ``(points,)``, one per ``step`` seconds from 0."""
    import pyworld

    signal = np.ascontiguousarray(samples, np.float64)
    rough, times = pyworld.dio(signal, rate, f0_floor=LOWEST, f0_ceil=HIGHEST, frame_period=step * 1000)
    return np.asarray(pyworld.stonemask(signal, rough, times, rate))


def median(pitch: npt.NDArray[np.floating]) -> float:
    """Median of a contour's voiced points in Hz; 0 where nothing is voiced."""
    voiced = pitch[pitch > 0]
    return float(np.median(voiced)) if len(voiced) else 0.0


def continuous(pitch: npt.NDArray[np.floating], smooth: int = 5) -> Floats:
    """The contour without holes or octave jumps, in Hz and of the same shape.

    Points further than an octave from the median count as errors of the estimate; a running median over
    ``smooth`` points takes single outliers; gaps are bridged in the log domain. Zeros where nothing is voiced.
    """
    from scipy.ndimage import median_filter

    middle = median(pitch)
    if middle == 0.0:
        return np.zeros(len(pitch))
    good = np.flatnonzero((pitch > middle / 2) & (pitch < middle * 2))
    log = median_filter(np.log(pitch[good].astype(np.float64)), size=smooth, mode="nearest")
    return np.asarray(np.exp(np.interp(np.arange(len(pitch)), good, log)))
