from __future__ import annotations

import numpy as np

from hyperaudio.dsp import loudness
from hyperaudio.editing.peaks import under

RATE = 44_100


def test_the_new_voice_is_turned_down_where_it_peaks_and_nowhere_else() -> None:
    rng = np.random.default_rng(1)
    kept = (0.02 * rng.normal(size=(1, RATE))).astype(np.float32)
    new = (0.05 * rng.normal(size=(1, RATE))).astype(np.float32)
    new[:, 20_000:20_200] *= 10
    result, lowered = under(0.5, kept, new, RATE)
    assert loudness.true_peak(result, RATE) <= 0.505
    assert -20 < lowered < -3
    far = np.r_[0:18_000, 22_500:RATE]
    assert np.array_equal(result[:, far], (kept + new)[:, far])
    same, none = under(10.0, kept, new, RATE)
    assert none == 0 and np.array_equal(same, kept + new)
