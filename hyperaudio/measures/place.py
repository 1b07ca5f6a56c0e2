"""Where a sound stands and how wide its spectrum is: correlation and balance of two channels, bandwidth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

SILENT = 1e-5
"""RMS (-100 dBFS) under which a channel says nothing."""
DOWN = 60.0
"""dB under its strongest third of an octave at which a voice's spectrum ends."""
HEARD = 50.0
"""dB under the strongest third of an octave of a pause below which another one is not heard beside it."""
_SIZE = 2048


def correlation(samples: Samples) -> float | None:
    """Correlation of two channels, -1 to 1, of ``(2, frames)``; ``None`` where either is silent."""
    left, right = samples.astype(np.float64)
    norm = float(np.sqrt((left @ left) * (right @ right)))
    return float(left @ right) / norm if norm > SILENT**2 * samples.shape[1] else None


def balance(samples: Samples) -> float:
    """Level of the first of two channels over the second's in dB, within 60 either way, of ``(2, frames)``."""
    left, right = (samples.astype(np.float64) ** 2).mean(axis=1) + SILENT**2
    return float(np.clip(10 * np.log10(left / right), -60.0, 60.0))


def power(samples: Samples) -> Floats:
    """Power spectrum summed over Hann windows of 2,048 frames of ``(frames,)``, ``(1025,)``."""
    return np.asarray(_spectra(samples).sum(axis=0))


def reached(samples: Samples) -> Floats:
    """Power that every tenth window reaches in each bin: has the fricatives in it, but no single click."""
    return np.asarray(np.percentile(_spectra(samples), 90, axis=0))


def _spectra(samples: Samples) -> Floats:
    padded = np.pad(np.asarray(samples, np.float64), (0, max(0, _SIZE - len(samples))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[:: _SIZE // 2]
    return np.asarray(np.abs(np.fft.rfft(windows * np.hanning(_SIZE), axis=1)) ** 2)


def bands(spectrum: Floats, rate: int, low: float = 100.0, high: float = 20_000.0) -> tuple[Floats, Floats]:
    """Mean power of a spectrum in thirds of an octave (base 2, around 1 kHz): middle frequencies in Hz, dB."""
    bins = np.fft.rfftfreq(2 * (len(spectrum) - 1), 1 / rate)
    steps = np.arange(np.ceil(3 * np.log2(low / 1000)), np.floor(3 * np.log2(min(high, rate / 2) / 1000)) + 1)
    middles = 1000 * 2.0 ** (steps / 3)
    level = [spectrum[(bins >= m * 2 ** (-1 / 6)) & (bins < m * 2 ** (1 / 6))] for m in middles]
    return middles, np.array([10 * np.log10(part.mean() + 1e-20) if len(part) else -200.0 for part in level])


def bandwidth(spectrum: Floats, rate: int) -> float:
    """Hz at which a power spectrum last is within 60 dB of its strongest third of an octave."""
    smooth = np.convolve(spectrum, np.ones(9) / 9, mode="same")
    _, level = bands(spectrum, rate)
    loud = np.flatnonzero(10 * np.log10(smooth + 1e-20) >= level.max() - DOWN)
    return float((loud[-1] if len(loud) else 0) * rate / 2 / (len(spectrum) - 1))


def distance(first: Floats, second: Floats, rate: int, high: float) -> float:
    """How the shapes of two power spectra differ: RMS over thirds of an octave to ``high`` Hz, level taken out, dB.

    What lies :data:`HEARD` under the strongest third of either counts as nothing.
    """
    both = np.array([bands(spectrum, rate, high=high)[1] for spectrum in (first, second)])
    one, other = np.maximum(both, both.max() - HEARD)
    gap = one - other
    return float(np.sqrt(np.mean((gap - gap.mean()) ** 2)))
