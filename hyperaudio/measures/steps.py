"""Joints and clicks: how abrupt the result is where it was edited, against the original."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyperaudio.dsp import joints
from hyperaudio.timeline import frames

Samples = npt.NDArray[np.float32]

REACH = 0.02
"""Seconds around a sample that show how rough the sound is there."""
QUIET = 1e-4
"""Roughness (-80 dBFS) under which a click is not heard beside what it stands in."""


def joint(around: Samples) -> float:
    """Largest step over the RMS in ``(channels, frames)`` around an edge; see :mod:`hyperaudio.dsp.joints`."""
    return joints.jump(around.mean(axis=0, dtype=np.float32))


def click(samples: Samples, rate: int) -> tuple[float, int]:
    """How far the sharpest bend of ``(channels, frames)`` stands out from the bends around it, and its frame.

    The bend is the second difference; around it is the RMS of the bends within 20 ms, those within 0.25 ms of the
    sample itself left out. A glottal pulse is among others and no single sample; a click is.
    """
    mono = samples.mean(axis=0, dtype=np.float64)
    if len(mono) < 3:
        return 0.0, 0
    bend = np.abs(np.diff(mono, n=2))
    near, far = max(1, frames(0.00025, rate)), frames(REACH, rate)
    total = np.concatenate([[0.0], np.cumsum(bend**2)])
    at = np.arange(len(bend))

    def energy(reach: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        low, high = np.maximum(at - reach, 0), np.minimum(at + reach + 1, len(bend))
        return total[high] - total[low], high - low

    (wide, wide_count), (own, own_count) = energy(far), energy(near)
    rest = np.sqrt(np.maximum(wide - own, 0.0) / np.maximum(wide_count - own_count, 1))
    sharp = bend / (rest + QUIET)
    worst = int(np.argmax(sharp))
    return float(sharp[worst]), worst + 1
