"""What of two files is the same to the sample, and where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from hyperaudio.dsp.alignment import runs

Samples = npt.NDArray[np.float32]
Frames = tuple[int, int]
"""First frame, and the one after the last."""


def difference(original: Samples, result: Samples) -> Samples:
    """Largest absolute difference over the channels of ``(channels, frames)``: ``(frames,)``."""
    return np.asarray(np.abs(result - original).max(axis=0), np.float32)


def outside(spans: Sequence[Frames], start: int, stop: int) -> npt.NDArray[np.bool_]:
    """Which of the frames ``start`` to ``stop`` lie outside every span, ``(stop - start,)``."""
    free = np.ones(stop - start, bool)
    for first, last in spans:
        free[max(first - start, 0) : max(last - start, 0)] = False
    return free


def changed(blocks: Iterable[tuple[Samples, Samples]], gap: int) -> list[Frames]:
    """Stretches in which two streams of equal blocks differ, ascending; those up to ``gap`` frames apart are one."""
    found: list[Frames] = []
    at = 0
    for original, result in blocks:
        for first, last in runs(difference(original, result) > 0):
            if found and at + first - found[-1][1] <= gap:
                found[-1] = (found[-1][0], at + last)
            else:
                found.append((at + first, at + last))
        at += original.shape[1]
    return found
