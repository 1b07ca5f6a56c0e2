from __future__ import annotations

import numpy as np
import pytest

from hyperaudio.dsp import pitch, tone

RATE = 16_000


def voice(hertz: np.ndarray, tilt: float = -12.0) -> np.ndarray:
    """A buzz with a pitch per sample, its harmonics falling by ``tilt`` dB per octave."""
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    total = np.zeros(len(hertz))
    for k in range(1, 60):
        total += np.where(k * hertz < 7000, 10 ** (tilt * np.log2(k) / 20) * np.sin(k * phase), 0)
    return (0.1 * total).astype(np.float32)


def test_a_glide_over_an_octave_is_measured() -> None:
    glide = 120 * 2 ** np.linspace(0, 1, 2 * RATE)
    found = tone.measure(voice(glide), words=5)
    assert found.f0_median_hz == pytest.approx(120 * 2**0.5, rel=0.02)
    assert found.f0_range_semitones == pytest.approx(0.9 * 12, abs=0.6)
    assert found.rate_words_per_s == 2.5


def test_a_darker_voice_has_a_steeper_tilt_whatever_its_level() -> None:
    steady = np.full(RATE, 150.0)
    bright, dark = tone.measure(voice(steady, -6), 3), tone.measure(0.1 * voice(steady, -15), 3)
    assert bright.spectral_tilt_db_per_octave is not None
    assert dark.spectral_tilt_db_per_octave is not None
    assert bright.spectral_tilt_db_per_octave - dark.spectral_tilt_db_per_octave == pytest.approx(9, abs=1.5)


def test_energy_is_that_of_the_speech_not_of_its_pauses() -> None:
    sound = voice(np.full(RATE, 150.0))
    level = 10 * np.log10(np.mean(sound**2))
    padded = np.concatenate([sound, np.zeros(RATE, np.float32)])
    found = tone.measure(padded, 3)
    assert found.energy_dbfs == pytest.approx(level, abs=0.3)
    assert found.energy_range_db is not None
    assert found.energy_range_db < 3


@pytest.mark.parametrize("seconds", [0.0, 0.02, 1.0])
def test_silence_and_nothing_have_no_tone(seconds: float) -> None:
    assert tone.measure(np.zeros(round(seconds * RATE), np.float32), 1) == tone.Tone()


def test_a_whisper_has_no_pitch_but_a_level() -> None:
    noise = 0.05 * np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    found = tone.measure(noise, 0)
    assert found.energy_dbfs == pytest.approx(-26, abs=0.5)
    assert found.rate_words_per_s is None
    short = tone.measure(voice(np.full(round(0.11 * RATE), 150.0)), 1)
    assert short.energy_dbfs is not None


def test_octave_errors_do_not_widen_the_range() -> None:
    contour = np.full(200, 200.0)
    contour[::20] = 90.0
    contour[5::40] = 450.0
    assert tone.register(contour) == (200.0, 0.0)


def test_contours_correlate_by_shape_not_by_register() -> None:
    wave = 200 * 2 ** (0.3 * np.sin(np.linspace(0, 12, 400)))
    assert tone.correlation(wave, 0.5 * wave) == 1.0
    upside_down = 200**2 / wave
    assert tone.correlation(wave, upside_down) == -1.0
    assert tone.correlation(wave, np.full(400, 150.0)) is None
    assert tone.correlation(wave, np.zeros(400)) is None


def test_a_take_measured_by_its_sound_keeps_the_melody() -> None:
    glide = 120 * 2 ** (0.5 * np.sin(np.linspace(0, 9, 2 * RATE)))
    first, second = pitch.contour(voice(glide), RATE), pitch.contour(voice(1.5 * glide, -8), RATE)
    likeness = tone.correlation(first, second)
    assert likeness is not None
    assert likeness > 0.98


def test_energy_contours_differ_by_shape_not_by_level() -> None:
    sound = voice(np.full(2 * RATE, 150.0))
    wave = 10 ** (6 * np.sin(np.linspace(0, 12, len(sound))) / 20)
    moved = (wave * sound).astype(np.float32)
    assert tone.energy_difference(moved, 0.1 * moved) == 0.0
    assert tone.energy_difference(sound, moved) == pytest.approx(6 / 2**0.5, abs=0.3)
    assert tone.energy_difference(sound, np.zeros_like(sound)) is None
    assert tone.energy_difference(sound[:800], sound[:800]) is None
