"""Loudness by EBU R128 (ITU-R BS.1770 K-weighting and gating) and true peak, through libebur128."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyebur128

Samples = npt.NDArray[np.float32]

SHORTEST = 0.4
"""Seconds of one gating block (BS.1770-4): no loudness is defined for less."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """Programme loudness.

    Attributes:
        integrated: gated loudness, LUFS; ``None`` where nothing is above the gate.
        range: loudness range, LU (EBU Tech 3342).
        true_peak: largest peak of the 4x oversampled signal over all channels, dBTP; ``None`` for silence.
    """

    integrated: float | None
    range: float
    true_peak: float | None


class Meter:
    """Measures a programme given block by block.

    Args:
        rate: Hz.
        channels: their number.
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._channels = channels
        mode = pyebur128.MeasurementMode
        self._state = pyebur128.R128State(channels, rate, mode.MODE_I | mode.MODE_LRA | mode.MODE_TRUE_PEAK)

    def add(self, block: Samples) -> None:
        """Take in ``(channels, frames)``."""
        if block.shape[-1]:
            self._state.add_frames(np.ascontiguousarray(block.T, dtype=np.float32).reshape(-1), block.shape[-1])

    def result(self) -> Loudness:
        """What was measured so far."""
        integrated = pyebur128.get_loudness_global(self._state)
        peak = max(pyebur128.get_true_peak(self._state, channel) for channel in range(self._channels))
        return Loudness(
            integrated if math.isfinite(integrated) else None,
            pyebur128.get_loudness_range(self._state),
            decibels(peak) if peak > 0 else None,
        )


def programme(blocks: Iterable[Samples], rate: int, channels: int) -> Loudness:
    """Loudness of a stream of ``(channels, n)`` blocks."""
    meter = Meter(rate, channels)
    for block in blocks:
        meter.add(block)
    meter.add(np.zeros((channels, 64), np.float32))
    return meter.result()


def measure(samples: Samples, rate: int) -> Loudness:
    """Loudness of ``(frames,)`` or ``(channels, frames)``; less than 0.4 s is filled up with silence."""
    block = np.atleast_2d(samples)
    meter = Meter(rate, block.shape[0])
    meter.add(block)
    missing = math.ceil(SHORTEST * rate) - block.shape[1]
    # Zeros at the end also push the last peaks through the oversampling filter.
    meter.add(np.zeros((block.shape[0], max(missing, 64)), np.float32))
    return meter.result()


def true_peak(samples: Samples, rate: int) -> float:
    """Largest absolute value of the 4x oversampled signal, linear; 0 for silence."""
    peak = measure(samples, rate).true_peak
    return 0.0 if peak is None else float(10 ** (peak / 20))


def decibels(amplitude: float) -> float:
    """20 log10 of a linear amplitude, ``-inf`` for 0."""
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


def power_db(power: float) -> float:
    """10 log10 of a ratio of powers, ``-inf`` for 0."""
    return 10 * math.log10(power) if power > 0 else -math.inf


def rms(samples: npt.NDArray[np.floating]) -> float:
    """Root mean square over all values; 0 for an empty array."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0
