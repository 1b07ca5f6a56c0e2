from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.dsp.onsets import snap
from hyperaudio.timeline import Word

RATE = 16_000


def recording(*bursts: tuple[float, float]) -> np.ndarray:
    rng = np.random.default_rng(0)
    sound = 1e-4 * rng.normal(size=6 * RATE)
    for start, end in bursts:
        sound[int(start * RATE) : int(end * RATE)] += 0.1 * rng.normal(size=int(end * RATE) - int(start * RATE))
    return sound.astype(np.float32)


def test_a_start_that_reaches_over_a_pause_moves_behind_it() -> None:
    first, second = Word(start=1.0, end=1.5, text="one"), Word(start=1.5, end=3.0, text="two")
    moved = snap([first, second], recording((1.0, 1.6), (2.4, 3.0)), RATE)
    assert moved[1].start == pytest.approx(2.4, abs=0.02)
    assert moved[0].end == pytest.approx(1.6, abs=0.02)


def test_a_start_in_silence_moves_to_the_sound() -> None:
    moved = snap([Word(start=0.2, end=2.0, text="one")], recording((1.0, 2.0)), RATE)
    assert moved[0].start == pytest.approx(1.0, abs=0.02)


@given(st.lists(st.tuples(st.floats(-0.4, 0.5), st.floats(0, 0.6)), max_size=8))
def test_words_keep_start_before_end_even_where_they_overlap(made: list[tuple[float, float]]) -> None:
    words, clock = [], 0.5
    for gap, length in made:
        start = max(clock + gap, words[-1].start if words else 0.0)
        words.append(Word(start=round(start, 3), end=round(start + length, 3), text="w"))
        clock = words[-1].end
    moved = snap(words, recording((1.0, 1.6), (2.4, 3.0)), RATE)
    assert [w.text for w in moved] == [w.text for w in words]
    assert all(w.start <= w.end for w in moved)
    apart = all(a.end <= b.start for a, b in itertools.pairwise(words))
    assert not apart or all(a.end <= b.start + 1e-9 for a, b in itertools.pairwise(moved))
