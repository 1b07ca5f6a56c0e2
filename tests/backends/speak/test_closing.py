from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from hyperaudio.backends.speak import _closing
from hyperaudio.backends.speak._graph import RATE
from hyperaudio.backends.speak._script import Script
from hyperaudio.dsp import alignment
from hyperaudio.timeline import Word


def script(words: int) -> Script:
    """One token for each word, and one before, between and after them."""
    owners = [-1]
    for word in range(words):
        owners += [word, -1]
    none = np.zeros(0, np.float32)
    count = len(owners)
    return Script("?" * count, np.zeros((1, count), np.int64), tuple(owners), none, none, none, none, none)


@pytest.fixture(scope="module")
def heard(data: Path) -> np.ndarray:
    samples, rate = soundfile.read(data / "voices/ls2414/2414-128291-0004.flac", dtype="float32")
    assert rate == alignment.FEATURE_RATE
    return samples


def test_what_was_measured_is_taken_off(heard: np.ndarray) -> None:
    """The sayer puts each stretch of sound off by an amount of its own, the same each time."""
    level = alignment.levels(heard)
    spans = [(a * 0.005, b * 0.005) for a, b in alignment.runs(level > level.max() - 32) if b - a > 30]
    seconds = len(heard) / alignment.FEATURE_RATE
    edges = np.array([0.0, *(edge for span in spans for edge in span), seconds])
    late = np.random.default_rng(0).uniform(-0.08, 0.08, len(spans))
    sound = soxr.resample(heard, alignment.FEATURE_RATE, RATE)
    asked: list[np.ndarray] = []

    def say(aim: np.ndarray) -> tuple[np.ndarray, list[str]]:
        asked.append(aim)
        canvas = np.zeros(len(sound) + RATE, np.float32)
        for (start, end), at, off in zip(spans, aim[1::2], late, strict=False):
            piece = sound[round(start * RATE) : round(end * RATE)]
            first = max(0, round((at + off) * RATE))
            canvas[first : first + len(piece)] += piece
        return canvas[: len(sound)], []

    words = [Word(start=a, end=b, text="w") for a, b in spans]
    first = _closing.closed(say, edges, script(len(words)), words, heard, 0)
    again = _closing.closed(say, edges, script(len(words)), words, heard, 1)
    assert first.off == pytest.approx(float(np.abs(late).mean()), abs=0.015)
    assert again.off <= 0.35 * first.off
    assert np.median(np.abs(asked[-1][1:-1:2] + late - edges[1:-1:2])) <= 0.01
    assert (np.diff(asked[-1]) >= 0).all()


def test_a_second_saying_that_is_no_better_is_not_kept(heard: np.ndarray) -> None:
    """The sayer does not listen."""
    seconds = len(heard) / alignment.FEATURE_RATE
    sound = np.roll(soxr.resample(heard, alignment.FEATURE_RATE, RATE), RATE // 20)
    calls: list[int] = []

    def say(aim: np.ndarray) -> tuple[np.ndarray, list[str]]:
        calls.append(len(calls))
        return sound, [str(len(calls))]

    word = Word(start=0.5, end=1.5, text="w")
    said = _closing.closed(say, np.array([0, 0.5, 1.5, seconds]), script(1), [word], heard, 3)
    assert calls == [0, 1]
    assert said.notes == ["1"]
