from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.dsp.tone import Tone
from hyperaudio.stages.transcribe import Transcript, assigned, attributed, toned, utterances
from hyperaudio.timeline import Segment, Word, merge


def word(start: float, end: float, text: str = "w", speaker: str | None = "A") -> Word:
    return Word(start=start, end=end, text=text, speaker=speaker)


def test_a_word_goes_to_whom_it_overlaps_most_and_else_to_the_nearest() -> None:
    segments = [
        Segment(start=0, end=1, speaker="A"),
        Segment(start=0.9, end=2, speaker="B"),
        Segment(start=10, end=11, speaker="A"),
    ]
    words = [word(0, 0.5), word(0.8, 1.2), word(2.2, 2.4), word(8, 9)]
    assert [w.speaker for w in assigned(words, segments)] == ["A", "B", "B", "A"]


gaps = st.lists(st.tuples(st.floats(0, 1.5), st.floats(0.05, 0.8), st.sampled_from("AB")), min_size=1, max_size=60)


@given(gaps, st.floats(0.2, 1.0), st.floats(2, 15))
def test_utterances_keep_every_word_in_order_and_hold_their_limits(
    made: list[tuple[float, float, str]], pause: float, longest: float
) -> None:
    words, clock = [], 0.0
    for gap, length, speaker in made:
        words.append(word(clock + gap, clock + gap + length, speaker=speaker))
        clock += gap + length
    found = utterances(words, pause, longest)
    assert [w for u in found for w in u.words] == words
    for utterance in found:
        assert {w.speaker for w in utterance.words} == {utterance.speaker}
        assert utterance.duration <= longest or len(utterance.words) == 1
        inner = zip(utterance.words, utterance.words[1:], strict=False)
        assert all(b.start - a.end <= pause for a, b in inner)


def test_a_long_utterance_is_split_at_a_sentence_end() -> None:
    words = [word(k, k + 0.9, "yes." if k == 3 else "and") for k in range(12)]
    assert [len(u.words) for u in utterances(words, 1.0, 10.0)] == [4, 8]


def test_words_given_to_somebody_else_by_hand_take_their_time_along() -> None:
    segments = [Segment(start=0, end=10, speaker="A"), Segment(start=12, end=14, speaker="B")]
    moved = [word(2.0, 2.5, speaker="B"), word(2.6, 3.0, speaker="B")]
    spoken = utterances([word(0.5, 1.5), *moved, word(4, 9), word(12, 13.9, speaker="B")], 0.7, 15)
    found = attributed(segments, spoken)
    spans = {label: merge((s.start, s.end) for s in found if s.speaker == label) for label in "AB"}
    assert spans == {"A": [(0, 2), (3, 10)], "B": [(2, 3), (12, 14)]}


def test_segments_that_fit_the_transcript_stay_as_they_are() -> None:
    segments = [Segment(start=0, end=3, speaker="A", confidence=0.7), Segment(start=2.5, end=5, speaker="B")]
    spoken = utterances([word(0, 2.9), word(2.6, 4.9, speaker="B")], 0.7, 15)
    assert attributed(segments, spoken) == segments


def test_a_word_that_reaches_back_over_somebody_elses_turn_starts_with_its_own() -> None:
    segments = [Segment(start=0, end=1.0, speaker="A"), Segment(start=1.5, end=3, speaker="B")]
    assert [(w.speaker, w.start) for w in assigned([word(0.8, 2.4)], segments)] == [("B", 1.4)]


def test_each_utterance_has_its_tone_and_a_transcript_by_hand_needs_none() -> None:
    time = np.arange(4 * 16_000) / 16_000
    speech = (0.1 * np.sin(2 * np.pi * 150 * time) + 0.05 * np.sin(2 * np.pi * 300 * time)).astype(np.float32)
    speech[2 * 16_000 :] = 0
    said = toned(utterances([word(0, 1), word(1, 2), word(3, 4)], 0.7, 15), speech)
    written = Transcript(language="en", language_probability=1, utterances=tuple(said)).model_dump_json(by_alias=True)
    voiced, silent = Transcript.model_validate_json(written).utterances
    assert voiced.tone is not None
    assert voiced.tone.f0_median_hz == pytest.approx(150, rel=0.02)
    assert voiced.tone.rate_words_per_s == 1
    assert silent.tone == Tone()
    by_hand = json.loads(written)
    for utterance in by_hand["utterances"]:
        del utterance["tone"]
    assert [u.tone for u in Transcript.model_validate(by_hand).utterances] == [None, None]
