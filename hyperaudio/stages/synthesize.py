"""synthesize: the new voice for each line of a target, on the original's timing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import Field

from hyperaudio import audio
from hyperaudio.backend import SPEECH_RATE, Chosen, Embedder, Line, Reference, Samples, Synthesizer, Take, Task, Voice
from hyperaudio.dsp import lag
from hyperaudio.editing import planning
from hyperaudio.editing.planning import Method, Part
from hyperaudio.errors import BackendError, InputError, JobError, MissingError
from hyperaudio.events import Progress
from hyperaudio.files import sha256
from hyperaudio.job import Job, Target
from hyperaudio.measures.candidates import Candidate, Judge, Limits, Try, best, spread
from hyperaudio.reference import judge
from hyperaudio.settings import Section
from hyperaudio.stage import Context, Stage, Wish
from hyperaudio.stages.diarize import Segments, sample
from hyperaudio.stages.preprocess import Programme
from hyperaudio.stages.takes import Attempt, Choice, Kept, TakeRecord, Takes
from hyperaudio.stages.transcribe import Transcript, attributed
from hyperaudio.timeline import Segment, frames

OWN_SAMPLE = 30.0
"""Seconds of the target's own voice that a synthesizer gets to know."""

MOST_LAG = 0.1
"""Seconds that a converter may come late or early."""
STRANGER = 0.15
"""Cosine under which a chosen voice is hardly nearer than a stranger: WeSpeaker gives two people 0.05 on average."""


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
    prosody: float = Field(default=1.0, ge=0, le=1)
    """How much of the original's melody and energy speak takes over: 0 none, 1 all; words keep their places."""
    fillers: bool = False
    """Speak filled pauses (um, uh) in the new voice too; by default speak leaves them as they were."""
    takes: int = Field(default=3, ge=1, le=10)
    """Tries that a line gets while its take falls short; the best is kept. 1 keeps the first, whatever it is like."""
    take_timing_ms: float = Field(default=120.0, gt=0)
    """A take falls short where its words start (95th percentile) or it ends further off than this, in ms."""
    take_word_errors: float = Field(default=0.25, ge=0)
    """A take falls short where a transcriber mishears more than this share of its words, and more than one."""
    take_likeness: float = Field(default=0.4, ge=-1, lt=1)
    """A take falls short where it is less like the voice's other takes than this (cosine); from 1.5 s on."""

    @property
    def limits(self) -> Limits:
        return Limits(self.take_timing_ms / 1000, self.take_word_errors, self.take_likeness)


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of the recording; ``speech`` is ``(frames,)`` at 16 kHz."""

    programme: Programme
    transcript: Transcript
    segments: Sequence[Segment]
    speech: Samples


def run(context: Context) -> None:
    targets = context.job.request.targets
    if not targets:
        raise JobError("no replacement was asked for", "name one with --speaker LABEL --voice REF.wav")
    transcript = context.read("transcribe/transcript.json", Transcript)
    heard = Heard(
        context.read("preprocess/loudness.json", Programme),
        transcript,
        attributed(context.read("diarize/segments.json", Segments).segments, transcript.utterances),
        audio.read(context.path("separate/speech.wav"))[0],
    )
    embedder: Embedder = context.backends["embed"].load()
    transcriber = context.backends["transcribe"].load() if "transcribe" in context.backends else None
    choices: list[Choice] = []
    takes: list[TakeRecord] = []
    kept: list[Kept] = []
    first = 1
    for index, target in enumerate(targets):
        low, high = index / len(targets), (index + 1) / len(targets)
        middle = low + 0.3 * (high - low)
        voice, choice = _cast(context, target, heard, embedder, context.between(low, middle))
        parts = _parts(choice.method, target.speaker, heard, context.settings.fillers)
        if choice.method == "speak":
            kept += _unspoken(target.speaker, heard, context.settings.fillers)
        listener = Judge(context.settings.limits, transcriber if choice.method == "speak" else None, embedder)
        chosen: list[Candidate] = []
        for number, tried in _tried(context, voice, choice.method, parts, heard, listener):
            result = _recorded(context, choice, parts[number], first + number, tried, heard.programme)
            if isinstance(result, TakeRecord):
                takes.append(result)
                chosen.append(replace(tried[0], take=None))  # the samples of an hour's takes are too many to keep
            else:
                kept.append(result)
            context.progress(middle + (high - middle) * len(chosen) / len(parts))
        first += len(parts)
        if likeness := spread(chosen):
            alike = {"take_deviation": round(likeness.deviation, 3), "take_least": round(likeness.least, 3)}
            choice = choice.model_copy(update={"figures": {**choice.figures, **alike}})
        choices.append(choice)
    context.write(
        "takes.json",
        Takes(
            choices=tuple(choices),
            takes=tuple(sorted(takes, key=lambda take: take.number)),
            kept=tuple(sorted(kept, key=lambda stretch: (stretch.start, stretch.end))),
            # A conversion has the original's performance whole.
            prosody=context.settings.prosody if any(choice.method == "speak" for choice in choices) else 1.0,
        ),
    )


def _cast(
    context: Context, target: Target, heard: Heard, embedder: Embedder, progress: Progress
) -> tuple[Voice, Choice]:
    """The voice for a target, and how it was chosen."""
    judged = judge(context.job.path / target.voice, target.name, embedder)
    for warning in judged.warnings:
        context.warn(warning)
    method, chosen = choose_method(context, heard.transcript.language)
    own = Reference(sample(heard.speech, heard.segments, target.speaker, OWN_SAMPLE), SPEECH_RATE)
    synthesizer: Synthesizer = chosen.load()
    voice = synthesizer.voice(judged.reference, own, embedder, progress)
    likeness = voice.figures.get("similarity")
    if isinstance(likeness, float) and likeness < STRANGER:
        context.warn(f"no voice is near {target.name}: the nearest is no more like it than a stranger ({likeness:.2f})")
    return voice, Choice(
        speaker=target.speaker,
        voice=target.voice,
        method=method,
        backend=chosen.backend.name,
        reference_seconds=round(judged.seconds, 2),
        warnings=judged.warnings,
        figures=voice.figures,
    )


def _parts(method: Method, speaker: str, heard: Heard, fillers: bool) -> list[Part]:
    spoken, length = heard.transcript.utterances, heard.programme.seconds
    if method == "convert":
        return planning.sounds(speaker, spoken, heard.segments, length)
    return planning.lines(speaker, spoken, heard.segments, heard.transcript.language, fillers, length)


def _unspoken(speaker: str, heard: Heard, fillers: bool) -> list[Kept]:
    spoken = heard.transcript
    left = planning.unspoken(speaker, spoken.utterances, heard.segments, heard.speech, spoken.language, fillers)
    return [Kept(speaker=speaker, start=start, end=end, reason=reason) for start, end, reason in left]


def _tried(
    context: Context, voice: Voice, method: Method, parts: Sequence[Part], heard: Heard, listener: Judge
) -> Iterator[tuple[int, list[Candidate]]]:
    """Each part's index and candidates, the best first."""
    settings: Settings = context.settings
    language, rate = heard.transcript.language, heard.programme.rate

    def say(index: int, attempt: int) -> Try:
        part = parts[index]
        start, stop = frames(part.start, rate), frames(part.end, rate)
        original = audio.read_mono(context.path("separate/vocals.wav"), start=start, stop=stop)
        line = Line(part.text, part.since(start / rate), language, original, rate, settings.prosody, attempt)
        if not original.any():
            return Try(
                index, line, BackendError("the voices are silent there", "check the segments and the transcript")
            )
        try:
            take = voice.take(line)
            return Try(index, line, prompt(take, line) if method == "convert" else take)
        except BackendError as error:
            return Try(index, line, error)

    return best([part.end - part.start for part in parts], say, listener, settings.takes)


def prompt(take: Take, line: Line) -> Take:
    """A converted take without the converter's delay, whatever that is: zero lag against its line."""
    late = lag.lag(take.samples, line.original, line.rate, MOST_LAG)
    return replace(
        take,
        samples=lag.shifted(take.samples, late),
        figures={**take.figures, "converter_lag_ms": round(1000 * late / line.rate, 2)},
    )


def _recorded(
    context: Context, choice: Choice, part: Part, number: int, tried: Sequence[Candidate], programme: Programme
) -> TakeRecord | Kept:
    """The best candidate written down with the others; what is kept where none can be used."""
    chosen = tried[0]
    why = "; ".join(chosen.failed)
    if chosen.take is None:
        context.warn(f"{part.start:.2f} s: kept as it is: {why}")
        return Kept(speaker=choice.speaker, start=part.start, end=part.end, reason=why)
    if why:
        of = f"the best of {len(tried)} takes" if len(tried) > 1 else "the take"
        context.warn(f"{part.start:.2f} s: {of} falls short: {why}")
    elif len(tried) > 1:
        context.note(f"{part.start:.2f} s: take {chosen.attempt + 1} kept, as {'; '.join(tried[1].failed)}")
    name = f"{number:04d}.wav"
    audio.write(context.folder / name, chosen.take.samples, programme.rate)
    return TakeRecord(
        number=number,
        speaker=choice.speaker,
        method=choice.method,
        file=name,
        start_frame=frames(part.start, programme.rate),
        frames=len(chosen.take.samples),
        phrases=part.phrases,
        text=part.text,
        figures=chosen.figures,
        notes=chosen.take.notes,
        chosen=chosen.attempt,
        attempts=tuple(
            Attempt(number=one.attempt, figures=one.figures, failed=one.failed)
            for one in sorted(tried, key=lambda one: one.attempt)
        ),
    )


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


def methods(settings: Settings) -> tuple[Method, ...]:
    return ("speak", "convert") if settings.method == "auto" else (settings.method,)


def backends(settings: Settings) -> dict[Task, Wish]:
    names: dict[Method, str] = {"speak": settings.speak, "convert": settings.convert}
    needed = settings.method != "auto"
    wishes: dict[Task, Wish] = {m: Wish(names[m], needed) for m in methods(settings)}
    if "speak" in wishes and settings.takes > 1:
        wishes["transcribe"] = Wish("auto", needed=False)
    return {"embed": Wish(settings.embedder), **wishes}


def request(job: Job) -> dict[str, Any]:
    for target in job.request.targets:
        if not (job.path / target.voice).is_file():
            raise JobError(f"the reference {target.name} is gone from {job.path}", "name it again with --voice")
    return {"targets": [{"speaker": t.speaker, "voice": sha256(job.path / t.voice)} for t in job.request.targets]}


STAGE = Stage(
    name="synthesize",
    summary="Make the new voice for each line of the target.",
    settings=Settings,
    revision=2,
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
