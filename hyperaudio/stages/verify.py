"""verify: prove what was and what was not changed, in figures with thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from pydantic import Field

from hyperaudio import audio
from hyperaudio.backend import SPEECH_RATE, Embedder, Samples, Task, Transcriber
from hyperaudio.dsp import activity, joints
from hyperaudio.dsp.loudness import Meter, rms
from hyperaudio.dsp.matching import pairs
from hyperaudio.measures.figures import Figure, Quality, judged
from hyperaudio.settings import Section
from hyperaudio.stage import Context, Stage, Wish
from hyperaudio.stages.preprocess import Programme, analysis_copy
from hyperaudio.stages.reconstruct import Edit, Edits
from hyperaudio.stages.synthesize import Takes
from hyperaudio.stages.transcribe import Transcript, listen
from hyperaudio.timeline import Word, frames

SAMPLE = 60.0
"""Seconds of each voice that are compared."""
SHIFT, NOISE_DB = 0.13, -25.0
"""To see how far the aligner wanders by itself it hears the original again: later by these seconds (no multiple
of its 20 ms frames), under noise of this level relative to it. It wanders more when a voice's timbre changes."""
SAME_WORD = 0.5
"""Seconds apart up to which two equal words are taken for the same one."""


class Settings(Section):
    onset_median_ms: float = Field(default=50.0, gt=0)
    """Most that a word's start may deviate from the original's, median over the edited words, in ms."""
    onset_p95_ms: float = Field(default=400.0, gt=0)
    """The same for the 95th percentile, in ms; Whisper base wanders by up to 250 ms there with the timbre alone."""
    loudness_change_lu: float = Field(default=0.5, ge=0)
    """Most that the programme's integrated loudness may change, in LU."""
    joint: float = Field(default=2.0, gt=0)
    """Largest step at an edit's edge, as a multiple of the 99th percentile of the steps in the original."""
    likeness_margin: float = Field(default=0.0, ge=-2, le=2)
    """Least by which the new voice must be more like the reference than like the old voice (cosine)."""
    judge: str = "campplus"
    """Embedder that judges the likeness; it should not be the one that chose the voice."""
    transcriber: str = "auto"
    """Transcriber that finds the word starts again."""


def run(context: Context) -> None:
    programme = context.read("preprocess/loudness.json", Programme)
    edits = context.read("reconstruct/edits.json", Edits)
    figures = [*_samples(context, programme, edits)]
    context.progress(0.15)
    new = _voice(context, programme)
    figures += _timing(context, new, edits)
    context.progress(0.9)
    figures += _likeness(context, new, edits)
    passed = all(figure.passed is not False for figure in figures)
    context.write("quality.json", Quality(passed=passed, figures=tuple(figures)))


def _samples(context: Context, programme: Programme, edits: Edits) -> Iterator[Figure]:
    """What can be said of the samples alone, in one pass over both files."""
    settings: Settings = context.settings
    rate = programme.rate
    base, result = context.path("preprocess/audio.wav"), context.path("reconstruct/result.wav")
    before, after = Meter(rate, programme.channels), Meter(rate, programme.channels)
    largest, at = 0.0, 0
    natural: list[np.ndarray] = []
    touched: set[int] = set()
    for mix, new in zip(audio.blocks(base), audio.blocks(result), strict=False):
        count = min(mix.shape[1], new.shape[1])
        difference = np.abs(new[:, :count] - mix[:, :count]).max(axis=0)
        largest = max(largest, float(difference[outside(edits.edits, at, at + count)].max(initial=0.0)))
        touched |= {
            number
            for number, edit in enumerate(edits.edits)
            if difference[max(edit.start_frame - at, 0) : max(edit.end_frame - at, 0)].any()
        }
        before.add(mix)
        after.add(new)
        natural.append(joints.jumps(mix.mean(axis=0), rate))
        at += mix.shape[1]
    frames_now = audio.probe(result).frames
    yield judged("null test: largest difference outside the edits", largest, "", "<=", 0.0)
    yield judged("edits that changed nothing", len(edits.edits) - len(touched), "", "<=", 0.0)
    yield judged("samples more or fewer", abs(frames_now - programme.frames), "samples", "<=", 0.0)
    was, now = before.result(), after.result()
    if was.integrated is not None and now.integrated is not None:
        change = abs(now.integrated - was.integrated)
        note = f"{was.integrated:.2f} -> {now.integrated:.2f} LUFS"
        yield judged("integrated loudness change", change, "LU", "<=", settings.loudness_change_lu, note)
    if was.true_peak is not None and now.true_peak is not None:
        over = now.true_peak - was.true_peak
        yield judged("true peak above the source's", over, "dB", "<=", 0.05, f"{now.true_peak:.2f} dBTP")
    usual = float(np.percentile(np.concatenate(natural), 99)) if natural else 0.0
    worst, place = 0.0, 0.0
    for edit in edits.edits:
        for edge in (edit.start_frame, edit.end_frame):
            reach = frames(joints.WINDOW / 2, rate)
            around = audio.read(result, max(0, edge - reach), edge + reach).mean(axis=0)
            if (found := joints.jump(around)) > worst:
                worst, place = found, edge / rate
    if usual > 0:
        note = f"at {place:.2f} s; 1 is the original's 99th percentile"
        yield judged("worst joint", worst / usual, "x", "<=", settings.joint, note)


def outside(edits: Sequence[Edit], start: int, stop: int) -> np.ndarray:
    """Which of the frames ``start`` to ``stop`` lie outside every edit, ``(stop - start,)`` of bool."""
    free = np.ones(stop - start, bool)
    for edit in edits:
        free[max(edit.start_frame - start, 0) : max(edit.end_frame - start, 0)] = False
    return free


def _voice(context: Context, programme: Programme) -> Samples:
    """The voices of the result as the models hear them: ``(frames,)`` at 16 kHz, the background taken off."""
    pairs_ = zip(
        audio.blocks(context.path("reconstruct/result.wav")),
        audio.blocks(context.path("separate/background.wav")),
        strict=True,
    )
    voices = (result - rest for result, rest in pairs_)
    blocks = list(analysis_copy(voices, programme.rate, programme.analysis_gain_db))
    return np.concatenate(blocks, axis=1)[0]


def _timing(context: Context, new: Samples, edits: Edits) -> Iterator[Figure]:
    settings: Settings = context.settings
    if "transcribe" not in context.backends:
        yield Figure(name="word starts", value=None, note="no transcriber is present")
        return
    transcriber: Transcriber = context.backends["transcribe"].load()
    transcript = context.read("transcribe/transcript.json", Transcript)
    words = sorted((w for u in transcript.utterances for w in u.words), key=lambda word: word.start)
    original = audio.read(context.path("separate/speech.wav"))[0]
    heard = listen(transcriber, new, transcript.language, context.between(0.15, 0.5)).words
    again = listen(transcriber, _disturbed(original), transcript.language, context.between(0.5, 0.9)).words
    moved = [w.model_copy(update={"start": max(0.0, w.start - SHIFT), "end": max(0.0, w.end - SHIFT)}) for w in again]

    def edited(word: Word) -> bool:
        middle = (word.start + word.end) / 2
        return any(edit.start <= middle <= edit.end for edit in edits.edits)

    inside = [word for word in words if edited(word)]
    deviation = [1000 * abs(a.start - b.start) for a, b in pairs(words, heard, SAME_WORD) if edited(a)]
    noise = [1000 * abs(a.start - b.start) for a, b in pairs(words, moved, SAME_WORD) if edited(a)]
    if not deviation:
        yield Figure(name="word starts", value=None, note=f"none of {len(inside)} edited words was recognised again")
        return
    for name, percentile, limit in (
        ("word start deviation, median", 50, settings.onset_median_ms),
        ("word start deviation, 95th percentile", 95, settings.onset_p95_ms),
    ):
        note = f"{len(deviation)} of {len(inside)} edited words"
        if noise:
            note += f"; the aligner by itself {np.percentile(noise, percentile):.0f} ms"
        yield judged(name, float(np.percentile(deviation, percentile)), "ms", "<=", limit, note)


def _disturbed(speech: Samples) -> Samples:
    """The original a little later and under a little noise, the same at every call."""
    noise = np.random.default_rng(0).standard_normal(len(speech), np.float32)
    lead = np.zeros(frames(SHIFT, SPEECH_RATE), np.float32)
    return np.concatenate([lead, speech + np.float32(rms(speech) * 10 ** (NOISE_DB / 20)) * noise])


def _likeness(context: Context, new: Samples, edits: Edits) -> Iterator[Figure]:
    settings: Settings = context.settings
    if "embed" not in context.backends:
        yield Figure(name="likeness", value=None, note=f"the judge {settings.judge} is not present")
        return
    embedder: Embedder = context.backends["embed"].load()
    old = audio.read(context.path("separate/speech.wav"))[0]
    for choice in context.read("synthesize/takes.json", Takes).choices:
        mine = [edit for edit in edits.edits if edit.speaker == choice.speaker]
        if not mine:
            continue
        said, was = (embedder.embed(_cut(voice, mine)) for voice in (new, old))
        clip = audio.read_mono(context.job.path / choice.voice, SPEECH_RATE)
        spans = activity.detect([clip[None]]).speech
        parts = np.concatenate([clip[frames(a, SPEECH_RATE) : frames(b, SPEECH_RATE)] for a, b in spans] or [clip])
        wanted = embedder.embed(parts)
        halves = np.array_split(parts, 2)
        ceiling = float(embedder.embed(halves[0]) @ embedder.embed(halves[1]))
        to_new, to_old, before = float(said @ wanted), float(said @ was), float(was @ wanted)
        yield Figure(
            name="likeness to the reference",
            value=round(to_new, 4),
            speaker=choice.speaker,
            note=f"before {before:.2f}; the reference with itself {ceiling:.2f}; judge {settings.judge}",
        )
        yield Figure(name="likeness to the old voice", value=round(to_old, 4), speaker=choice.speaker)
        yield judged(
            "nearer to the reference than to the old voice",
            to_new - to_old,
            "",
            ">=",
            settings.likeness_margin,
            speaker=choice.speaker,
        )


def _cut(voice: Samples, edits: Sequence[Edit]) -> Samples:
    """The edited stretches of a 16 kHz voice, joined, up to a minute."""
    parts = [voice[frames(e.start, SPEECH_RATE) : frames(e.end, SPEECH_RATE)] for e in edits]
    return np.concatenate(parts)[: frames(SAMPLE, SPEECH_RATE)]


def backends(settings: Settings) -> dict[Task, Wish]:
    return {
        "transcribe": Wish(settings.transcriber, needed=False),
        "embed": Wish(settings.judge, needed=False),
    }


STAGE = Stage(
    name="verify",
    summary="Measure the result against the original.",
    settings=Settings,
    revision=1,
    reads=(
        "preprocess/audio.wav",
        "preprocess/loudness.json",
        "separate/background.wav",
        "separate/speech.wav",
        "transcribe/transcript.json",
        "synthesize/takes.json",
        "reconstruct/result.wav",
        "reconstruct/edits.json",
    ),
    run=run,
    backends=backends,
)
