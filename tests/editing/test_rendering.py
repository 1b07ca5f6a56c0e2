from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperaudio.dsp import loudness
from hyperaudio.editing import room
from hyperaudio.editing.rendering import Wishes, fit, render

RATE = 16_000
WISHES = Wishes(fade=0.02, match_level=True, contour_db=6.0, match_band=True, room_tone=True, ceiling=0.89)


def voice(seed: int, level: float = 0.1) -> np.ndarray:
    """Three seconds with syllables of noise from 0.5 to 2.5 s, ``(frames,)``."""
    time = np.arange(3 * RATE) / RATE
    syllables = (np.sin(2 * np.pi * 3 * time) > -0.3) & (time > 0.5) & (time < 2.5)
    return (level * np.random.default_rng(seed).normal(size=len(time)) * syllables).astype(np.float32)


def rendered(old: np.ndarray, rest: np.ndarray, new: np.ndarray, **changes: object) -> np.ndarray:
    wishes = Wishes(**{**{name: getattr(WISHES, name) for name in WISHES.__slots__}, **changes})
    span = (round(0.4 * RATE), round(2.6 * RATE))
    fitted = fit(old + rest, old, new, [span], room.NONE, wishes, RATE)
    out = old + rest
    done = render(fitted, span, wishes, RATE, seed=0)
    out[:, slice(*span)] = done.patch
    return out


def hiss(channels: int = 2, level: float = 1e-3) -> np.ndarray:
    return (level * np.random.default_rng(9).normal(size=(1, 3 * RATE)) * np.ones((channels, 1))).astype(np.float32)


@settings(max_examples=10)
@given(level=st.floats(0.01, 0.3), pan=st.floats(0, 2), seed=st.integers(0, 50))
def test_an_edit_has_the_level_and_place_of_what_it_replaces(level: float, pan: float, seed: int) -> None:
    placed = np.array([[pan], [2 - pan]], np.float32)
    old = placed * voice(0, 0.08)
    result = rendered(old + hiss(), 0 * old, voice(seed + 1, level))
    was, now = (loudness.measure(part, RATE).integrated for part in (old + hiss(), result))
    assert was is not None and now is not None and abs(was - now) < 0.3
    balance = [float((part[0] ** 2).sum() / (part**2).sum()) for part in (old, result)]
    assert balance[0] == pytest.approx(balance[1], abs=0.03)


def test_pauses_keep_their_noise() -> None:
    old = np.stack([voice(0)] * 2) + hiss()
    pause = slice(round(0.42 * RATE), round(0.48 * RATE))
    was = loudness.decibels(loudness.rms(old[:, pause]))
    with_tone, without = (rendered(old, 0 * old, voice(1), room_tone=tone)[:, pause] for tone in (True, False))
    assert loudness.decibels(loudness.rms(with_tone)) == pytest.approx(was, abs=2)
    assert loudness.decibels(loudness.rms(without)) < was - 10


def test_peaks_stay_under_the_ceiling_and_the_level_is_held_all_the_same() -> None:
    old = np.stack([voice(0, 0.1)] * 2) + hiss()
    spiky = voice(1, 0.05)
    spiky[RATE :: RATE // 10] *= 25
    result = rendered(old, 0 * old, spiky, ceiling=0.6)
    assert loudness.true_peak(result, RATE) <= 0.61
    was, now = (loudness.measure(part, RATE).integrated for part in (old, result))
    assert was is not None and now is not None and abs(was - now) < 1


def test_there_is_no_seam_at_the_recordings_own_ends() -> None:
    old = np.stack([0.1 * np.random.default_rng(0).normal(size=RATE).astype(np.float32)] * 2)
    silence = np.zeros(RATE, np.float32)
    wishes = replace(WISHES, room_tone=False)
    for span, fades in (((0, RATE), (0, 0)), ((0, RATE // 2), (0, 320)), ((RATE // 2, RATE), (320, 0))):
        fitted = fit(old, old, silence, [span], room.NONE, wishes, RATE)
        done = render(fitted, span, wishes, RATE, seed=0)
        assert (done.fade_in, done.fade_out) == fades
        assert bool(done.patch[:, :100].any()) == bool(fades[0])
        assert bool(done.patch[:, -100:].any()) == bool(fades[1])


def test_what_is_behind_the_voice_is_not_touched() -> None:
    time = np.arange(3 * RATE) / RATE
    music = 0.05 * np.sin(2 * np.pi * 440 * time) * np.ones((2, 1))
    old = np.stack([voice(0)] * 2)
    silence = np.zeros(3 * RATE, np.float32)
    result = rendered(old, music.astype(np.float32), silence, room_tone=False)
    inside = slice(round(0.6 * RATE), round(2.4 * RATE))
    assert np.abs(result[:, inside] - music[:, inside]).max() < 0.01


def test_the_same_again_is_the_same() -> None:
    old = np.stack([voice(0)] * 2) + hiss()
    assert np.array_equal(rendered(old, 0 * old, voice(1)), rendered(old, 0 * old, voice(1)))
