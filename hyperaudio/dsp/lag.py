"""How late one rendering is against another, by their energy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_WINDOW = 0.04


def lag(late: npt.NDArray[np.floating], early: npt.NDArray[np.floating], rate: int, most: float = 0.005) -> int:
    """Frames, at most ``most`` seconds either way, by which ``late`` follows ``early``; both ``(frames,)``.

    The shift at which their energy envelopes (40 ms) go together best; 0 where one of them is silent.
    """
    a, b = _envelope(late, rate), _envelope(early, rate)
    reach = min(round(most * rate), max(len(a), len(b)) - 1)
    if reach < 1 or not a.any() or not b.any():
        return 0
    size = len(a) + len(b)
    both = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)
    shifts = np.arange(-reach, reach + 1)
    return int(shifts[np.argmax(both[shifts])])


def shifted(samples: npt.NDArray[np.float32], frames: int) -> npt.NDArray[np.float32]:
    """``samples`` moved ``frames`` earlier (later if negative), the same length, silence moved in."""
    moved = np.zeros_like(samples)
    count = max(0, len(samples) - abs(frames))
    if frames >= 0:
        moved[:count] = samples[frames : frames + count]
    else:
        moved[-frames : -frames + count] = samples[:count]
    return moved


def _envelope(samples: npt.NDArray[np.floating], rate: int) -> npt.NDArray[np.float64]:
    from scipy.signal import oaconvolve

    square = np.asarray(samples, np.float64) ** 2
    if not len(square):
        return square
    window = np.hanning(round(_WINDOW * rate))
    return np.asarray(np.sqrt(np.maximum(oaconvolve(square, window / window.sum(), mode="full"), 0.0)))
