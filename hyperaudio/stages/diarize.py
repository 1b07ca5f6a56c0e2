"""diarize: who speaks when, and what each of them sounds like to an embedder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from hyperaudio import audio
from hyperaudio.backend import SPEECH_RATE, Diarizer, Embedder, Samples, SpeakerBounds, Task
from hyperaudio.errors import InputError
from hyperaudio.files import write_text
from hyperaudio.job import Document
from hyperaudio.settings import Section
from hyperaudio.stage import Context, Stage, Wish
from hyperaudio.timeline import Segment, alone, frames

SAMPLE = 60.0
"""Seconds of a speaker's speech that are embedded; more does not move the embedding."""


class Settings(Section):
    backend: str = "auto"
    """Diarizer: auto or pyannote."""
    embedder: str = "auto"
    """What describes each voice, and finds a speaker by a clip: auto, wespeaker, campplus or ge2e."""
    num_speakers: int | None = Field(default=None, ge=1)
    """Exact number of speakers, where it is known."""
    min_speakers: int | None = Field(default=None, ge=1)
    """Least number of speakers."""
    max_speakers: int | None = Field(default=None, ge=1)
    """Largest number of speakers."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        least, most = self.min_speakers or 1, self.max_speakers or 10**9
        if least > most or (self.num_speakers is not None and not least <= self.num_speakers <= most):
            raise ValueError("min_speakers <= num_speakers <= max_speakers does not hold")
        return self


class Segments(Document):
    """``segments.json``: turns of all speakers by start, overlaps kept as overlaps."""

    segments: tuple[Segment, ...]


class SpeakerVoice(BaseModel):
    """One speaker of ``speakers.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    talk_seconds: float
    embedding: tuple[float, ...]


class Speakers(Document):
    """``speakers.json``: who is in it, in order of first appearance."""

    embedder: str
    speakers: tuple[SpeakerVoice, ...]


def run(context: Context) -> None:
    settings: Settings = context.settings
    speech = audio.read(context.path("separate/speech.wav"))[0]
    diarizer: Diarizer = context.backends["diarize"].load()
    bounds = SpeakerBounds(settings.num_speakers, settings.min_speakers, settings.max_speakers)
    found = diarizer.diarize(speech, bounds, context.between(0.0, 0.9))
    if not found.segments:
        raise InputError(
            f"no speech in {context.job.request.source.path}", "check that it is the right recording, or its level"
        )
    segments = relabelled(found.segments)
    embedder: Embedder = context.backends["embed"].load()
    labels = list(dict.fromkeys(segment.speaker for segment in segments))
    context.write("segments.json", Segments(segments=tuple(segments)))
    write_text(context.folder / "segments.rttm", rttm(segments, "recording"))
    context.write(
        "speakers.json",
        Speakers(
            embedder=context.backends["embed"].backend.name,
            speakers=tuple(
                SpeakerVoice(
                    label=label,
                    talk_seconds=round(sum(s.duration for s in segments if s.speaker == label), 3),
                    embedding=tuple(round(float(x), 6) for x in embedder.embed(sample(speech, segments, label))),
                )
                for label in labels
            ),
        ),
    )


def relabelled(segments: Iterable[Segment]) -> list[Segment]:
    """Segments by start, labelled SPEAKER_00, SPEAKER_01 ... in order of first appearance, times to the ms."""
    ordered = sorted(segments, key=lambda segment: (segment.start, segment.end, segment.speaker))
    names: dict[str, str] = {}
    for segment in ordered:
        names.setdefault(segment.speaker, f"SPEAKER_{len(names):02d}")
    return [
        Segment(
            start=round(segment.start, 3),
            end=round(segment.end, 3),
            speaker=names[segment.speaker],
            confidence=round(segment.confidence, 3),
        )
        for segment in ordered
    ]


def sample(speech: Samples, segments: Sequence[Segment], speaker: str, seconds: float = SAMPLE) -> Samples:
    """Up to ``seconds`` of a speaker, ``(frames,)``: the longest stretches without anybody else first.

    Where the speaker is never alone, the overlapped stretches have to do.
    """
    spans = alone(segments, speaker) or [(s.start, s.end) for s in segments if s.speaker == speaker]
    taken: list[tuple[float, float]] = []
    left = seconds
    for start, end in sorted(spans, key=lambda span: span[0] - span[1]):
        if left <= 0:
            break
        taken.append((start, min(end, start + left)))
        left -= end - start
    parts = [speech[frames(start, SPEECH_RATE) : frames(end, SPEECH_RATE)] for start, end in sorted(taken)]
    return np.concatenate(parts) if parts else speech[:0]


def rttm(segments: Iterable[Segment], name: str) -> str:
    """Rich Transcription Time Marked lines, as dscore and pyannote read them; the confidence stands in column 9."""
    return "".join(
        f"SPEAKER {name} 1 {s.start:.3f} {s.duration:.3f} <NA> <NA> {s.speaker} {s.confidence:.3f} <NA>\n"
        for s in segments
    )


def backends(settings: Settings) -> dict[Task, Wish]:
    return {"diarize": Wish(settings.backend), "embed": Wish(settings.embedder)}


STAGE = Stage(
    name="diarize",
    summary="Find who speaks when.",
    settings=Settings,
    revision=1,
    reads=("separate/speech.wav",),
    run=run,
    backends=backends,
)
