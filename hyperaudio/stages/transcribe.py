"""transcribe: what is said, when each word starts, and who says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import Field

from hyperaudio import audio, subtitles
from hyperaudio.backend import SPEECH_RATE, Task, Transcriber, Transcription
from hyperaudio.dsp import onsets, tone
from hyperaudio.dsp.tone import Tone
from hyperaudio.errors import InputError
from hyperaudio.events import Progress
from hyperaudio.files import write_text
from hyperaudio.job import Document
from hyperaudio.settings import Section
from hyperaudio.stage import Context, Stage, Wish
from hyperaudio.stages.diarize import Segments
from hyperaudio.timeline import Segment, Utterance, Word, intersect, merge, subtract

BRIDGE = 0.3
"""Seconds between two words given to a speaker by hand that are theirs too."""
EARLY = 0.1
"""Seconds that a word may start before its speaker's segment."""
SENTENCE_END = (".", "!", "?", "…")


class Settings(Section):
    backend: str = "auto"
    """Transcriber: auto or faster_whisper."""
    language: str | None = None
    """Language spoken (ISO 639-1, such as en); detected where it is not given."""
    pause: float = Field(default=0.7, gt=0)
    """A gap between two words longer than this many seconds ends an utterance."""
    longest: float = Field(default=15.0, gt=1)
    """Utterances longer than this many seconds are split, at a sentence's end or their longest gap."""


class Spoken(Utterance):
    """An utterance with what was measured of how it is said."""

    tone: Tone | None = None
    """As measured when the words were recognised; it may be left out by hand."""


class Transcript(Document):
    """``transcript.json``: made to be corrected by hand; words, labels and times may be changed."""

    language: str
    language_probability: float
    utterances: tuple[Spoken, ...]


def run(context: Context) -> None:
    settings: Settings = context.settings
    speech = audio.read(context.path("separate/speech.wav"))[0]
    segments = context.read("diarize/segments.json", Segments).segments
    transcriber: Transcriber = context.backends["transcribe"].load()
    heard = listen(transcriber, speech, settings.language, context.progress)
    if not heard.words:
        raise InputError(
            f"no words were recognised in {context.job.request.source.path}",
            "name the language with --language, or check that somebody speaks in it",
        )
    spoken = utterances(assigned(heard.words, segments), settings.pause, settings.longest)
    context.write(
        "transcript.json",
        Transcript(
            language=heard.language,
            language_probability=round(heard.language_probability, 3),
            utterances=tuple(toned(spoken, speech)),
        ),
    )
    write_text(context.folder / "transcript.txt", subtitles.plain(spoken))
    write_text(context.folder / "transcript.srt", subtitles.srt(spoken))
    write_text(context.folder / "transcript.vtt", subtitles.vtt(spoken))


def listen(transcriber: Transcriber, speech: audio.Samples, language: str | None, progress: Progress) -> Transcription:
    """Transcribe with word starts snapped to the sound; times to the ms."""
    heard = transcriber.transcribe(speech, language, progress)
    words = [word.model_copy(update={"start": round(word.start, 3), "end": round(word.end, 3)}) for word in heard.words]
    return Transcription(onsets.snap(words, speech, SPEECH_RATE), heard.language, heard.language_probability)


def toned(spoken: Iterable[Utterance], speech: audio.Samples) -> list[Spoken]:
    """Utterances with their tone, from ``speech`` ``(frames,)`` at 16 kHz."""
    return [
        Spoken(
            start=u.start,
            end=u.end,
            speaker=u.speaker,
            words=u.words,
            tone=tone.measure(speech[u.frames(SPEECH_RATE)], len(u.words)),
        )
        for u in spoken
    ]


def assigned(words: Iterable[Word], segments: Sequence[Segment]) -> list[Word]:
    """Each word with the speaker whose segments it overlaps most; the nearest one's where it overlaps none.

    A word that reaches back over somebody else's turn, or a pause, starts where its speaker does.
    """

    def speaker(word: Word) -> str:
        shared: dict[str, float] = {}
        for segment in segments:
            shared[segment.speaker] = shared.get(segment.speaker, 0.0) + segment.overlap(word)
        best = max(shared, key=lambda label: shared[label])
        if shared[best] > 0:
            return best
        return min(segments, key=lambda s: max(s.start - word.end, word.start - s.end)).speaker

    def start(word: Word, label: str) -> float:
        own = [s.start for s in segments if s.speaker == label and s.overlap(word) > 0]
        return max(word.start, round(min(own) - EARLY, 3)) if own else word.start

    labels = [(word, speaker(word)) for word in words]
    return [word.model_copy(update={"speaker": label, "start": start(word, label)}) for word, label in labels]


def attributed(segments: Sequence[Segment], spoken: Sequence[Utterance]) -> list[Segment]:
    """Segments as the transcript has them: who was given a word by hand has the time of that word too.

    A word that lies mostly outside its speaker's own segments takes its time from whoever had it.
    """
    own = {
        label: merge((s.start, s.end) for s in segments if s.speaker == label) for label in _labels(segments, spoken)
    }
    moved: dict[str, list[tuple[float, float]]] = {label: [] for label in own}
    for utterance in spoken:
        for word in utterance.words:
            span = [(word.start, word.end)]
            inside = sum(b - a for a, b in intersect(span, own[utterance.speaker]))
            if inside < word.duration / 2:
                moved[utterance.speaker] += span
    taken = {label: merge(spans, BRIDGE) for label, spans in moved.items()}
    if not any(taken.values()):
        return list(segments)
    found = []
    for label in own:
        lost = [span for other, spans in taken.items() if other != label for span in spans]
        for start, end in merge([*subtract(own[label], lost), *taken[label]]):
            found.append(Segment(start=start, end=end, speaker=label))
    return sorted(found, key=lambda segment: (segment.start, segment.end))


def _labels(segments: Sequence[Segment], spoken: Sequence[Utterance]) -> list[str]:
    return list(dict.fromkeys([*(s.speaker for s in segments), *(u.speaker for u in spoken)]))


def utterances(words: Sequence[Word], pause: float, longest: float) -> list[Utterance]:
    """Words of one speaker with no gap over ``pause`` seconds, none longer than ``longest`` where it can be split."""
    groups: list[list[Word]] = []
    for word in words:
        last = groups[-1][-1] if groups else None
        if last is None or last.speaker != word.speaker or word.start - last.end > pause:
            groups.append([])
        groups[-1].append(word)
    return [
        Utterance(
            start=part[0].start, end=max(w.end for w in part), speaker=part[0].speaker or "UNKNOWN", words=tuple(part)
        )
        for group in groups
        for part in _split(group, longest)
    ]


def _split(words: list[Word], longest: float) -> list[list[Word]]:
    if len(words) < 2 or words[-1].end - words[0].start <= longest:
        return [words]

    def worth(at: int) -> tuple[bool, float, float]:
        before, after = words[at - 1], words[at]
        middle = (words[0].start + words[-1].end) / 2
        return before.text.endswith(SENTENCE_END), after.start - before.end, -abs(after.start - middle)

    at = max(range(1, len(words)), key=worth)
    return _split(words[:at], longest) + _split(words[at:], longest)


def backends(settings: Settings) -> dict[Task, Wish]:
    return {"transcribe": Wish(settings.backend)}


STAGE = Stage(
    name="transcribe",
    summary="Write down what is said, word by word, with times and speakers.",
    settings=Settings,
    revision=2,
    reads=("separate/speech.wav", "diarize/segments.json"),
    run=run,
    backends=backends,
)
