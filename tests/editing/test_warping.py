from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperaudio.dsp import alignment
from hyperaudio.editing import warping
from hyperaudio.measures import timing
from hyperaudio.timeline import Word

RATE = 16_000
KINDS: list[warping.Kind] = ["pause", "consonant", "vowel", "consonant", "pause", "consonant", "vowel", "pause"]
WORDS = [-1, 0, 0, 0, -1, 1, 1, -1]
SOURCE = np.cumsum([0, 0.2, 0.05, 0.1, 0.05, 0.1, 0.06, 0.14, 0.2])


def placed(warp: warping.Warp) -> tuple[float, float]:
    return warp.pieces[0][2], warp.pieces[-1][3]


def test_what_fits_stays_as_it_is() -> None:
    warp = warping.planned(SOURCE, SOURCE, KINDS, WORDS)
    assert warp.misfits == ()
    assert np.allclose([piece[:2] for piece in warp.pieces], [piece[2:] for piece in warp.pieces])


def test_vowels_give_more_than_consonants() -> None:
    aim = SOURCE.copy()
    aim[4:] += 0.06  # the first word lasts 0.26 instead of 0.2
    warp = warping.planned(SOURCE, aim, KINDS, WORDS)
    assert warp.misfits == ()
    factors = [(end - start) / (last - first) for first, last, start, end in warp.pieces[:3]]
    assert factors[1] > factors[0] == pytest.approx(factors[2])
    assert max(factors) <= warping.LIMITS["vowel"][1]


def test_a_word_too_long_for_its_time_takes_the_pause_and_says_so() -> None:
    aim = np.array([0, 0.2, 0.22, 0.25, 0.27, 0.5, 0.56, 0.7, 0.9])  # 70 ms for 200 ms of sound
    warp = warping.planned(SOURCE, aim, KINDS, WORDS)
    (misfit,) = warp.misfits
    assert misfit.word == 0
    assert misfit.start == 0
    assert 0.05 <= misfit.end <= 0.1
    first = [piece for piece in warp.pieces if piece[1] <= SOURCE[4] + 1e-9]
    assert sum(piece[1] - piece[0] for piece in first) == pytest.approx(0.2)  # nothing of it is cut
    assert warp.pieces[len(first)][2] == pytest.approx(0.5)


@given(st.lists(st.floats(0.0, 0.6), min_size=8, max_size=8))
def test_pieces_never_overlap_and_keep_their_limits(wanted: list[float]) -> None:
    warp = warping.planned(SOURCE, np.concatenate([[0], np.cumsum(wanted)]), KINDS, WORDS)
    ends = [piece[3] for piece in warp.pieces]
    assert all(piece[2] >= end - 1e-9 for piece, end in zip(warp.pieces[1:], ends, strict=False))
    for first, last, start, end in warp.pieces:
        assert 0.6 - 1e-6 <= (end - start) / (last - first) <= 1.7 + 1e-6


@pytest.fixture(scope="module")
def speech(data: Path) -> np.ndarray:
    samples, rate = soundfile.read(data / "voices/ls2414/2414-128291-0004.flac", dtype="float32")
    assert rate == RATE
    return samples[: 8 * RATE]


def test_words_come_to_their_places(speech: np.ndarray) -> None:
    """Stretches of sound as words: each is drawn out or pressed together by up to a quarter."""
    level = alignment.levels(speech)
    spans = [(a * 0.005, b * 0.005) for a, b in alignment.runs(level > level.max() - 32) if b - a > 20]
    source = np.array([0.0, *(edge for span in spans for edge in span), 8.0])
    words = [k // 2 if k % 2 else -1 for k in range(len(source) - 1)]
    kinds: list[warping.Kind] = ["word" if word >= 0 else "pause" for word in words]
    random = np.random.default_rng(0)
    lengths = np.diff(source) * [random.uniform(0.75, 1.25) if word >= 0 else 1.2 for word in words]
    aim = np.concatenate([[0.0], np.cumsum(lengths)])
    warp = warping.planned(source, aim, kinds, words)
    assert warp.misfits == ()
    seconds = float(aim[-1])
    said = warping.apply(speech, RATE, warp, seconds)
    assert len(said) == int(np.ceil(seconds * RATE))
    there = np.interp(np.arange(len(said)) / RATE, aim, source)
    wanted = np.interp(there, np.arange(len(speech)) / RATE, speech).astype(np.float32)
    edges = [Word(start=a, end=b, text="w") for a, b in zip(aim[1:-1:2], aim[2::2], strict=True)]
    off = np.abs([[row.start, row.end] for row in timing.compare(wanted, said, edges)])
    assert np.median(off) <= 0.012
    assert off.max() <= 0.04
    assert np.array_equal(said, warping.apply(speech, RATE, warp, seconds))


def test_pieces_without_a_change_join_without_a_trace(speech: np.ndarray) -> None:
    pieces = ((0.0, 1.0, 0.0, 1.0), (1.0, 1.8, 1.0, 1.8), (1.8, 4.0, 1.8, 4.0))
    said = warping.apply(speech, RATE, warping.Warp(pieces, ()), 4.0)
    inside = slice(RATE // 10, 39 * RATE // 10)
    assert np.abs(said[inside] - speech[inside]).max() <= 1e-4


def test_a_stretched_word_is_where_the_plan_says(speech: np.ndarray) -> None:
    """Stretching adds no delay of its own."""
    pieces = ((0.0, 2.0, 0.0, 2.5), (2.0, 4.0, 2.5, 4.0))
    said = warping.apply(speech, RATE, warping.Warp(pieces, ()), 4.0)
    truth = np.interp(np.arange(4 * RATE) / RATE, [0, 2.5, 4], [0, 2, 4])
    moved = np.interp(truth, np.arange(len(speech)) / RATE, speech).astype(np.float32)
    words = [Word(start=a, end=a + 0.3, text="w") for a in np.arange(0.3, 3.4, 0.4)]
    rows = timing.compare(moved, said, words)
    assert np.median([abs(row.start) for row in rows]) <= 0.012


@settings(max_examples=20)
@given(st.integers(1, 3000), st.floats(0.6, 1.7))
def test_any_length_is_met(frames: int, factor: float) -> None:
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.1
    span = (0.3, 0.3 + frames / RATE)
    count = round(frames * factor)
    warp = warping.Warp(((*span, 0.5, 0.5 + count / RATE),), ())
    said = warping.apply(noise, RATE, warp, 1.5)
    loud = np.flatnonzero(said)
    reach = round(warping.JOINT * RATE) + 1
    assert np.isfinite(said).all()
    if count > 0:
        assert RATE // 2 - reach <= loud[0]
        assert loud[-1] <= RATE // 2 + count + reach
