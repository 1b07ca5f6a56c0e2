from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hyperaudio import audio, backend, pipeline
from hyperaudio.backend import SPEECH_RATE, Backend, Chosen, Line, Take
from hyperaudio.dsp import lag
from hyperaudio.errors import BackendError
from hyperaudio.events import Event
from hyperaudio.files import read_json, write_json
from hyperaudio.job import Job, Target
from hyperaudio.settings import Runtime, resolve
from hyperaudio.stage import Context
from hyperaudio.stages import synthesize
from hyperaudio.stages.diarize import Segments
from hyperaudio.stages.preprocess import Programme
from hyperaudio.stages.synthesize import Settings
from hyperaudio.stages.takes import Takes
from hyperaudio.stages.transcribe import Transcript, toned, utterances
from hyperaudio.timeline import Segment, Word
from tests.conftest import Podcast


class Parrot:
    """Says each line in the original's own voice, late at the first attempts of some lines, and never "dumb"."""

    def __init__(self, late: dict[str, int]) -> None:
        self.figures: dict[str, float | str] = {}
        self.late = late
        self.lines: list[Line] = []

    def voice(self, *_: Any) -> Parrot:
        return self

    def take(self, line: Line) -> Take:
        self.lines.append(line)
        if line.text.startswith("dumb"):
            raise BackendError("no phonemes for it", "the original is kept there")
        late = line.attempt < self.late.get(line.text.split()[0], 0)
        delay = round((0.3 - 0.04 * line.attempt) * line.rate) if late else 0
        return Take(np.concatenate([np.zeros(delay, np.float32), line.original])[: len(line.original)], {})


def chosen(voice: Parrot) -> Chosen:
    module: Any = SimpleNamespace(__doc__="A parrot.", RANK=1, LANGUAGES=None, load=lambda *_: voice)
    return Chosen(Backend("speak", "parrot", module), Settings(), Runtime())


@pytest.fixture
def run(podcast: Podcast, models: Path, tmp_path: Path) -> Any:
    """Runs the stage over the guest's words with a voice; gives ``takes.json`` and the events."""
    rate, mono = audio.probe(podcast.mix).rate, audio.read_mono(podcast.stems["guest"])
    length = len(mono) / rate
    job = Job(tmp_path / "job")
    job.create(podcast.mix)
    for folder in ("preprocess", "separate", "diarize", "transcribe", "synthesize", "voices"):
        (job.path / folder).mkdir()
    audio.write(job.path / "separate/vocals.wav", mono, rate)
    speech = audio.read_mono(podcast.stems["guest"], SPEECH_RATE)
    audio.write(job.path / "separate/speech.wav", speech, SPEECH_RATE)
    clip = audio.read(podcast.reference)
    audio.write(job.path / "voices/voice.wav", clip, audio.probe(podcast.reference).rate)
    job.update(targets=(Target(speaker="guest", voice="voices/voice.wav", name="parrot.wav"),))
    known = Programme(
        rate=rate, channels=1, frames=len(mono), container="WAV", codec="PCM_16", bit_rate=None, tags={},
        integrated_lufs=-20.0, range_lu=3.0, true_peak_dbtp=-1.0, analysis_gain_db=0.0,
    )  # fmt: skip
    write_json(job.path / "preprocess/loudness.json", known)

    def once(voice: Parrot, settings: Settings, words: list[Word]) -> tuple[Takes, list[Event]]:
        said = utterances(words, 0.7, 15.0)
        transcript = Transcript(language="en", language_probability=1, utterances=tuple(toned(said, speech)))
        write_json(job.path / "transcribe/transcript.json", transcript)
        segments = tuple(Segment(start=u.start, end=min(u.end, length), speaker="guest") for u in said)
        write_json(job.path / "diarize/segments.json", Segments(segments=segments))
        embedder = backend.choose("embed", "auto", resolve(pipeline.schema()), Runtime(models=models, threads=1))
        events: list[Event] = []
        backends = {settings.method: chosen(voice), "embed": embedder}
        folder = job.path / "synthesize"
        synthesize.run(Context(job, "synthesize", folder, settings, backends, Runtime(), events.append))
        return read_json(folder / "takes.json", Takes), events

    return once


def words_of(podcast: Podcast) -> list[Word]:
    rows = [row for s in podcast.truth["segments"] if s["speaker"] == "guest" for row in s["words"]]
    return [Word(start=a, end=b, text=text, speaker="guest") for text, a, b in rows]


SPEAK = Settings(method="speak")


def test_a_line_that_falls_short_is_done_again_and_the_others_are_recorded(run: Any, podcast: Podcast) -> None:
    words = words_of(podcast)
    takes, events = run(Parrot({words[0].text: 1}), SPEAK, words)
    first, *rest = takes.takes
    assert first.chosen == 1
    assert [bool(attempt.failed) for attempt in first.attempts] == [True, False]
    assert float(first.attempts[0].figures["onset_p95_s"]) > 0.2 > float(first.figures["onset_p95_s"])
    assert all(take.chosen == 0 and len(take.attempts) == 1 for take in rest)
    assert sum("take 2 kept, as words start" in event.message for event in events) == 1
    assert not [event for event in events if event.kind == "warning" and "falls short" in event.message]


def test_the_best_is_kept_and_said_where_none_passes(run: Any, podcast: Podcast) -> None:
    words = words_of(podcast)
    takes, events = run(Parrot({words[0].text: 9}), Settings(method="speak", takes=2), words)
    first = takes.takes[0]
    assert len(first.attempts) == 2
    assert first.chosen == 1  # 40 ms less late
    assert sum("the best of 2 takes falls short" in event.message for event in events) == 1


def test_a_line_that_cannot_be_said_is_kept_and_the_rest_is_done(run: Any, podcast: Podcast) -> None:
    words = words_of(podcast)
    words[0] = words[0].model_copy(update={"text": "dumb"})
    words = [*words[:3], *(word for word in words[3:] if word.start > words[2].end + 1.2)]
    takes, _ = run(Parrot({}), SPEAK, words)
    assert [stretch.reason for stretch in takes.kept if stretch.start < 1 + words[2].end] == ["no phonemes for it"]
    assert [take.number for take in takes.takes] == list(range(2, len(takes.takes) + 2))


def test_silence_is_kept_whatever_the_transcript_says(run: Any, podcast: Podcast) -> None:
    words = words_of(podcast)
    assert words[0].start > 2  # the guest's own track holds nothing before
    voice = Parrot({})
    takes, _ = run(voice, SPEAK, [Word(start=0.5, end=1.0, text="nothing", speaker="guest"), *words])
    assert [(k.start, k.reason) for k in takes.kept if "silent" in k.reason] == [(0.35, "the voices are silent there")]
    assert "nothing" not in " ".join(line.text for line in voice.lines)


def test_filled_pauses_stay_unless_asked_for(run: Any, podcast: Podcast) -> None:
    words = words_of(podcast)
    words[1] = words[1].model_copy(update={"text": "um,"})
    voice = Parrot({})
    takes, _ = run(voice, SPEAK, words)
    assert "um," not in " ".join(take.text for take in takes.takes).split()
    stays = [stretch for stretch in takes.kept if stretch.reason == "a filled pause: um,"]
    assert [(stretch.start, stretch.end) for stretch in stays] == [(words[1].start, words[1].end)]
    takes, _ = run(voice, Settings(method="speak", fillers=True, prosody=0.5), words)
    assert "um," in " ".join(take.text for take in takes.takes).split()
    assert [line.prosody for line in voice.lines[-len(takes.takes) :]] == [0.5] * len(takes.takes)
    assert takes.prosody == 0.5


def test_a_conversion_has_the_originals_performance_whatever_prosody_asks(run: Any, podcast: Podcast) -> None:
    takes, _ = run(Parrot({}), Settings(method="convert", prosody=0.0), words_of(podcast)[:6])
    assert takes.takes and takes.prosody == 1.0


def test_a_transcriber_is_wanted_only_where_words_may_be_said_again() -> None:
    assert "transcribe" in synthesize.backends(SPEAK)
    assert "transcribe" not in synthesize.backends(Settings(method="speak", takes=1))
    assert "transcribe" not in synthesize.backends(Settings(method="convert"))


@pytest.mark.parametrize("ms", [-80, 0, 3, 61])
def test_a_converters_delay_is_taken_out_to_the_sample(podcast: Podcast, ms: int) -> None:
    """Whatever it is, and although the voice sounds another."""
    rate, original = audio.probe(podcast.mix).rate, audio.read_mono(podcast.stems["guest"])
    original = original[np.flatnonzero(original)[0] :][: 3 * rate]
    line = Line("", (), "xx", original, rate)
    late = lag.shifted(np.convolve(original, [0.5, 0.5])[: len(original)].astype(np.float32), -ms * rate // 1000)
    take = synthesize.prompt(Take(late, {}), line)
    assert take.figures["converter_lag_ms"] == pytest.approx(ms, abs=0.05)
    assert abs(lag.lag(take.samples, original, rate)) <= 1
    assert len(take.samples) == len(original)
