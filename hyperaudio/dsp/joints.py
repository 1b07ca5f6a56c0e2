"""How abrupt a signal is at a place, against how abrupt it is by nature."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

WINDOW = 0.02
"""Seconds in which the largest step is sought."""
FLOOR = 1e-3
"""RMS (-60 dBFS) under which a step is not heard, however large against its surroundings."""


def jump(samples: Samples) -> float:
    """Largest step between neighbouring samples over the RMS, for ``(frames,)``; 0 for less than two frames."""
    if samples.shape[-1] < 2:
        return 0.0
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    return float(np.abs(np.diff(samples)).max()) / (level + FLOOR)


def jumps(samples: Samples, rate: int) -> npt.NDArray[np.float64]:
    """:func:`jump` of each whole 20 ms of ``(frames,)``, ``(windows,)``."""
    size = round(WINDOW * rate)
    windows = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    if not len(windows):
        return np.zeros(0)
    level = np.sqrt(np.mean(windows**2, axis=1))
    return np.abs(np.diff(windows, axis=1)).max(axis=1) / (level + FLOOR)
