from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hyperaudio.dsp import alignment
from hyperaudio.measures import timing
from hyperaudio.measures.timing import Moved
from hyperaudio.timeline import Word

RATE = 16_000


@pytest.fixture(scope="module")
def speech(data: Path) -> np.ndarray:
    """Twelve seconds, after a second of quiet."""
    samples, rate = soundfile.read(data / "voices/ls2414/2414-128291-0004.flac", dtype="float32")
    assert rate == RATE
    quiet = np.zeros(RATE, np.float32)
    return np.concatenate([quiet, samples, quiet])


@pytest.fixture(scope="module")
def words(speech: np.ndarray) -> list[Word]:
    """Stretches of sound, parted at every 0.3 s: an edge need not be a real word's."""
    level = alignment.levels(speech)
    spans = alignment.runs(level > level.max() - 30)
    found: list[Word] = []
    for first, last in ((a * alignment.STEP, b * alignment.STEP) for a, b in spans if b - a > 12):
        edges = np.linspace(first, last, max(1, round((last - first) / 0.3)) + 1)
        found += [Word(start=a, end=b, text="w") for a, b in itertools.pairwise(edges)]
    return found


def noisy(samples: np.ndarray, db: float = -30.0) -> np.ndarray:
    """Duller, quieter, and with noise ``db`` relative to the speech."""
    noise = np.random.default_rng(0).standard_normal(len(samples)) * np.sqrt(np.mean(samples**2)) * 10 ** (db / 20)
    return (0.4 * np.convolve(samples, [0.7, 0.3])[: len(samples)] + noise).astype(np.float32)


def off(moved: list[Moved], truth: float = 0.0) -> np.ndarray:
    return np.abs([[row.start - truth, row.end - truth] for row in moved])


def test_what_did_not_move_reads_nothing(speech: np.ndarray, words: list[Word]) -> None:
    assert off(timing.compare(speech, speech, words)).max() <= 0.011
    moved = timing.compare(speech, noisy(speech), words)
    assert [row.word for row in moved] == words
    assert np.median(off(moved)) <= 0.002
    assert np.percentile(off(moved), 95) <= 0.02


@pytest.mark.parametrize("ms", [-60, 5, 60, 150])
def test_a_shift_reads_what_it_is(speech: np.ndarray, words: list[Word], ms: int) -> None:
    late = noisy(np.roll(speech, ms * RATE // 1000))
    moved = off(timing.compare(speech, late, words), ms / 1000)
    assert np.median(moved) <= 0.002
    assert np.percentile(moved, 95) <= 0.02
    assert timing.lag(speech, late) == pytest.approx(ms, abs=0.1)


def test_each_part_reads_its_own_shift(speech: np.ndarray, words: list[Word]) -> None:
    """Time runs up to 20 % faster and slower in turns; the offset at each edge is known."""
    knots = np.arange(0, len(speech) / RATE + 0.7, 0.7)
    offsets = np.random.default_rng(3).uniform(-0.07, 0.07, len(knots))
    time = np.arange(len(speech)) / RATE
    source = np.interp(time, knots + offsets, knots)
    warped = noisy(np.interp(source, time, speech).astype(np.float32))
    wrong = [
        (row.start - np.interp(row.word.start, knots, offsets), row.end - np.interp(row.word.end, knots, offsets))
        for row in timing.compare(speech, warped, words)
    ]
    assert np.median(np.abs(wrong)) <= 0.005
    assert np.percentile(np.abs(wrong), 95) <= 0.03


def test_silence_and_what_lies_past_the_end_move_nothing(speech: np.ndarray, words: list[Word]) -> None:
    assert timing.compare(speech, np.zeros_like(speech), words) == []
    assert timing.compare(speech, speech, []) == []
    beyond = Word(start=len(speech) / RATE + 1, end=len(speech) / RATE + 2, text="w")
    assert timing.compare(speech, speech, [beyond]) == []
    assert timing.lag(speech, np.zeros_like(speech)) == 0.0


def test_another_voice_has_a_lag_too(speech: np.ndarray) -> None:
    """The same energy on another sound."""
    carrier = np.random.default_rng(1).standard_normal(len(speech)).astype(np.float32)
    other = np.roll(carrier * np.sqrt(np.convolve(speech**2, np.hanning(320), "same")), 16 * 23).astype(np.float32)
    assert timing.lag(speech, other) == pytest.approx(23, abs=1)


def test_a_drift_of_a_hundredth_of_a_percent_is_seen_under_noise() -> None:
    random = np.random.default_rng(0)
    starts = np.sort(random.uniform(0, 3600, 9000))
    noise = 0.02 * random.standard_normal(9000)
    noise[::50] += 0.3

    def drift(rate: float) -> float | None:
        rows = [
            Moved(Word(start=s, end=s + 0.2, text="w"), s * rate + n, s * rate + n)
            for s, n in zip(starts, noise, strict=True)
        ]
        return timing.drift(rows)

    assert drift(1e-4) == pytest.approx(360, abs=15)
    assert drift(0) == pytest.approx(0, abs=15)
    assert timing.drift([]) is None
