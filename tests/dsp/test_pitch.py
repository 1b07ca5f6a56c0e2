from __future__ import annotations

import numpy as np
import pytest

from hyperaudio.dsp import pitch

RATE = 16_000


def buzz(hz: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    return sum(np.sin(2 * np.pi * hz * k * time) / k for k in range(1, 20)) * 0.1


@pytest.mark.parametrize("hz", [90.0, 140.0, 230.0])
def test_the_median_is_the_pitch_of_a_buzz(hz: float) -> None:
    assert pitch.median(pitch.contour(buzz(hz), RATE)) == pytest.approx(hz, rel=0.01)


def test_silence_is_unvoiced() -> None:
    contour = pitch.contour(np.zeros(RATE), RATE)
    assert len(contour) == 201
    assert not contour.any()
    assert pitch.median(contour) == 0.0
    assert not pitch.continuous(contour).any()


def test_holes_are_bridged_and_octave_jumps_left_out() -> None:
    contour = np.array([100.0] * 10 + [0.0] * 5 + [230.0] + [0.0] * 5 + [120.0] * 10)
    bridged = pitch.continuous(contour)
    assert bridged[:10] == pytest.approx(100.0)
    assert bridged[-10:] == pytest.approx(120.0)
    assert (np.diff(bridged) >= -1e-9).all()
