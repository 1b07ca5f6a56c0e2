from __future__ import annotations

import numpy as np
import pytest

from hyperaudio.dsp import wordless

RATE = 16_000


def recording() -> np.ndarray:
    """Loud speech-like noise at 0-2 and 4-6 s, a breath at 2.5-2.9, a hum at 3.2-3.6, over a faint floor."""
    rng = np.random.default_rng(0)
    sound = 1e-5 * rng.standard_normal(8 * RATE)
    for start, end, level in ((0, 2, 0.2), (4, 6, 0.2), (2.5, 2.9, 0.01)):
        sound[round(start * RATE) : round(end * RATE)] += level * rng.standard_normal(round((end - start) * RATE))
    time = np.arange(round(0.4 * RATE)) / RATE
    hum = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 12))
    sound[round(3.2 * RATE) : round(3.6 * RATE)] += 0.02 * hum
    return sound.astype(np.float32)


def test_a_breath_and_a_hum_are_found_and_told_apart() -> None:
    found = wordless.find(recording(), [(2.1, 3.9)])
    assert [(round(s.start, 1), round(s.end, 1)) for s in found] == [(2.5, 2.9), (3.2, 3.6)]
    assert [s.description.split()[2] for s in found] == ["unvoiced", "voiced"]
    assert found[0].level == pytest.approx(-26, abs=1)


def test_the_decay_of_a_word_is_no_sound_of_its_own() -> None:
    assert wordless.find(recording(), [(1.8, 2.4), (3.8, 4.2), (4.5, 4.7)]) == []


def test_a_laugh_that_fills_its_stretch_is_found() -> None:
    assert len(wordless.find(recording(), [(4.5, 5.5)])) == 1


def test_a_breath_is_found_past_the_first_minute_too() -> None:
    sound = np.tile(recording(), 9)
    found = wordless.find(sound, [(64 + 2.1, 64 + 3.1)])
    assert [(round(s.start, 1), round(s.end, 1)) for s in found] == [(66.5, 66.9)]


def test_silence_holds_nothing() -> None:
    assert wordless.find(np.zeros(RATE, np.float32), [(0.0, 1.0)]) == wordless.find(np.zeros(0, np.float32), []) == []
    assert wordless.find(recording(), [(6.5, 7.5), (9.0, 9.5)]) == []
