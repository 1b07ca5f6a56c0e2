from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperaudio.dsp.loudness import decibels, rms
from hyperaudio.editing import floor

RATE = 16_000


def recording(channels: int = 2, seconds: float = 6.0) -> np.ndarray:
    """Half a second of a loud tone, half a second of low-passed hiss at -60 dBFS, and so on."""
    rng = np.random.default_rng(0)
    hiss = np.convolve(rng.normal(size=round(seconds * RATE)), [0.5, 0.5], mode="same")
    hiss *= 1e-3 / rms(hiss)
    time = np.arange(len(hiss)) / RATE
    tone = 0.2 * np.sin(2 * np.pi * 300 * time) * (time % 1 < 0.5)
    return np.stack([hiss + tone] * channels).astype(np.float32)


def bands(samples: np.ndarray) -> np.ndarray:
    power = np.abs(np.fft.rfft(samples)) ** 2
    return 10 * np.log10([part.mean() for part in np.array_split(power, 8)])


def test_the_floor_comes_back_with_its_level_and_spectrum() -> None:
    old = recording()
    found = floor.estimate(old, RATE)
    assert found is not None
    noise = floor.filling(found, old, seed=1)
    pause = slice(round(0.6 * RATE), round(0.9 * RATE))
    assert abs(decibels(rms(noise)) + 60) < 1
    long, there = noise[0], recording(1, 30.0)[0].reshape(-1, RATE)[:, RATE // 2 + 800 :].ravel()
    assert np.abs(bands(long) - 10 * np.log10(len(long)) - (bands(there) - 10 * np.log10(len(there)))).max() < 2
    assert abs(decibels(rms(noise[:, pause])) - decibels(rms(old[:, pause]))) < 2


def test_noise_stands_where_it_stood() -> None:
    both = recording()
    found = floor.estimate(both, RATE)
    assert found is not None
    noise = floor.filling(found, both, seed=1)
    assert np.allclose(noise[0], noise[1], atol=1e-6)
    left = both * np.array([[1], [0]], np.float32)
    found = floor.estimate(left, RATE)
    assert found is not None
    noise = floor.filling(found, left, seed=1)
    assert rms(noise[0]) > 5e-4 and rms(noise[1]) < 1e-6


def test_silence_stays_silence_and_the_same_seed_gives_the_same_noise() -> None:
    old = recording()
    old[:, 2 * RATE : 3 * RATE] = 0
    found = floor.estimate(old, RATE)
    assert found is not None
    noise = floor.filling(found, old, seed=3)
    assert rms(noise[:, round(2.1 * RATE) : round(2.9 * RATE)]) == 0
    assert np.array_equal(noise, floor.filling(found, old, seed=3))
    assert not np.array_equal(noise, floor.filling(found, old, seed=4))
    assert floor.estimate(np.zeros((2, RATE), np.float32), RATE) is None
    assert floor.estimate(old[:, :100], RATE) is None


def test_a_voice_with_a_floor_of_its_own_gets_none() -> None:
    old = recording()
    found = floor.estimate(old, RATE)
    assert found is not None
    assert floor.lacking(found, None) is found
    assert floor.lacking(found, found).power.max() == 0
    assert floor.estimate(0 * old, RATE, skip_silence=False).power.max() == 0  # type: ignore[union-attr]


def test_a_converted_pause_is_held_down_to_the_floor_and_the_words_are_not() -> None:
    old = recording(1)[0]
    found = floor.estimate(old[None], RATE)
    assert found is not None
    noisy = old + (4e-3 * np.random.default_rng(1).normal(size=len(old))).astype(np.float32)
    quiet = floor.hushed(noisy, old, found, 1.0)
    pause, word = slice(round(0.6 * RATE), round(0.9 * RATE)), slice(round(1.1 * RATE), round(1.4 * RATE))
    assert rms(quiet[pause]) < 0.35 * rms(noisy[pause])
    assert np.allclose(quiet[word], noisy[word], atol=1e-5)


@settings(max_examples=25)
@given(length=st.integers(1, 3000), half=st.integers(4, 300), channels=st.integers(1, 3))
def test_spectra_added_up_are_the_samples_again(length: int, half: int, channels: int) -> None:
    samples = np.random.default_rng(length).normal(size=(channels, length)).astype(np.float32)
    again = floor.overlap_add(floor.spectrogram(samples, 2 * half), 2 * half, length)
    assert np.allclose(again, samples, atol=1e-5)
