from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.dsp.fades import quietest, ramp, window


@given(st.integers(0, 500), st.integers(0, 300), st.integers(0, 300))
def test_a_window_starts_and_ends_at_nothing_and_never_leaves_zero_to_one(n: int, up: int, down: int) -> None:
    curve = window(n, up, down)
    assert len(curve) == n and (curve >= 0).all() and (curve <= 1).all()
    rise = curve[: len(curve) - down] if up + down <= n else curve[: n * up // max(1, up + down)]
    assert (np.diff(rise) >= -1e-6).all()


@given(st.integers(1, 1000))
def test_a_ramp_and_its_mirror_image_add_up_to_one(n: int) -> None:
    assert np.allclose(ramp(n) + ramp(n)[::-1], 1, atol=1e-6)


@given(st.integers(60, 440))
def test_the_quiet_place_is_found(at: int) -> None:
    noise = np.random.default_rng(0).normal(size=500).astype(np.float32)
    noise[at - 15 : at + 15] = 0
    assert abs(quietest(noise, at + 20, 40, 10) - at) <= 15
