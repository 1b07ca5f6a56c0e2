from __future__ import annotations

import numpy as np
import pytest

from hyperaudio.measures import levels

RATE = 16_000


def noise(seconds: float, level_db: float = -20.0) -> np.ndarray:
    samples = np.random.default_rng(0).standard_normal(round(seconds * RATE))
    return (10 ** (level_db / 20) * samples).astype(np.float32)


@pytest.mark.parametrize("gain", [-6.0, 1.0, 3.0])
def test_loudness_change_is_the_gain(gain: float) -> None:
    old = noise(3.0)[None]
    new = old * np.float32(10 ** (gain / 20))
    assert levels.loudness_change(old, new, RATE) == pytest.approx(gain, abs=0.05)
    assert levels.loudness_change(0 * old, new, RATE) is None


def test_the_contour_is_compared_only_while_the_old_voice_speaks() -> None:
    old = np.concatenate([noise(1.0), noise(1.0, -80.0)])
    new = np.concatenate([noise(1.0, -23.0), noise(1.0, -40.0)])
    assert np.allclose(levels.contour_change(old, new, RATE)[:6], 3.0, atol=0.1)
    assert levels.contour_change(old, old, RATE).max() == 0.0


def test_a_silenced_word_drops_by_all_it_had() -> None:
    word = noise(0.3)
    assert levels.drop(word, word, RATE) == 0.0
    assert levels.drop(word, 0 * word, RATE) > 60
    assert levels.drop(word[:0], word[:0], RATE) == 0.0


def test_pauses_are_found_without_their_edges() -> None:
    voice = np.concatenate([noise(0.5), noise(0.4, -75.0), noise(0.5), noise(0.1, -75.0), noise(0.5)])
    found = levels.pauses(voice)
    assert len(found) == 1
    start, stop = (frame / RATE for frame in found[0])
    assert 0.5 + levels.EDGE - 0.02 <= start <= 0.58 and 0.82 <= stop <= 0.9 - levels.EDGE + 0.02
    assert levels.pauses(voice[:100]) == []


def test_the_level_of_a_pause_is_not_moved_by_a_stray_sound() -> None:
    rest = noise(0.3, -60.0)[None]
    loud = rest.copy()
    loud[:, 100:400] = noise(300 / RATE)
    assert levels.resting(rest, RATE) == pytest.approx(-60.0, abs=0.5)
    assert levels.resting(loud, RATE) == pytest.approx(-60.0, abs=0.5)
