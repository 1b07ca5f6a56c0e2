from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.editing.placement import Phrase, place

RATE = 44_100


def quiet(start: int, stop: int) -> np.ndarray:
    return np.zeros(stop - start, np.float32)


def test_an_edit_reaches_past_its_speakers_own_segment_to_where_the_sound_ends() -> None:
    """Also where the other speaker is replaced too, whose walls are this one's segments."""
    rng = np.random.default_rng(0)
    voice = (1e-4 * rng.normal(size=6 * RATE)).astype(np.float32)
    voice[RATE : int(2.15 * RATE)] += 0.1 * rng.normal(size=int(2.15 * RATE) - RATE).astype(np.float32)
    voice[4 * RATE : 5 * RATE] += 0.1 * rng.normal(size=RATE).astype(np.float32)
    phrases = [Phrase(1.0, 2.0, 0.85, 2.25), Phrase(4.0, 5.0, 3.85, 5.25)]
    first, second = place(phrases, lambda start, stop: voice[start:stop], quiet, RATE, 6.0)
    assert first is not None and second is not None
    assert 0.9 * RATE < first[0] <= 1.0 * RATE and 2.15 * RATE <= first[1] < 2.22 * RATE


def test_what_is_too_short_is_left_out() -> None:
    silence = np.zeros(3 * RATE, np.float32)
    spans = place(
        [Phrase(1.0, 1.05, 0.5, 1.5), Phrase(2.0, 2.5, 1.8, 2.8)], lambda a, b: silence[a:b], quiet, RATE, 3.0
    )
    assert spans[0] is None and spans[1] is not None


def test_an_edit_ends_where_the_later_of_the_two_voices_does() -> None:
    rng = np.random.default_rng(0)
    old, new = (1e-4 * rng.normal(size=(2, 4 * RATE))).astype(np.float32)
    old[RATE : 2 * RATE] += 0.1 * rng.normal(size=RATE).astype(np.float32)
    new[RATE : int(2.12 * RATE)] += 0.1 * rng.normal(size=int(2.12 * RATE) - RATE).astype(np.float32)
    (span,) = place([Phrase(1.0, 2.0, 0.85, 2.5)], lambda a, b: old[a:b], lambda a, b: new[a:b], RATE, 4.0)
    assert span is not None and 2.12 * RATE <= span[1] < 2.2 * RATE


def test_an_edit_in_a_recording_that_begins_and_ends_within_a_word_reaches_its_ends() -> None:
    voice = (0.1 * np.random.default_rng(0).normal(size=3 * RATE)).astype(np.float32)
    phrases = [Phrase(0.0, 1.0, 0.0, 1.8), Phrase(1.5, 3.0, 1.2, 3.8)]
    first, last = place(phrases, lambda a, b: voice[a:b], lambda a, b: voice[a:b][::-1], RATE, 3.0)
    assert first is not None and last is not None and first[0] == 0 and last[1] == 3 * RATE


@given(st.lists(st.floats(0.05, 2.0), min_size=2, max_size=12), st.integers(0, 20))
def test_edits_ascend_and_stay_within_their_bounds(gaps: list[float], seed: int) -> None:
    edges = np.cumsum(gaps)
    phrases = [Phrase(a, b, max(0.0, a - 0.2), b + 0.3) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    voice = np.random.default_rng(seed).normal(size=30_000).astype(np.float32)
    spans = place(phrases, lambda a, b: voice[a:b], lambda a, b: voice[a:b][::-1], 1000, 30.0)
    assert len(spans) == len(phrases)
    found = [(phrase, span) for phrase, span in zip(phrases, spans, strict=True) if span]
    for phrase, (first, last) in found:
        assert phrase.low * 1000 - 1 <= first < last <= phrase.high * 1000 + 1
    for (_, before), (_, after) in itertools.pairwise(found):
        assert before[1] <= after[0]
