"""How something is said, in measured features: pitch, level, rate and the tilt of the spectrum.

All of them are read off the sound; none is a guess at what the speaker feels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyperaudio.dsp import alignment, pitch, spectrum
from hyperaudio.job import Record

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

LEAST_VOICED = 0.1
"""Seconds of voice below which a pitch says nothing."""
SHORTEST = 0.1
"""Seconds of sound below which a level or a spectrum says nothing."""
LOUD = 20.0
"""dB under the loud parts down to which a pitch counts: below, it is often an octave off, or somebody else's."""
SYLLABLE = 0.25
"""Seconds over which energy is followed: longer than a phone, shorter than a phrase."""
SILENT = -75.0
"""dBFS below which there is nothing to measure."""
TILT_BANDS = np.geomspace(100, 6000, 40)
"""Hz over which the tilt is fitted: what a telephone or a codec cuts off above says nothing of the voice."""


class Tone(Record):
    """Measured features of an utterance; ``None`` where there is too little to measure."""

    f0_median_hz: float | None = None
    """Median fundamental frequency."""
    f0_range_semitones: float | None = None
    """From its 5th to its 95th percentile."""
    energy_dbfs: float | None = None
    """Mean power where there is speech, as the models hear it (mono, 16 kHz)."""
    energy_range_db: float | None = None
    """From the 5th to the 95th percentile of the short-term level (25 ms) where there is speech."""
    rate_words_per_s: float | None = None
    """Words over the utterance's length, short pauses included."""
    spectral_tilt_db_per_octave: float | None = None
    """Slope of the long-term spectrum of its loud parts from 100 Hz to 6 kHz; negative: darker, softer speech."""


def measure(speech: Samples, words: int) -> Tone:
    """The features of an utterance ``(frames,)`` at 16 kHz of so many words."""
    rate = alignment.FEATURE_RATE
    seconds = len(speech) / rate
    level = alignment.levels(speech)
    if seconds < SHORTEST or level.max(initial=-np.inf) < SILENT:
        return Tone()
    loud = level[level >= alignment.speech_threshold(level)]
    envelope = spectrum.mean_envelope(speech, rate, TILT_BANDS)
    median, spread = register(melody(speech))
    return Tone(
        f0_median_hz=median,
        f0_range_semitones=spread,
        energy_dbfs=round(float(10 * np.log10(np.mean(10 ** (loud / 10)))), 1),
        energy_range_db=round(float(np.ptp(np.percentile(loud, [5, 95]))), 1),
        rate_words_per_s=round(words / seconds, 2) if words else None,
        spectral_tilt_db_per_octave=round(float(np.polyfit(np.log2(TILT_BANDS), envelope, 1)[0]), 2),
    )


def melody(speech: Samples) -> Floats:
    """Pitch in Hz of ``speech`` ``(frames,)`` at 16 kHz where it is loud, else 0: ``(points,)``, one per 5 ms."""
    level = alignment.levels(speech)
    contour = pitch.contour(speech, alignment.FEATURE_RATE)
    count = min(len(level), len(contour))
    loud = level[:count] >= np.percentile(level, 95) - LOUD if count else np.zeros(0, np.bool_)
    return np.where(loud, contour[:count], 0.0)


def register(contour: npt.NDArray[np.floating]) -> tuple[float | None, float | None]:
    """Median in Hz and range in semitones (5th to 95th percentile) of a pitch contour, octave errors left out."""
    good = contour[_sure(contour)]
    if len(good) * alignment.STEP < LEAST_VOICED:
        return None, None
    low, high = np.percentile(good, [5, 95])
    return round(float(np.median(good)), 1), round(float(12 * np.log2(high / low)), 2)


def correlation(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> float | None:
    """Correlation of two contours (Hz, same points) where both are voiced, in the log domain; ``None`` where
    they hardly share a voice, or one of them is flat.
    """
    count = min(len(first), len(second))
    both = _sure(first[:count]) & _sure(second[:count])
    if both.sum() * alignment.STEP < LEAST_VOICED:
        return None
    x, y = (np.log(np.asarray(contour[:count][both], np.float64)) for contour in (first, second))
    if min(x.std(), y.std()) < 1e-6:
        return None
    return round(float(np.corrcoef(x, y)[0, 1]), 3)


def energy_difference(first: Samples, second: Samples) -> float | None:
    """RMS in dB by which the energy contour of ``second`` leaves that of ``first`` (16 kHz, same timeline) where
    both speak: levels over a quarter of a second, the mean difference taken out; ``None`` for too little speech.
    """
    from scipy.ndimage import uniform_filter1d

    levels = [alignment.levels(samples) for samples in (first, second)]
    count = min(len(level) for level in levels)
    both = np.ones(count, np.bool_)
    for level in levels:
        both &= level[:count] >= max(alignment.speech_threshold(level), SILENT) if count else False
    if both.sum() * alignment.STEP < SYLLABLE:
        return None
    smooth = [10 * np.log10(uniform_filter1d(10 ** (x[:count] / 10), round(SYLLABLE / alignment.STEP))) for x in levels]
    return round(float(np.std((smooth[1] - smooth[0])[both])), 2)


def _sure(contour: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Which points are voiced and within an octave of their median."""
    middle = pitch.median(contour)
    return np.asarray((contour > middle / 2) & (contour < middle * 2) & (contour > 0))
