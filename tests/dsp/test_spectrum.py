from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import firwin2, lfilter

from hyperaudio.dsp import spectrum

RATE = 24_000
BANDS = np.geomspace(100, 10_000, 30)


def noise() -> np.ndarray:
    return np.random.default_rng(1).standard_normal(RATE * 2) * 0.1


def test_the_filter_gives_one_sound_the_spectrum_of_another() -> None:
    plain = noise()
    bright = lfilter(firwin2(101, [0, 0.2, 1], [0.5, 0.7, 1.5]), 1, noise()[::-1])
    wanted = spectrum.mean_envelope(bright, RATE, BANDS)
    taps = spectrum.matching_filter(spectrum.mean_envelope(plain, RATE, BANDS), wanted, BANDS, RATE)
    got = spectrum.mean_envelope(spectrum.apply(plain, taps), RATE, BANDS)
    before = spectrum.mean_envelope(plain, RATE, BANDS) - wanted
    assert np.abs((got - wanted) - (got - wanted).mean()).max() < 1.0
    assert np.abs(before - before.mean()).max() > 3.0


def test_the_envelope_says_nothing_of_level() -> None:
    loud = spectrum.mean_envelope(noise(), RATE, BANDS)
    assert spectrum.mean_envelope(noise() * 0.1, RATE, BANDS) == pytest.approx(loud, abs=0.01)


def test_the_filter_has_no_lag_and_keeps_the_length() -> None:
    click = np.zeros(2000)
    click[700] = 1.0
    source, wanted = np.zeros(len(BANDS)), np.linspace(-6, 6, len(BANDS))
    out = spectrum.apply(click, spectrum.matching_filter(source, wanted, BANDS, RATE))
    assert len(out) == 2000
    assert int(np.argmax(np.abs(out))) == 700


def test_the_gain_is_limited() -> None:
    taps = spectrum.matching_filter(np.zeros(30), np.linspace(-60, 60, 30), BANDS, RATE)
    gain = 20 * np.log10(np.abs(np.fft.rfft(taps, 4096)))
    assert gain.max() < 12.5
    assert gain.min() > -12.5
