from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hyperaudio import audio
from hyperaudio.backend import SPEECH_RATE, Backend, Chosen, Samples, Transcription
from hyperaudio.dsp.loudness import rms
from hyperaudio.editing.extraction import si_sdr
from hyperaudio.editing.rendering import Fitted
from hyperaudio.job import Job
from hyperaudio.settings import Runtime
from hyperaudio.stage import Context
from hyperaudio.stages.overlaps import Decided, decide
from hyperaudio.stages.takes import TakeRecord
from hyperaudio.stages.transcribe import Spoken, Transcript
from hyperaudio.timeline import Segment, Word

RATE = 8_000
LENGTH = 18


def buzz(pitch: float, seed: int) -> Samples:
    """As long as the recording, with a pitch that wanders."""
    rng = np.random.default_rng(seed)
    count = LENGTH * RATE
    phase = (
        2
        * np.pi
        * np.cumsum(pitch * np.interp(np.arange(count), range(0, count, 999), rng.uniform(0.97, 1.03, 145)))
        / RATE
    )
    return (0.05 * sum(np.sin(k * phase) / k for k in range(1, 12)))[None].astype(np.float32)


def within(voice: Samples, *spans: tuple[float, float]) -> Samples:
    out = np.zeros_like(voice)
    for start, end in spans:
        out[:, int(start * RATE) : int(end * RATE)] = voice[:, int(start * RATE) : int(end * RATE)]
    return out


SEGMENTS = [
    Segment(start=0, end=8, speaker="A"),
    Segment(start=7, end=15, speaker="B"),
    Segment(start=16, end=17, speaker="A"),
    Segment(start=16.5, end=18, speaker="C"),
    Segment(start=16.2, end=16.8, speaker="B"),
]
A = within(buzz(110, 1), (0, 8), (16, 17))
B = within(buzz(237, 2), (7, 15), (16.2, 16.8))


def take(number: int, speaker: str, start: float, end: float, method: str = "speak") -> TakeRecord:
    return TakeRecord(
        number=number, speaker=speaker, method=method, file="x.wav", start_frame=int(start * RATE),
        frames=int((end - start) * RATE), phrases=((start, end),), text="", figures={}, notes=(),
    )  # fmt: skip


def transcript(*words: Word) -> Transcript:
    said = [Spoken(start=w.start, end=w.end, speaker=w.speaker or "A", words=(w,)) for w in words]
    return Transcript(language="en", language_probability=1, utterances=tuple(said))


WORD = Word(start=7.2, end=7.7, text="Parrot,", speaker="A")


class Recogniser:
    """Hears a parrot in what is pitched as one of the two voices."""

    def __init__(self, pitch: float) -> None:
        self.pitch = pitch

    def transcribe(self, speech: Samples, language: str | None, progress: Any) -> Transcription:
        # All before the overlap is less than the context, so that it is heard from the begin on.
        overlap = speech[7 * SPEECH_RATE : 8 * SPEECH_RATE]
        spectrum = np.abs(np.fft.rfft(overlap * np.hanning(len(overlap))))
        heard = abs(int(np.argmax(spectrum)) - self.pitch) < 25
        return Transcription([Word(start=7.4, end=7.6, text="parrot" if heard else "cracker")], "en", 1.0)


def recognising(context: Context, pitch: float) -> Context:
    module: Any = SimpleNamespace(__doc__="Ears.", RANK=1, LANGUAGES=None, load=lambda *_: Recogniser(pitch))
    return replace(context, backends={"transcribe": Chosen(Backend("transcribe", "ears", module), None, Runtime())})


@pytest.fixture
def context(tmp_path: Path) -> Context:
    (tmp_path / "separate").mkdir()
    audio.write(tmp_path / "separate/vocals.wav", A + B, RATE)
    return Context(Job(tmp_path), "reconstruct", tmp_path, None, {}, Runtime(), lambda event: None)


def decided(context: Context, *takes: TakeRecord, limit: float = 10.0) -> Decided:
    return decide(context, takes, SEGMENTS, transcript(WORD), RATE, limit)


def test_the_target_is_taken_out_where_the_other_is_expected_to_stay(context: Context) -> None:
    target = take(1, "A", 6, 8)
    found = decided(context, target)
    overlap = found.overlaps[0]
    assert (overlap.start, overlap.end, overlap.decision, overlap.others) == (7.0, 8.0, "replaced", ("B",))
    assert overlap.sdr_db is not None and overlap.sdr_db >= 10 and "B stays" in overlap.reason
    assert found.replaced == {"A": [(7.0, 8.0)]}
    vocals = (A + B)[:, 6 * RATE : 8 * RATE]
    old = found.old(target, vocals, 6 * RATE)
    assert np.array_equal(old[:, : int(0.97 * RATE)], vocals[:, : int(0.97 * RATE)])
    inside = slice(RATE, 2 * RATE)
    assert si_sdr(old[:, inside], A[:, 7 * RATE : 8 * RATE]) > 10
    assert si_sdr((vocals - old)[:, inside], B[:, 7 * RATE : 8 * RATE]) > 10
    # Whatever part of the recording is asked for, the same samples are the target's.
    assert np.array_equal(found.old(target, vocals[:, RATE + 7 :], 7 * RATE + 7), old[:, RATE + 7 :])


def test_the_new_voice_is_as_loud_in_the_overlap_as_the_one_taken_out(context: Context) -> None:
    """Against what both are like in the whole stretch, and nowhere else."""
    target = take(1, "A", 6, 8)
    found = decided(context, target)
    span = slice(6 * RATE, 8 * RATE)
    old = found.old(target, (A + B)[:, span], 6 * RATE)
    voice = 0.4 * buzz(180, 3)[0, span]
    voice[RATE:] *= 2.5
    fitted = Fitted((A + B)[:, span], old, voice, 0 * voice, None, None)
    level = found.levelled(target, fitted, 6 * RATE, [(0, 2 * RATE)]).voice
    before, inside = slice(0, int(0.97 * RATE)), slice(int(1.03 * RATE), 2 * RATE)
    assert np.array_equal(level[before], voice[before])
    was, now = (rms(v[inside]) / rms(v[before]) for v in (old[0], level))
    assert 20 * np.log10(rms(voice[inside]) / rms(voice[before])) > 7.5
    assert abs(20 * np.log10(now / was)) < 1


def test_the_limit_decides_and_the_record_says_what_was_expected(context: Context) -> None:
    found = decided(context, take(1, "A", 6, 8), limit=59)
    overlap = found.overlaps[0]
    assert overlap.decision == "original kept" and overlap.sdr_db is not None
    assert "under 59" in overlap.reason and found.replaced == {} and found.extracted == {}
    never = decided(context, take(1, "A", 6, 8), limit=60).overlaps[0]
    assert never.decision == "original kept" and never.sdr_db is None


def test_one_of_two_targets_gives_way_to_the_other(context: Context) -> None:
    found = decided(context, take(1, "A", 6, 8), take(2, "B", 7, 9))
    assert [o.decision for o in found.overlaps[:2]] == ["replaced", "original kept"]
    assert "replaced here" in found.overlaps[1].reason


def test_several_others_and_a_conversion_of_both_are_kept(context: Context) -> None:
    several = decided(context, take(1, "A", 16, 17)).overlaps
    assert several[-1].decision == "original kept" and several[-1].others == ("C", "B")
    converted = decided(context, take(1, "A", 6, 8, "convert")).overlaps[0]
    assert converted.decision == "original kept" and "conversion" in converted.reason


def test_a_speaker_who_never_talks_alone_long_enough_is_left_as_they_are(context: Context) -> None:
    segments = [Segment(start=0, end=8, speaker="A"), Segment(start=7, end=8.6, speaker="B")]
    overlap, *_ = decide(context, [take(1, "A", 6, 8)], segments, transcript(), RATE, 1.0).overlaps
    assert overlap.decision == "original kept" and "too little" in overlap.reason


def test_words_that_are_heard_in_the_other_voice_are_not_put_in(context: Context) -> None:
    """A recogniser writes down the louder of two, whoever the word is then given to."""
    theirs = decided(recognising(context, 237), take(1, "A", 6, 8)).overlaps[0]
    assert theirs.decision == "original kept" and "are B's" in theirs.reason
    mine = decided(recognising(context, 110), take(1, "A", 6, 8)).overlaps[0]
    assert mine.decision == "replaced"


def test_an_overlap_without_words_of_the_target_is_listed(context: Context) -> None:
    found = decided(context, take(1, "A", 6, 7.4), limit=60).overlaps
    assert [(o.start, o.end) for o in found] == [(7.0, 7.4), (7.4, 8.0), (16.2, 17.0)]
    assert "no words" in found[1].reason and found[1].decision == "original kept"
