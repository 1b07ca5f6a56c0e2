"""How late one rendering is against another, by their energy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_WINDOW = 0.04
SAME = 0.5
"""Correlation from which on two waveforms are one, filtered."""


def lag(late: npt.NDArray[np.floating], early: npt.NDArray[np.floating], rate: int, most: float = 0.005) -> int:
    """Frames, at most ``most`` seconds either way, by which ``late`` follows ``early``; both ``(frames,)``.

    The shift at which their waveforms go together best, or, where they never do, their energy envelopes
    (40 ms); 0 where one of them is silent.
    """
    reach = min(round(most * rate), max(len(late), len(early)) - 1)
    if reach < 1 or not np.any(late) or not np.any(early):
        return 0
    found, likeness = _peak(late, early, reach)
    if likeness < SAME:
        found, _ = _peak(envelope(late, rate), envelope(early, rate), reach)
    return found


def shifted(samples: npt.NDArray[np.float32], frames: int) -> npt.NDArray[np.float32]:
    """``samples`` moved ``frames`` earlier (later if negative), the same length, silence moved in."""
    moved = np.zeros_like(samples)
    count = max(0, len(samples) - abs(frames))
    if frames >= 0:
        moved[:count] = samples[frames : frames + count]
    else:
        moved[-frames : -frames + count] = samples[:count]
    return moved


def _peak(late: npt.NDArray[np.floating], early: npt.NDArray[np.floating], reach: int) -> tuple[int, float]:
    """Shift of the largest cross-correlation within ``reach`` frames, and what it is of all it could be."""
    size = len(late) + len(early)
    both = np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(early, size)), size)
    shifts = np.arange(-reach, reach + 1)
    best = int(shifts[np.argmax(both[shifts])])
    power = float(np.sum(np.square(late, dtype=np.float64)) * np.sum(np.square(early, dtype=np.float64)))
    return best, float(both[best] / np.sqrt(power))


def envelope(samples: npt.NDArray[np.floating], rate: int) -> npt.NDArray[np.float64]:
    """Root of the energy over 40 ms, which holds several periods of any voice; the window's length is added."""
    from scipy.signal import oaconvolve

    square = np.asarray(samples, np.float64) ** 2
    if not len(square):
        return square
    window = np.hanning(round(_WINDOW * rate))
    return np.asarray(np.sqrt(np.maximum(oaconvolve(square, window / window.sum(), mode="full"), 0.0)))
