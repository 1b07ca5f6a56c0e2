from __future__ import annotations

import numpy as np
import pytest

from hyperaudio.measures import stems


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((2, 40_000)).astype(np.float32)


@pytest.mark.parametrize("gain", [-10.0, -20.0, -30.0])
def test_leakage_is_the_gain_at_which_the_stem_was_left(gain: float) -> None:
    old, new = [noise(1), noise(2)], [noise(3), noise(4)]
    result = [n + np.float32(10 ** (gain / 20)) * o for o, n in zip(old, new, strict=True)]
    found, chance = stems.leakage(result, old)
    assert found == pytest.approx(gain, abs=1.5)
    assert chance < -40
    assert stems.leakage(new, old)[0] < -38


def test_leakage_of_silence() -> None:
    silent = [np.zeros((2, 100), np.float32)]
    assert stems.leakage(silent, silent) == (stems.LEAST_DB, stems.LEAST_DB)


def test_si_sdr_knows_no_scale() -> None:
    own, other = noise(1), noise(2)
    assert stems.si_sdr(own + other, own) == pytest.approx(0.0, abs=0.2)
    assert stems.si_sdr(np.float32(3) * (own + np.float32(0.1) * other), own) == pytest.approx(20.0, abs=0.2)
    assert stems.si_sdr(own, own) == 120.0
    assert stems.si_sdr(own, 0 * own) == stems.LEAST_DB


def test_a_voice_with_the_same_melody_is_no_leakage() -> None:
    """Two voices at one pitch, in step, that have nothing else in common than their lowest harmonics."""
    time = np.arange(44_100) / 44_100
    pitch = 2 * np.pi * 120 * time
    rest = np.random.default_rng(0)
    old, new = (np.sin(pitch + late) + 0.5 * rest.standard_normal(len(time)).astype(np.float32) for late in (0.0, 1.5))
    shared = float(old @ new) / float(old @ old)
    found, _ = stems.leakage([new[None].astype(np.float32)], [old[None].astype(np.float32)])
    assert 20 * np.log10(abs(shared)) > -30 and found < -38
