from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.dsp.fades import crossfade, ramp
from hyperaudio.editing import seams

RATE = 16_000


@given(st.floats(-1, 1), st.integers(2, 500))
def test_a_crossfade_keeps_the_power_whatever_the_correlation(correlation: float, count: int) -> None:
    old, new = crossfade(ramp(count), correlation)
    rho = max(0.0, correlation)
    assert np.allclose(old**2 + new**2 + 2 * rho * old * new, 1, atol=1e-5)
    assert (np.diff(new) >= -1e-6).all() and (np.diff(old) <= 1e-6).all()


def test_alike_is_equal_gain_and_strange_is_equal_power() -> None:
    fade = ramp(101)
    assert np.allclose(crossfade(fade, 1.0)[1], fade, atol=1e-6)
    assert crossfade(fade, 0.0)[1][50] == pytest.approx(np.sqrt(0.5), abs=1e-3)


@given(st.integers(1, 400), st.integers(0, 300), st.integers(0, 300))
def test_weights_begin_and_end_with_the_recording(length: int, fade_in: int, fade_out: int) -> None:
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(2, length)).astype(np.float32)
    removed, put, correlations = seams.weights(length, fade_in, fade_out, old, new)
    assert removed.shape == put.shape == (length,) and len(correlations) == 2
    assert (removed >= -1e-6).all() and (removed <= 1 + 1e-6).all() and (put >= 0).all() and (put <= 1 + 1e-6).all()
    if fade_in >= 8 and fade_out >= 8 and fade_in + fade_out <= length:
        assert put[0] < 0.1 and put[-1] < 0.1 and removed[0] < 0.1 and removed[-1] < 0.1


def test_the_same_voice_on_both_sides_of_a_seam_is_not_heard_to_change() -> None:
    voice = np.random.default_rng(0).normal(size=4000).astype(np.float32)
    removed, put, correlations = seams.weights(4000, 320, 320, voice, voice)
    assert correlations[0] == pytest.approx(1) and correlations[1] == pytest.approx(1)
    assert np.allclose(voice - removed * voice + put * voice, voice, atol=1e-5)


def test_strangers_keep_the_level_through_a_seam() -> None:
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(2, 40_000)).astype(np.float32)
    removed, put, _ = seams.weights(40_000, 16_000, 16_000, old, new)
    result = old - removed * old + put * new
    level = np.sqrt((result.reshape(-1, 2000) ** 2).mean(axis=1))
    assert np.abs(20 * np.log10(level)).max() < 0.5


def test_an_end_fades_as_long_as_the_voices_die_away() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(RATE) / RATE
    slow = (rng.normal(size=RATE) * np.where(time < 0.7, 1, np.exp(-(time - 0.7) * 18))).astype(np.float32)
    abrupt = (rng.normal(size=RATE)).astype(np.float32)
    assert seams.release(slow, slow, RATE, 0.02) > 0.08
    assert seams.release(slow, abrupt, RATE, 0.02) == pytest.approx(0.02)
    assert seams.release(slow, slow, RATE, 0.02) <= seams.LONGEST
