from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.dsp.loudness import Loudness
from hyperaudio.editing.mastering import gain


@given(st.floats(-40, -5), st.floats(-20, 3), st.floats(-30, -8))
def test_peaks_stay_under_the_ceiling_and_the_shortfall_is_told(lufs: float, peak: float, target: float) -> None:
    found, reached = gain(Loudness(lufs, 5.0, peak), target, -1.0)
    assert peak + found <= -1.0
    assert reached <= target + 0.001
    assert abs(reached - (lufs + found)) < 1e-6
    if peak + target - lufs < -1.1:
        assert abs(reached - target) < 0.001


def test_silence_is_left_as_it_is() -> None:
    assert gain(Loudness(None, 0.0, None), -16.0, -1.0)[0] == 0
