from __future__ import annotations

import numpy as np

from hyperaudio.editing.position import pan, spread, width

RATE = 16_000


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=2 * RATE).astype(np.float32)


def test_pan_finds_a_voice_hard_left_and_one_in_the_middle() -> None:
    voice = noise(0)
    assert np.allclose(pan(np.stack([voice, 0 * voice])), [2, 0], atol=1e-5)
    assert np.allclose(pan(np.stack([voice, voice])), [1, 1], atol=1e-5)
    assert np.allclose(pan(np.zeros((2, 100), np.float32)), [1, 1])


def test_a_point_stays_a_point() -> None:
    voice = noise(0)
    for gains in ([2, 0], [1, 1], [1.4, 0.6], [1]):
        placed = np.array(gains, np.float32)
        old = placed[:, None] * voice
        assert not width(old, pan(old)).any()
        again = spread(noise(1), 0 * voice, placed, width(old, placed), RATE, 0)
        assert np.allclose(again, placed[:, None] * noise(1), atol=1e-6)


def test_a_wide_voice_is_as_wide_again_with_the_same_mono_sum() -> None:
    middle, side = noise(0), np.float32(0.3) * noise(1)
    old = np.stack([middle + side, middle - side])
    gains = pan(old)
    new = spread(noise(2), 0 * middle, gains, width(old, gains), RATE, 0)

    def ratio(both: np.ndarray) -> float:
        return float(10 * np.log10(((both[0] - both[1]) ** 2).sum() / ((both[0] + both[1]) ** 2).sum()))

    assert abs(ratio(new) - ratio(old)) < 1
    assert np.allclose(new.mean(axis=0), noise(2) * gains.mean(), atol=1e-3)
    assert np.array_equal(new, spread(noise(2), 0 * middle, gains, width(old, gains), RATE, 0))
