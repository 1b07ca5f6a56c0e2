from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperaudio.dsp import loudness
from hyperaudio.editing import level

RATE = 16_000


def speech(seconds: float, seed: int) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.1 * np.random.default_rng(seed).normal(size=len(time)) * (np.sin(2 * np.pi * 4 * time) > -0.5)).astype(
        np.float32
    )


@settings(max_examples=20)
@given(seconds=st.floats(0.15, 3.0), db=st.floats(-15, 15), channels=st.integers(1, 2))
def test_the_gain_brings_one_voice_to_the_loudness_of_another(seconds: float, db: float, channels: int) -> None:
    old = np.stack([speech(seconds, 0)] * channels)
    new = np.stack([speech(seconds, 1) * np.float32(10 ** (-db / 20))] * channels)
    after = new * np.float32(10 ** (level.gain(new, old, RATE) / 20))
    was, now = (loudness.measure(part, RATE).integrated for part in (old, after))
    assert was is not None and now is not None and abs(was - now) < 0.2


def test_silence_asks_for_no_gain() -> None:
    assert level.gain(np.zeros((1, RATE), np.float32), speech(1, 0)[None], RATE) == 0


def test_the_contour_follows_and_rests_in_pauses() -> None:
    old, new = speech(6, 0), speech(6, 1)
    old[: 2 * RATE] *= 2  # 6 dB louder at first
    pause = slice(2 * RATE, 4 * RATE)
    old[pause] = new[pause] = 0
    curve = level.contour(new, old, RATE, 6.0)
    change = 20 * np.log10(curve[RATE // 2 :: RATE])
    assert change[0] - change[-1] == pytest.approx(6, abs=1)
    assert (np.diff(curve[pause]) <= 1e-6).all()  # straight from one level to the next: no pumping
    assert np.array_equal(level.contour(new, old, RATE, 0.0), np.ones(len(new)))


@settings(max_examples=20)
@given(most=st.floats(0.5, 12), seed=st.integers(0, 100))
def test_the_contour_stays_within_its_limit(most: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    old, new = (
        speech(2, seed + k) * np.repeat(rng.uniform(0.05, 1, 20), RATE // 10).astype(np.float32) for k in (0, 1)
    )
    change = 20 * np.log10(level.contour(new, old, RATE, most))
    assert np.abs(change).max() <= most + 1e-3


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_k_weighting_is_that_of_the_meter(rate: int) -> None:
    for hertz in (60.0, 1000.0, 5000.0):
        tone = (0.1 * np.sin(2 * np.pi * hertz * np.arange(3 * rate) / rate)).astype(np.float32)
        power = 10 * np.log10(np.mean(level.k_weighted(tone, rate)[rate:] ** 2)) - 0.691
        assert power == pytest.approx(loudness.measure(tone, rate).integrated, abs=0.1)
