from __future__ import annotations

import numpy as np

from hyperaudio.dsp.joints import jump, jumps

RATE = 44_100


def test_a_click_stands_out_from_what_is_usual() -> None:
    time = np.arange(RATE) / RATE
    tone = (0.1 * np.sin(2 * np.pi * 200 * time)).astype(np.float32)
    usual = np.percentile(jumps(tone, RATE), 99)
    clicked = tone[:882].copy()
    clicked[400:] += 0.1
    assert jump(clicked) > 5 * usual
    assert jump(tone[:882]) < 1.2 * usual


def test_silence_and_single_frames_have_no_jump() -> None:
    assert jump(np.zeros(100, np.float32)) == 0 and jump(np.ones(1, np.float32)) == 0
    assert len(jumps(np.zeros(10, np.float32), RATE)) == 0
