from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyperaudio import audio
from hyperaudio.measures.pair import Format, Pair, Stretch, within
from hyperaudio.timeline import Segment, Word

RATE = 8_000


def word(start: float, end: float, speaker: str | None = "A") -> Word:
    return Word(start=start, end=end, text="x", speaker=speaker)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    noise = np.random.default_rng(0)
    tracks = {name: noise.normal(0, 0.1, (2, 5 * RATE)).astype(np.float32) for name in ("old", "new", "rest")}
    files = {
        "original": tracks["old"] + tracks["rest"],
        "result": tracks["new"] + tracks["rest"],
        "voices": tracks["old"],
        "new": tracks["new"],
    }
    for name, samples in files.items():
        audio.write(tmp_path / f"{name}.wav", samples, RATE)
    shape = Format(RATE, 2, 5 * RATE)
    return Pair(
        original=tmp_path / "original.wav",
        result=tmp_path / "result.wav",
        voices=tmp_path / "voices.wav",
        was=shape,
        now=shape,
        edits=(Stretch(0, 2 * RATE, "A"), Stretch(3 * RATE, 4 * RATE, "B")),
        edits_from="",
        words=(word(0, 0.5), word(0.5, 0.9, "B"), word(1.7, 2.2), word(1.9, 2.5), word(3.1, 3.6, "B"), word(3.5, 3.7)),
        turns=(
            Segment(start=0, end=2.5, speaker="A"),
            Segment(start=2, end=3.7, speaker="B"),
            Segment(start=3.5, end=4, speaker="A"),
        ),
    )


def test_a_word_is_edited_where_its_middle_is_and_its_speaker_was_replaced(pair: Pair) -> None:
    assert [(w.start, w.speaker) for w in pair.edited()] == [(0, "A"), (1.7, "A"), (3.1, "B")]
    assert [w.start for w in pair.edited("A")] == [0, 1.7]
    assert pair.targets == ("A", "B")


def test_utterances_are_parted_at_pauses_and_are_the_edits_where_no_words_are_known(pair: Pair) -> None:
    from dataclasses import replace

    assert pair.utterances("A") == [(0, 0.5), (1.7, 2.2)]
    assert replace(pair, words=()).utterances("B") == [(3.0, 4.0)]


def test_overlaps_are_where_two_talk(pair: Pair) -> None:
    assert pair.overlaps("A") == [(2, 2.5), (3.5, 3.7)]


def test_the_new_voice_is_what_the_result_has_more_than_the_background(pair: Pair) -> None:
    new = audio.read(pair.result.with_name("new.wav"))
    assert np.allclose(pair.cut(100, 900).new, new[:, 100:900], atol=1e-6)
    assert np.allclose(np.concatenate([cut.new for cut in pair.blocks()], axis=1), new, atol=1e-6)
    old, heard = pair.speech()
    assert len(old) == len(heard) == 5 * 16_000
    assert float(np.std(heard)) == pytest.approx(float(new.mean(axis=0).std()), rel=0.05)


def test_within_takes_seconds_of_a_voice() -> None:
    voice = np.arange(32_000, dtype=np.float32)
    assert [(part[0], len(part)) for part in within(voice, [(0.5, 1.0), (1.5, 1.75)])] == [
        (8_000, 8_000),
        (24_000, 4_000),
    ]


def test_a_gain_over_everything_is_no_difference(pair: Pair) -> None:
    from dataclasses import replace

    from hyperaudio.measures.samples import difference

    gain = np.float32(10 ** (3.7 / 20))
    raised = pair.result.with_name("raised.wav")
    audio.write(raised, audio.read(pair.original) * gain, RATE)
    cut = replace(pair, result=raised, gain_db=3.7).cut(0, RATE)
    assert difference(cut.original, cut.result).max() == 0.0
    assert np.allclose(cut.new, cut.old, atol=1e-6)
