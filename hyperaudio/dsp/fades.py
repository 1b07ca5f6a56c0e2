"""Where an edit may begin and end without being heard, and the curve between old and new."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]


def quietest(samples: Samples, centre: int, radius: int, window: int) -> int:
    """Frame within ``centre +- radius`` around which ``window`` frames hold the least energy.

    Args:
        samples: ``(frames,)``.
        centre, radius, window: in frames; the search is cut off at the ends of ``samples``.
    """
    low, high = max(0, centre - radius), min(len(samples), centre + radius + 1)
    if high - low <= 1:
        return min(max(centre, 0), len(samples))
    left, right = max(0, low - window // 2), min(len(samples), high + window // 2)
    power = np.square(samples[left:right], dtype=np.float64)
    smooth = np.convolve(power, np.ones(max(1, window)), mode="same")[low - left : high - left]
    return low + int(np.argmin(smooth))


def ramp(length: int) -> Samples:
    """Raised cosine from 0 to 1, ``(length,)``; with its mirror image it adds up to 1 (equal gain)."""
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(1, length))).astype(np.float32)


def window(length: int, fade_in: int, fade_out: int) -> Samples:
    """1 in the middle, with raised-cosine fades at both ends, ``(length,)``.

    Fades longer than the window shrink in proportion, so that they meet and never cross.
    """
    total = fade_in + fade_out
    if total > length:
        fade_in = fade_in * length // total
        fade_out = length - fade_in
    curve = np.ones(length, np.float32)
    if fade_in:
        curve[:fade_in] = ramp(fade_in)
    if fade_out:
        curve[length - fade_out :] = ramp(fade_out)[::-1]
    return curve


def crossfade(fade: Samples, correlation: float) -> tuple[Samples, Samples]:
    """Weights of an old and a new voice, of one level, that keep their sum's power at each point of ``fade``.

    With ``fade`` from 0 to 1 the weights are ``1 - fade`` and ``fade`` over
    ``sqrt((1 - fade)^2 + fade^2 + 2 * correlation * fade * (1 - fade))``: equal gain for a correlation of 1,
    equal power for 0 and what is right in between; negative ones count as 0. All ``(frames,)``.
    """
    rho = min(max(correlation, 0.0), 1.0)
    norm = np.sqrt((1 - fade) ** 2 + fade**2 + 2 * rho * fade * (1 - fade))
    return ((1 - fade) / norm).astype(np.float32), (fade / norm).astype(np.float32)
