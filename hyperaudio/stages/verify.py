"""verify: prove what was and what was not changed, in figures with thresholds."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hyperaudio.backend import Task
from hyperaudio.files import write_text
from hyperaudio.job import State
from hyperaudio.measures.figures import labels
from hyperaudio.measures.files import comparable
from hyperaudio.measures.limits import Limits
from hyperaudio.measures.pair import Format, Pair, Stretch
from hyperaudio.measures.table import measure
from hyperaudio.stage import Context, Stage, Wish
from hyperaudio.stages.diarize import Segments
from hyperaudio.stages.edits import Edits
from hyperaudio.stages.preprocess import Programme
from hyperaudio.stages.takes import Takes
from hyperaudio.stages.transcribe import Transcript, attributed


class Settings(Limits):
    judge: str = "campplus"
    """Embedder that judges the likeness; it should not be the one that chose the voice."""
    transcriber: str = "auto"
    """Transcriber that hears the words again."""


def run(context: Context) -> None:
    settings: Settings = context.settings
    language = context.read("transcribe/transcript.json", Transcript).language
    with TemporaryDirectory() as scratch:
        quality = measure(pair(context, Path(scratch)), settings, context.backends, language, context.progress)
    context.write("quality.json", quality)
    write_text(context.folder / "labels.txt", labels(quality))


def pair(context: Context, scratch: Path) -> Pair:
    """What a job knows of its result; one of another shape is brought to the original's in ``scratch``."""
    programme = context.read("preprocess/loudness.json", Programme)
    transcript = context.read("transcribe/transcript.json", Transcript)
    segments = context.read("diarize/segments.json", Segments).segments
    shape = Format(programme.rate, programme.channels, programme.frames)
    edits = context.read("reconstruct/edits.json", Edits)
    gain_db = edits.mastering_gain_db or 0.0
    result, now = comparable(context.path("reconstruct/result.wav"), shape, scratch)
    words = (
        word.model_copy(update={"speaker": utterance.speaker})
        for utterance in transcript.utterances
        for word in utterance.words
    )
    return Pair(
        original=context.path("preprocess/audio.wav"),
        result=result,
        voices=context.path("separate/vocals.wav"),
        was=shape,
        now=now,
        edits=tuple(Stretch(edit.start_frame, edit.end_frame, edit.speaker) for edit in edits.edits),
        edits_from=f"all of it was mastered by {gain_db:+.2f} dB" if gain_db else "",
        words=tuple(sorted(words, key=lambda word: (word.start, word.end))),
        turns=tuple(attributed(segments, transcript.utterances)),
        references={
            choice.speaker: context.job.path / choice.voice
            for choice in context.read("synthesize/takes.json", Takes).choices
        },
        gain_db=gain_db,
        # A transcript corrected by hand is no longer what the recogniser hears.
        known=context.job.status("transcribe", None).state is not State.EDITED,
    )


def backends(settings: Settings) -> dict[Task, Wish]:
    return {
        "transcribe": Wish(settings.transcriber, needed=False),
        "embed": Wish(settings.judge, needed=False),
    }


STAGE = Stage(
    name="verify",
    summary="Measure a result against its original.",
    settings=Settings,
    revision=3,
    reads=(
        "preprocess/audio.wav",
        "preprocess/loudness.json",
        "separate/vocals.wav",
        "diarize/segments.json",
        "transcribe/transcript.json",
        "synthesize/takes.json",
        "reconstruct/result.wav",
        "reconstruct/edits.json",
    ),
    run=run,
    backends=backends,
)
