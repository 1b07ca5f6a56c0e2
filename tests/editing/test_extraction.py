from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperaudio import audio
from hyperaudio.backend import Samples
from hyperaudio.editing.extraction import Exemplars, exemplars, extract, reliability, remaining, si_sdr

RATE = 8_000
REAL_RATE = 16_000


def hum(pitch: float, seconds: float, seed: int) -> Samples:
    """A buzz whose pitch wanders by a few percent, ``(1, frames)``."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    wander = np.interp(np.arange(count), np.linspace(0, count, 20), rng.uniform(0.97, 1.03, 20))
    phase = 2 * np.pi * np.cumsum(pitch * wander) / RATE
    return (0.1 * sum(np.sin(k * phase) / k for k in range(1, 12)) / 2)[None].astype(np.float32)


LOW, HIGH = hum(110, 6, 1), hum(237, 6, 2)
KNOWN = exemplars(LOW, RATE), exemplars(HIGH, RATE)
FEW = tuple(Exemplars(known.spectra[:, ::6], known.times[::6]) for known in KNOWN)


def voice(data: Path, name: str) -> list[Samples]:
    clips = [audio.read(path) for path in sorted((data / "voices" / name).glob("*.flac"))]
    return [clip / np.float32(clip.std()) * np.float32(0.05) for clip in clips]


@settings(max_examples=12)
@given(
    length=st.integers(0, 3000),
    seed=st.integers(0, 99),
    level=st.floats(-40, 10),
)
def test_what_is_taken_out_and_what_is_left_are_the_mixture(length: int, seed: int, level: float) -> None:
    """The two voices share each sample: the parts of both, each taken out against the other, add up to all."""
    noise = np.random.default_rng(seed).normal(size=(1, length)) * 10 ** (level / 20)
    mix = (noise + LOW[:, :length] + HIGH[:, :length]).astype(np.float32)
    first, second = extract(mix, *FEW, RATE), extract(mix, *FEW[::-1], RATE)
    assert first.shape == mix.shape and first.dtype == np.float32
    assert np.allclose(first + second, mix, atol=1e-5 * (1 + np.abs(mix).max(initial=0)))
    assert np.array_equal(first, extract(mix, *FEW, RATE))


def test_two_pitches_are_parted() -> None:
    mine, theirs = hum(110, 1, 3), hum(237, 1, 4)
    taken = extract(mine + theirs, *KNOWN, RATE)
    assert si_sdr(taken, mine) > 12 and si_sdr(mine + theirs - taken, theirs) > 12


def test_nothing_is_taken_out_where_the_target_is_silent() -> None:
    theirs = hum(237, 1, 5)
    assert remaining(theirs - extract(theirs, *KNOWN, RATE), theirs) > -0.3


def test_real_voices_come_apart_by_some_dB_each(data: Path) -> None:
    mine, theirs = voice(data, "p225"), voice(data, "ls367")
    known = [exemplars(np.concatenate(clips[:-1], axis=1), REAL_RATE) for clips in (mine, theirs)]
    a, b = (clips[-1][:, REAL_RATE : 3 * REAL_RATE] for clips in (mine, theirs))
    taken = extract(a + b, known[0], known[1], REAL_RATE)
    assert si_sdr(taken, a) > si_sdr(a + b, a) + 5
    assert si_sdr(a + b - taken, b) > si_sdr(a + b, b) + 5
    assert remaining(a + b - taken, a) < -12


def test_voices_on_two_sides_come_apart_by_their_place() -> None:
    """Two voices of the same pitch, which nothing else could part."""
    left = np.concatenate([hum(150, 4, 6), 0.1 * hum(150, 4, 6)])
    right = np.concatenate([0.1 * hum(151, 4, 7), hum(151, 4, 7)])
    known = exemplars(left, RATE), exemplars(right, RATE)
    mine, theirs = left[:, :RATE], right[:, :RATE]
    assert si_sdr(extract(mine + theirs, *known, RATE), mine) > 12


def test_reliability_tells_which_voices_can_be_parted() -> None:
    apart, alike = reliability(LOW, HIGH, 0.0, RATE), reliability(LOW, hum(110, 6, 8), 0.0, RATE)
    assert apart is not None and alike is not None
    assert apart.sdr_db > alike.sdr_db + 6 and apart.left_db < alike.left_db


def test_reliability_is_about_what_the_two_voices_then_give(data: Path) -> None:
    mine, theirs = voice(data, "p225"), voice(data, "ls2609")
    solos = [np.concatenate(clips[:-1], axis=1) for clips in (mine, theirs)]
    expected = reliability(solos[0], solos[1], 0.0, REAL_RATE)
    a, b = (clips[-1][:, : REAL_RATE * 2] for clips in (mine, theirs))
    taken = extract(a + b, exemplars(solos[0], REAL_RATE), exemplars(solos[1], REAL_RATE), REAL_RATE)
    assert expected is not None
    assert abs(expected.other_db - si_sdr(a + b - taken, b)) < 5


def test_a_louder_target_leaves_less_of_the_other() -> None:
    loud, soft = reliability(LOW, HIGH, 9.0, RATE), reliability(LOW, HIGH, -9.0, RATE)
    assert loud is not None and soft is not None
    assert loud.other_db < soft.other_db and loud.target_db > soft.target_db


def test_without_solo_speech_there_is_no_figure_and_no_extraction() -> None:
    assert reliability(LOW, HIGH[:, : RATE // 2], 0.0, RATE) is None
    assert reliability(np.zeros_like(LOW), HIGH, 0.0, RATE) is None
    none = exemplars(np.zeros((1, RATE), np.float32), RATE)
    assert none.spectra.shape[1] == 0 and exemplars(LOW[:, :100], RATE).spectra.shape[1] == 0
    with pytest.raises(ValueError, match="exemplars"):
        extract(LOW, none, KNOWN[1], RATE)


def test_held_out_speech_is_not_among_the_exemplars() -> None:
    kept = KNOWN[0].without(1.0, 2.0)
    assert isinstance(kept, Exemplars) and 0 < kept.spectra.shape[1] < KNOWN[0].spectra.shape[1]
    assert not np.any((kept.times >= 1.0) & (kept.times < 2.0))


def test_measures_of_what_was_parted() -> None:
    rng = np.random.default_rng(0)
    truth, noise = rng.normal(size=(2, 1, RATE)).astype(np.float32)
    assert si_sdr(0.3 * truth, truth) == 100
    assert si_sdr(truth + 0.1 * noise, truth) == pytest.approx(20, abs=0.2)
    assert remaining(noise + 0.5 * truth, truth) == pytest.approx(-6, abs=0.3)
