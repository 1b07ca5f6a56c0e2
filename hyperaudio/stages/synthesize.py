"""synthesize: the new voice for each line of a target, on the original's timing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field

from hyperaudio import audio, backend
from hyperaudio.backend import SPEECH_RATE, Chosen, Embedder, Line, Reference, Samples, Synthesizer, Task
from hyperaudio.errors import BackendError, InputError, JobError, MissingError
from hyperaudio.files import sha256
from hyperaudio.job import Document, Job, Record
from hyperaudio.reference import judge
from hyperaudio.settings import Section
from hyperaudio.stage import Context, Stage, Wish
from hyperaudio.stages.diarize import Segments, sample
from hyperaudio.stages.preprocess import Programme
from hyperaudio.stages.transcribe import Transcript, attributed
from hyperaudio.timeline import Segment, Utterance, Word, frames, merge

LEAD, TRAIL = 0.15, 0.25
"""Seconds a line reaches beyond its first and last word, where its neighbours leave room."""
PHRASE_GAP = 0.3
"""Pauses longer than this many seconds inside a line stay the original's, breaths included."""
OWN_SAMPLE = 30.0
"""Seconds of the target's own voice that a synthesizer gets to know."""

STRANGER = 0.15
"""Cosine under which a chosen voice is hardly nearer than a stranger: WeSpeaker gives two people 0.05 on average."""

Method = Literal["speak", "convert"]


class Settings(Section):
    method: Literal["auto", "convert", "speak"] = "auto"
    """speak says the words again in the new voice; convert changes the timbre of the original; auto takes the better
    of those present."""
    speak: str = "auto"
    """Text-to-speech backend: auto or kokoro."""
    convert: str = "auto"
    """Voice conversion backend: auto or world."""
    embedder: str = "auto"
    """What compares voices when the nearest one is chosen: auto, wespeaker, campplus or ge2e."""


class Choice(Record):
    """How one target was done."""

    speaker: str
    voice: str
    method: Method
    backend: str
    reference_seconds: float
    warnings: tuple[str, ...]
    figures: dict[str, float | str]


class TakeRecord(Record):
    """One line in the new voice: ``file`` holds mono samples from ``start_frame`` on, at the recording's rate."""

    number: int
    speaker: str
    method: Method
    file: str
    start_frame: int = Field(ge=0)
    frames: int = Field(ge=0)
    phrases: tuple[tuple[float, float], ...]
    """Spans in seconds that the take stands for."""
    text: str
    figures: dict[str, float | str]
    notes: tuple[str, ...]


class Kept(Record):
    """A stretch of the target that stays as it was, and why."""

    speaker: str
    start: float
    end: float
    reason: str


class Takes(Document):
    """``takes.json``."""

    choices: tuple[Choice, ...]
    takes: tuple[TakeRecord, ...]
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the recording to be done anew, in seconds."""

    start: float
    end: float
    phrases: tuple[tuple[float, float], ...]
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


def run(context: Context) -> None:
    targets = context.job.request.targets
    if not targets:
        raise JobError("no replacement was asked for", "name one with --speaker LABEL --voice REF.wav")
    programme = context.read("preprocess/loudness.json", Programme)
    transcript = context.read("transcribe/transcript.json", Transcript)
    segments = attributed(context.read("diarize/segments.json", Segments).segments, transcript.utterances)
    embedder: Embedder = context.backends["embed"].load()
    speech = audio.read(context.path("separate/speech.wav"))[0]
    choices: list[Choice] = []
    takes: list[TakeRecord] = []
    kept: list[Kept] = []
    for index, target in enumerate(targets):
        low, high = index / len(targets), (index + 1) / len(targets)
        judged = judge(context.job.path / target.voice, target.name, embedder)
        for warning in judged.warnings:
            context.warn(warning)
        method, chosen = choose_method(context, transcript.language)
        own = Reference(sample(speech, segments, target.speaker, OWN_SAMPLE), SPEECH_RATE)
        synthesizer: Synthesizer = chosen.load()
        voice = synthesizer.voice(judged.reference, own, embedder, context.between(low, low + 0.3 * (high - low)))
        likeness = voice.figures.get("similarity")
        if isinstance(likeness, float) and likeness < STRANGER:
            context.warn(
                f"no voice is near {target.name}: the nearest is no more like it than a stranger ({likeness:.2f})"
            )
        choices.append(
            Choice(
                speaker=target.speaker,
                voice=target.voice,
                method=method,
                backend=chosen.backend.name,
                reference_seconds=round(judged.seconds, 2),
                warnings=judged.warnings,
                figures=voice.figures,
            )
        )
        parts = plan(method, target.speaker, transcript.utterances, segments, programme.seconds)
        kept += unspoken(method, target.speaker, parts, segments)
        for done, part in enumerate(parts):
            try:
                take = _take(context, voice, part, transcript.language, programme)
            except BackendError as error:
                context.warn(f"{part.start:.2f} s: kept as it is: {error.message}")
                kept.append(Kept(speaker=target.speaker, start=part.start, end=part.end, reason=error.message))
                continue
            number = len(takes) + 1
            name = f"{number:04d}.wav"
            audio.write(context.folder / name, take.samples, programme.rate)
            takes.append(
                TakeRecord(
                    number=number,
                    speaker=target.speaker,
                    method=method,
                    file=name,
                    start_frame=frames(part.start, programme.rate),
                    frames=len(take.samples),
                    phrases=part.phrases,
                    text=part.text,
                    figures=take.figures,
                    notes=take.notes,
                )
            )
            context.progress(low + (high - low) * (0.3 + 0.7 * (done + 1) / len(parts)))
    context.write("takes.json", Takes(choices=tuple(choices), takes=tuple(takes), kept=tuple(kept)))


def _take(context: Context, voice: backend.Voice, part: Part, language: str, programme: Programme) -> backend.Take:
    start, stop = frames(part.start, programme.rate), frames(part.end, programme.rate)
    original: Samples = audio.read_mono(context.path("separate/vocals.wav"), start=start, stop=stop)
    offset = start / programme.rate
    words = [
        word.model_copy(update={"start": max(0.0, word.start - offset), "end": max(0.0, word.end - offset)})
        for word in part.words
    ]
    take = voice.take(Line(part.text, words, language, original, programme.rate))
    if take.samples.shape != original.shape or not np.isfinite(take.samples).all():
        raise BackendError(f"the take has the shape {take.samples.shape} for {original.shape}, or no finite samples")
    return take


def choose_method(context: Context, language: str) -> tuple[Method, Chosen]:
    """The method and its backend; for auto the highest rank that is present and speaks the language.

    Raises:
        InputError: the method asked for does not speak the language.
        MissingError: nothing is present.
    """
    settings: Settings = context.settings
    options: list[tuple[Method, Chosen]] = [
        (method, context.backends[method]) for method in methods(settings) if method in context.backends
    ]
    fits = [
        option
        for option in sorted(options, key=lambda option: -option[1].backend.rank)
        if (known := option[1].backend.languages) is None or language in known
    ]
    if not fits:
        if options:
            names = ", ".join(chosen.backend.name for _, chosen in options)
            raise InputError(f"{names} does not speak the recording's language ({language})", "use --method convert")
        raise MissingError("no way to make the new voice is installed", "hyperaudio models pull starter")
    method, chosen = fits[0]
    tell = context.warn if method == "convert" and settings.method == "auto" else context.note
    tell(f"method {method} by {chosen.backend.name}: {chosen.backend.summary}")
    return method, chosen


def plan(
    method: Method, speaker: str, utterances: Sequence[Utterance], segments: Sequence[Segment], length: float
) -> list[Part]:
    """The stretches to be done for a speaker, ascending and apart from each other."""
    own = [utterance for utterance in utterances if utterance.speaker == speaker and utterance.words]
    spans = [[(word.start, word.end) for word in utterance.words] for utterance in own]
    phrases = [merge(words, PHRASE_GAP) for words in spans]
    texts = [utterance.words for utterance in own]
    if method == "convert":  # all sounds the speaker makes, words or not
        sounds = [(s.start, s.end) for s in segments if s.speaker == speaker]
        covered = merge([*sounds, *(phrase for group in phrases for phrase in group)], PHRASE_GAP)
        phrases = [[span] for span in covered]
        every = [word for utterance in own for word in utterance.words]
        texts = [tuple(w for w in every if span[0] <= (w.start + w.end) / 2 < span[1]) for span in covered]
    parts: list[Part] = []
    for index, group in enumerate(phrases):
        if not group:
            continue
        before = phrases[index - 1][-1][1] if index else 0.0
        after = phrases[index + 1][0][0] if index + 1 < len(phrases) else length
        start = max(group[0][0] - LEAD, (before + group[0][0]) / 2 if index else 0.0, 0.0)
        end = min(group[-1][1] + TRAIL, (after + group[-1][1]) / 2 if index + 1 < len(phrases) else length)
        parts.append(Part(start, max(end, group[-1][1]), tuple(group), tuple(texts[index])))
    return parts


def unspoken(method: Method, speaker: str, parts: Sequence[Part], segments: Sequence[Segment]) -> list[Kept]:
    """Segments of the speaker without a word in them, which only ``convert`` can do."""
    if method == "convert":
        return []
    return [
        Kept(speaker=speaker, start=s.start, end=s.end, reason="no words: laughter, a breath or a filled pause")
        for s in segments
        if s.speaker == speaker and not any(a < s.end and b > s.start for part in parts for a, b in part.phrases)
    ]


def methods(settings: Settings) -> tuple[Method, ...]:
    return ("speak", "convert") if settings.method == "auto" else (settings.method,)


def backends(settings: Settings) -> dict[Task, Wish]:
    names: dict[Method, str] = {"speak": settings.speak, "convert": settings.convert}
    needed = settings.method != "auto"
    return {"embed": Wish(settings.embedder), **{m: Wish(names[m], needed) for m in methods(settings)}}


def request(job: Job) -> dict[str, Any]:
    for target in job.request.targets:
        if not (job.path / target.voice).is_file():
            raise JobError(f"the reference {target.name} is gone from {job.path}", "name it again with --voice")
    return {"targets": [{"speaker": t.speaker, "voice": sha256(job.path / t.voice)} for t in job.request.targets]}


STAGE = Stage(
    name="synthesize",
    summary="Make the new voice for each line of the target.",
    settings=Settings,
    revision=1,
    reads=(
        "preprocess/loudness.json",
        "separate/vocals.wav",
        "separate/speech.wav",
        "diarize/segments.json",
        "transcribe/transcript.json",
    ),
    run=run,
    backends=backends,
    request=request,
)
