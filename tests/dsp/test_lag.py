from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.dsp import lag

RATE = 16_000


def bursts(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(RATE).astype(np.float32)
    noise *= np.maximum(np.sin(2 * np.pi * 3 * np.arange(RATE) / RATE), 0) * 0.1
    noise[:1600] = noise[-1600:] = 0
    return noise


@given(st.integers(-70, 70))
def test_a_shift_is_found_and_undone(frames: int) -> None:
    early = bursts()
    late = lag.shifted(early, -frames)
    found = lag.lag(late, early, RATE)
    assert abs(found - frames) <= 1
    assert len(lag.shifted(late, found)) == len(early)


def test_silence_has_no_lag() -> None:
    assert lag.lag(np.zeros(RATE), bursts(), RATE) == 0
    assert lag.lag(np.zeros(0), np.zeros(0), RATE) == 0
