"""Times on a grid: durations in whole units that do not drift from the boundaries they stand for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def whole(boundaries: npt.NDArray[np.floating], least: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Durations in whole units between real ``boundaries``.

    Each boundary is rounded on its own (so an error never adds up) and moved only as far as the least
    durations ask; the first stays at its rounded place, and so does the last if everything fits before it.

    Args:
        boundaries: ``(n + 1,)`` in units, never falling.
        least: ``(n,)`` smallest durations in units.

    Returns:
        ``(n,)`` durations, each at least its ``least``. Their sum is the rounded span, or the sum of
        ``least`` where that is more.
    """
    grid = np.floor(np.asarray(boundaries, np.float64) + 0.5).astype(np.int64)
    before = np.concatenate([[0], np.cumsum(least)]).astype(np.int64)
    forward = np.maximum.accumulate(grid - before) + before
    end = max(int(grid[-1]), int(grid[0] + before[-1]))
    latest = end - (before[-1] - before)
    return np.asarray(np.diff(np.minimum(forward, latest)), np.int64)
