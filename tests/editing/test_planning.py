from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.editing import planning
from hyperaudio.editing.planning import Part
from hyperaudio.stages.transcribe import utterances
from hyperaudio.timeline import Segment, Utterance, Word

made = st.lists(
    st.tuples(st.floats(0, 3), st.floats(0.05, 0.8), st.sampled_from("AB"), st.sampled_from(["yes", "um,", "Hmm."])),
    min_size=1,
    max_size=40,
)


def spoken(rows: list[tuple[float, float, str, str]]) -> tuple[list[Word], list[Utterance], list[Segment], float]:
    words, clock = [], 0.0
    for gap, length, speaker, text in rows:
        words.append(Word(start=clock + gap, end=clock + gap + length, text=text, speaker=speaker))
        clock += gap + length
    segments = [Segment(start=w.start, end=w.end, speaker=w.speaker or "") for w in words]
    return words, utterances(words, 0.7, 10.0), segments, clock + 1


def check(parts: list[Part], length: float) -> None:
    for part in parts:
        assert 0 <= part.start <= part.phrases[0][0]
        assert part.phrases[-1][1] <= part.end <= length + 1e-9
        assert all(a[1] < b[0] for a, b in itertools.pairwise(part.phrases))
    assert all(a.end <= b.start + 1e-9 for a, b in itertools.pairwise(parts))


@given(made, st.booleans())
def test_lines_ascend_never_meet_and_hold_each_spoken_word_once(
    rows: list[tuple[float, float, str, str]], fillers: bool
) -> None:
    words, said, segments, length = spoken(rows)
    parts = planning.lines("A", said, segments, "en", fillers, length)
    check(parts, length)
    own = [w for w in words if w.speaker == "A" and (fillers or w.text == "yes")]
    assert [w for part in parts for w in part.words] == own
    for part in parts:
        for word in part.words:
            assert any(a <= word.start and word.end <= b for a, b in part.phrases)


@given(st.lists(st.tuples(st.floats(0, 0.2), st.floats(0.1, 3.0)), max_size=150), st.floats(1, 500))
def test_who_talks_on_and_on_is_converted_in_parts_that_leave_nothing_out(
    rows: list[tuple[float, float]], length: float
) -> None:
    words, said, _, _ = spoken([(gap, duration, "A", "yes") for gap, duration in rows])
    length = max([length, *(word.end for word in words)])
    parts = planning.sounds("A", said, [Segment(start=0, end=length, speaker="A")], length)
    assert all(part.end - part.start <= planning.LONGEST_SOUND + 1e-6 for part in parts)
    assert parts[0].phrases[0][0] == 0 and parts[-1].phrases[-1][1] == length
    assert all(a.phrases[-1][1] == b.phrases[0][0] for a, b in itertools.pairwise(parts))
    assert [word for part in parts for word in part.words] == words


@pytest.mark.parametrize("method", ["speak", "convert"])
def test_words_that_a_hand_put_beyond_the_recording_stay_within_it(method: str) -> None:
    words = [Word(start=a, end=b, text="yes", speaker="A") for a, b in ((1.0, 1.5), (4.8, 5.6), (5.7, 6.0), (8.0, 9.0))]
    said = utterances(words, 0.7, 10.0)
    segments = [Segment(start=w.start, end=w.end, speaker="A") for w in words]
    parts = (
        planning.lines("A", said, segments, "en", False, 5.0)
        if method == "speak"
        else planning.sounds("A", said, segments, 5.0)
    )
    check(parts, 5.0)
    assert [(part.phrases[-1], part.words) for part in parts] == [((1.0, 1.5), (words[0],)), ((4.8, 5.0), (words[1],))]


@given(made)
def test_a_line_never_reaches_into_a_filled_pause_that_stays(rows: list[tuple[float, float, str, str]]) -> None:
    _, said, segments, length = spoken(rows)
    parts = planning.lines("A", said, segments, "en", False, length)
    for filler in planning.fillers("A", said, "en"):
        assert all(part.end <= filler.start + 1e-9 or part.start >= filler.end - 1e-9 for part in parts)


def test_a_line_begins_behind_and_ends_before_its_filled_pauses() -> None:
    said = [utterance("A", (1, 1.4, "um"), (1.45, 3, "well"), (3.02, 3.5, "uh"))]
    (part,) = planning.lines("A", said, [], "en", False, 20)
    assert (part.start, part.end, part.text) == (1.4, 3.02, "well")
    (part,) = planning.lines("A", said, [], "en", True, 20)
    assert part.text == "um well uh"


def test_utterances_that_overlap_by_hand_become_one_line() -> None:
    said = [utterance("A", (1, 3, "we"), (3, 5, "know")), utterance("A", (4.5, 7, "yes"))]
    parts = planning.lines("A", said, [], "en", False, 20)
    check(parts, 20)
    assert [part.text for part in parts] == ["we know yes"]


@given(made)
def test_everything_uttered_is_converted_in_stretches_that_never_meet(
    rows: list[tuple[float, float, str, str]],
) -> None:
    words, said, segments, length = spoken(rows)
    parts = planning.sounds("A", said, segments, length)
    check(parts, length)
    assert [w for part in parts for w in part.words] == [w for w in words if w.speaker == "A"]


@given(made)
def test_pauses_lie_in_nobodys_words(rows: list[tuple[float, float, str, str]]) -> None:
    words, said, segments, _ = spoken(rows)
    for start, end in planning.pauses("A", said, segments):
        assert not any(word.start < end and word.end > start for word in words)


def utterance(speaker: str, *words: tuple[float, float, str]) -> Utterance:
    held = tuple(Word(start=a, end=b, text=text, speaker=speaker) for a, b, text in words)
    return Utterance(start=held[0].start, end=held[-1].end, speaker=speaker, words=held)


def test_a_short_line_is_said_with_its_neighbour_unless_somebody_talks_between() -> None:
    said = [
        utterance("A", (0, 1, "We"), (1, 2, "know.")),
        utterance("A", (3, 3.4, "Yes.")),
        utterance("A", (9, 11, "So")),
    ]
    assert [part.text for part in planning.lines("A", said, [], "en", False, 20)] == ["We know. Yes.", "So"]
    other = [Segment(start=2.2, end=2.8, speaker="B")]
    apart = planning.lines("A", said, other, "en", False, 20)
    assert [part.text for part in apart] == ["We know.", "Yes.", "So"]


def test_lines_of_a_second_and_more_stay_apart() -> None:
    said = [utterance("A", (0, 2, "We")), utterance("A", (3, 4.5, "know"))]
    assert len(planning.lines("A", said, [], "en", False, 20)) == 2


@pytest.mark.parametrize("text", ["Um,", "uh", "Uhm...", "erm", "er", "Hmm.", "mm-hmm", "Mhm"])
def test_filled_pauses_are_known(text: str) -> None:
    assert planning.is_filler(Word(start=0, end=1, text=text), "en")
    assert not planning.is_filler(Word(start=0, end=1, text=text), "de")


@pytest.mark.parametrize("text", ["her", "ham", "thumb", "I", "a", "uhura", "ere", "...", "me"])
def test_words_are_no_filled_pauses(text: str) -> None:
    assert not planning.is_filler(Word(start=0, end=1, text=text), "en")


def test_a_laugh_is_heard_as_a_pause_and_converted() -> None:
    said = [utterance("A", (1, 2, "yes"))]
    segments = [Segment(start=1, end=2, speaker="A"), Segment(start=4, end=5, speaker="A")]
    assert planning.pauses("A", said, segments)[-1] == (3.9, 5.1)
    assert [part.phrases for part in planning.sounds("A", said, segments, 10)] == [((1, 2),), ((4, 5),)]


def test_what_is_no_word_is_listed_with_its_times() -> None:
    rng = np.random.default_rng(0)
    speech = (1e-5 * rng.standard_normal(6 * 16_000)).astype(np.float32)
    for start, end, level in ((1, 2.5, 0.1), (4, 4.8, 0.02)):
        speech[round(start * 16_000) : round(end * 16_000)] += level * rng.standard_normal(
            round((end - start) * 16_000)
        )
    said = [utterance("A", (1, 2, "yes"), (2, 2.5, "um"))]
    segments = [Segment(start=1, end=2.5, speaker="A"), Segment(start=4, end=4.8, speaker="A")]
    found = planning.unspoken("A", said, segments, speech, "en", False)
    assert [(round(start, 1), round(end, 1)) for start, end, _ in found] == [(2, 2.5), (4, 4.8)]
    assert found[0][2] == "a filled pause: um"
    assert found[1][2].startswith("no words: unvoiced sound")
    assert len(planning.unspoken("A", said, segments, speech, "en", True)) == 1
    heard_over = [*segments, Segment(start=3.5, end=5, speaker="B")]
    assert len(planning.unspoken("A", said, heard_over, speech, "en", False)) == 1
