"""Who is in a recording: a line for each speaker, a clip to listen to, and finding one by their voice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hyperaudio import audio, backend
from hyperaudio.backend import SPEECH_RATE, Embedder
from hyperaudio.dsp import activity, pitch
from hyperaudio.errors import InputError
from hyperaudio.files import read_json
from hyperaudio.job import Job
from hyperaudio.reference import SAME_PERSON, one_person
from hyperaudio.settings import Runtime, Settings
from hyperaudio.stages.diarize import Segments, Speakers, sample
from hyperaudio.stages.transcribe import Transcript
from hyperaudio.timeline import Utterance, frames, merge

CLIP = 10.0
"""Seconds of each speaker written to listen to."""
QUOTE = (5, 14)
"""Words a quote has at least and at most, where there is such an utterance."""
ALIKE = 0.4
"""Least cosine between a clip and a speaker: one person has 0.79 on average, two have 0.07 (WeSpeaker)."""
MARGIN = 0.15
"""Least lead of the best speaker over the next."""
SHORTEST_CLIP = 1.5
"""Seconds of speech under which an embedding is not to be trusted."""


@dataclass(frozen=True, slots=True)
class SpeakerSummary:
    """One speaker.

    Attributes:
        label: as in the transcript.
        talk_seconds: time talked, overlaps included.
        share: of all speakers' talk time, 0 to 1.
        words_per_minute: of talk time.
        median_pitch_hz: over voiced frames; ``None`` where none is voiced.
        quote: something they say.
        clip: a WAV to listen to.
    """

    label: str
    talk_seconds: float
    share: float
    words_per_minute: float
    median_pitch_hz: float | None
    quote: str
    clip: Path


def labels(job: Job) -> list[str]:
    """Labels in order of first appearance."""
    segments = read_json(job.path / "diarize/segments.json", Segments).segments
    return list(dict.fromkeys(segment.speaker for segment in segments))


def describe(job: Job) -> list[SpeakerSummary]:
    """Every speaker of a transcribed job; writes their clips into its ``speakers`` folder.

    Raises:
        JobError: the job is not transcribed yet.
    """
    segments = read_json(job.path / "diarize/segments.json", Segments).segments
    utterances = read_json(job.path / "transcribe/transcript.json", Transcript).utterances
    speech = audio.read(job.path / "separate/speech.wav")[0]
    talk = {
        label: sum(b - a for a, b in merge((s.start, s.end) for s in segments if s.speaker == label))
        for label in labels(job)
    }
    everything = sum(talk.values())
    folder = job.path / "speakers"
    folder.mkdir(exist_ok=True)
    found = []
    for label, seconds in talk.items():
        own = [utterance for utterance in utterances if utterance.speaker == label]
        clip = sample(speech, segments, label, CLIP)
        path = folder / f"{label}.wav"
        audio.write(path, clip, SPEECH_RATE, "PCM_16")
        hertz = pitch.median(pitch.contour(clip, SPEECH_RATE))
        found.append(
            SpeakerSummary(
                label=label,
                talk_seconds=round(seconds, 2),
                share=round(seconds / everything, 4) if everything else 0.0,
                words_per_minute=round(60 * sum(len(u.words) for u in own) / seconds, 1) if seconds else 0.0,
                median_pitch_hz=round(hertz, 1) if hertz else None,
                quote=_quote(own),
                clip=path,
            )
        )
    return found


def _quote(own: Sequence[Utterance]) -> str:
    if not own:
        return ""

    def worth(utterance: Utterance) -> tuple[bool, float]:
        fits = QUOTE[0] <= len(utterance.words) <= QUOTE[1]
        return fits, float(np.mean([word.confidence for word in utterance.words]))

    words = max(own, key=worth).text.split()
    return " ".join(words[: QUOTE[1]]) + (" ..." if len(words) > QUOTE[1] else "")


@dataclass(frozen=True, slots=True)
class Match:
    """A clip found among the speakers: the best label, its cosine, and the lead over the next best."""

    label: str
    likeness: float
    margin: float


def match(job: Job, clip: Path, settings: Settings, runtime: Runtime) -> Match:
    """The speaker whose voice a clip has.

    Raises:
        InputError: the clip is too short, or nobody, or more than one, is clearly alike.
    """
    known = read_json(job.path / "diarize/speakers.json", Speakers)
    heard = audio.read_mono(clip, SPEECH_RATE)
    spans = activity.detect([heard[None]]).speech
    if activity.total(spans) < SHORTEST_CLIP:
        raise InputError(
            f"{clip.name} has {activity.total(spans):.1f} s of speech",
            f"give a clip with at least {SHORTEST_CLIP} s of the person",
        )
    speech = np.concatenate([heard[frames(a, SPEECH_RATE) : frames(b, SPEECH_RATE)] for a, b in spans])
    embedder: Embedder = backend.choose("embed", known.embedder, settings, runtime).load()
    if (inner := one_person(speech, embedder)) < SAME_PERSON:
        raise InputError(
            f"{clip.name} seems to hold more than one speaker (likeness {inner:.2f})", "cut it to one person"
        )
    wanted = embedder.embed(speech)
    ranked = sorted(
        ((float(np.asarray(s.embedding, np.float32) @ wanted), s.label) for s in known.speakers), reverse=True
    )
    likeness, label = ranked[0]
    margin = likeness - ranked[1][0] if len(ranked) > 1 else likeness
    table = ", ".join(f"{name} {value:.2f}" for value, name in ranked)
    if likeness < ALIKE:
        raise InputError(
            f"nobody in the recording sounds like {clip.name} (likeness: {table})",
            f"name one by label, or give a better clip; {ALIKE} is needed",
        )
    if margin < MARGIN:
        raise InputError(
            f"{clip.name} is ambiguous (likeness: {table}; margin {margin:.2f}, {MARGIN} is needed)",
            "name the speaker by label",
        )
    return Match(label, round(likeness, 3), round(margin, 3))
