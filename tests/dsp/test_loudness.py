from __future__ import annotations

import numpy as np
import pytest

from hyperaudio.dsp.loudness import Meter, measure, true_peak

RATE = 48_000


def tone(level_db: float, seconds: float = 20.0, hertz: float = 1000.0, phase: float = 0.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (10 ** (level_db / 20) * np.sin(2 * np.pi * hertz * time + phase)).astype(np.float32)


def test_the_calibration_tones_of_ebu_tech_3341() -> None:
    for level in (-23.0, -33.0):  # cases 1 and 2: a stereo tone of that peak level reads as many LUFS
        assert measure(np.stack([tone(level)] * 2), RATE).integrated == pytest.approx(level, abs=0.1)


def test_range_of_two_levels_is_their_distance() -> None:
    steps = np.concatenate([tone(-20), tone(-30)])  # EBU Tech 3342, case 1
    assert measure(np.stack([steps] * 2), RATE).range == pytest.approx(10, abs=1)


def test_true_peak_is_seen_between_the_samples() -> None:
    between = tone(-6.0, hertz=RATE / 4, phase=np.pi / 4)  # samples reach 3 dB less than the wave does
    assert np.abs(between).max() == pytest.approx(0.3536, abs=0.001)
    assert true_peak(between, RATE) == pytest.approx(0.5, abs=0.02)


def test_silence_has_no_loudness_and_no_peak() -> None:
    quiet = measure(np.zeros(RATE, np.float32), RATE)
    assert quiet.integrated is None and quiet.true_peak is None


def test_block_by_block_is_the_same_as_at_once() -> None:
    noise = np.random.default_rng(0).normal(size=(2, 5 * RATE)).astype(np.float32) * 0.1
    meter = Meter(RATE, 2)
    for at in range(0, noise.shape[1], 7777):
        meter.add(noise[:, at : at + 7777])
    assert meter.result().integrated == pytest.approx(measure(noise, RATE).integrated, abs=1e-3)
