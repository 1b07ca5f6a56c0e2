"""The long-term spectrum of a voice, and a filter without delay that gives one voice another's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_WINDOW = 0.032
_TAPS = 0.021


def mean_envelope(samples: npt.NDArray[np.floating], rate: int, frequencies: npt.NDArray[np.floating]) -> Floats:
    """Mean log power in dB of the loud frames of ``samples`` ``(frames,)``, smoothed over a third of an
    octave and read off at ``frequencies`` in Hz (past half the rate the last value is held).

    Loud are frames within 25 dB of the 95th percentile: voiced ones, mostly. Each frame is
    brought to the same power first, so the result says nothing of level.
    """
    size = 2 * round(_WINDOW * rate / 2)
    padded = np.pad(np.asarray(samples, np.float64), (0, max(0, size - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 + 1e-12
    total = power.sum(axis=1)
    power = power[total >= np.percentile(total, 95) * 10**-2.5]
    log = (10 * np.log10(power / power.sum(axis=1, keepdims=True))).mean(axis=0)
    bins = np.fft.rfftfreq(size, 1 / rate)
    return np.array([np.interp(_third(f), bins, log).mean() for f in np.asarray(frequencies)])


def matching_filter(
    source: npt.NDArray[np.floating],
    wanted: npt.NDArray[np.floating],
    frequencies: npt.NDArray[np.floating],
    rate: int,
    most: float = 12.0,
) -> Floats:
    """Symmetric FIR ``(odd taps,)`` at ``rate`` that turns the envelope ``source`` into ``wanted``.

    Args:
        source: envelope in dB at ``frequencies``.
        wanted: the same of the voice wanted.
        frequencies: Hz, ascending.
        rate: Hz of the filter.
        most: limit of the gain in dB, either way, after the mean gain is taken out.
    """
    from scipy.signal import firwin2

    gain = np.asarray(wanted, np.float64) - source
    gain = np.clip(gain - gain.mean(), -most, most)
    grid = np.linspace(0, rate / 2, 257)
    taps = 2 * round(_TAPS * rate / 2) + 1
    return firwin2(taps, grid, 10 ** (np.interp(grid, frequencies, gain) / 20), fs=rate)


def apply(samples: npt.NDArray[np.floating], taps: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """``samples`` ``(frames,)`` through a symmetric FIR with its delay taken out: same length, no lag."""
    from scipy.signal import oaconvolve

    if not len(samples):
        return np.zeros(0, np.float32)
    full = oaconvolve(np.asarray(samples, np.float64), taps)
    start = len(taps) // 2
    return np.asarray(full[start : start + len(samples)], np.float32)


def _third(frequency: float) -> Floats:
    """Points over a third of an octave around a frequency, in Hz."""
    return frequency * 2.0 ** np.linspace(-1 / 6, 1 / 6, 9)
