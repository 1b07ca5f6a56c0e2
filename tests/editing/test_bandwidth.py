from __future__ import annotations

import numpy as np

from hyperaudio.dsp.loudness import decibels, rms
from hyperaudio.editing import bandwidth

RATE = 44_100


def voice(seed: int, low: float = 60.0, high: float = 20_000.0) -> np.ndarray:
    """Noise that falls by 6 dB an octave within a band, in bursts, ``(frames,)``."""
    from scipy.signal import butter, sosfilt

    rng = np.random.default_rng(seed)
    count = 4 * RATE
    spectrum = np.fft.rfft(rng.normal(size=count))
    spectrum /= np.maximum(np.fft.rfftfreq(count, 1 / RATE), 100) / 100
    bursts = np.fft.irfft(spectrum, count) * (np.arange(count) % RATE < 0.6 * RATE)
    return sosfilt(butter(8, [low, high], "band", fs=RATE, output="sos"), bursts).astype(np.float32)


def above(samples: np.ndarray, hertz: float) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    at = round(hertz * len(samples) / RATE)
    return float(10 * np.log10(power[at:].sum() / power.sum()))


def test_a_telephone_stays_a_telephone() -> None:
    old, new = voice(0, 300, 3400), voice(1)
    was, now = bandwidth.bands(old, RATE), bandwidth.bands(new, RATE)
    assert was is not None and now is not None
    kept = bandwidth.confine(new, bandwidth.excess(was, now), was.centres, RATE)
    assert above(new, 5000) > -25 and above(kept, 5000) < -40
    assert abs(decibels(rms(kept)) - decibels(rms(voice(1, 300, 3400)))) < 2
    assert len(kept) == len(new)


def test_two_voices_of_one_band_are_left_as_they_are() -> None:
    new = voice(1)
    was, now = bandwidth.bands(voice(0), RATE), bandwidth.bands(new, RATE)
    assert was is not None and now is not None
    assert bandwidth.confine(new, bandwidth.excess(was, now), was.centres, RATE) is new
    assert bandwidth.lacking(was, now) is None


def test_what_a_narrower_voice_lacks_is_said() -> None:
    was, now = bandwidth.bands(voice(0), RATE), bandwidth.bands(voice(1, 60, 11_000), RATE)
    assert was is not None and now is not None
    lacks = bandwidth.lacking(was, now)
    assert lacks is not None and 11_000 < lacks < 15_000
    assert bandwidth.bands(np.zeros(RATE, np.float32), RATE) is None
