"""reconstruct: the recording with the new voice in place of the old, and every other sample as it was.

``result = mix - removed * vocals + put * new`` within the edits; outside them the samples are copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import Field

from hyperaudio import audio
from hyperaudio.backend import Samples, Task
from hyperaudio.dsp import loudness
from hyperaudio.dsp.loudness import power_db
from hyperaudio.editing import mastering, room
from hyperaudio.editing.patches import patched
from hyperaudio.editing.placement import LEAST, Phrase, Span, place
from hyperaudio.editing.planning import Method
from hyperaudio.editing.rendering import Fitted, Rendered, Wishes, fit, render
from hyperaudio.settings import Section
from hyperaudio.stage import Context, Stage, Wish
from hyperaudio.stages import overlaps, sources
from hyperaudio.stages.diarize import Segments
from hyperaudio.stages.edits import Edit, Edits, Ringing
from hyperaudio.stages.preprocess import Programme
from hyperaudio.stages.sources import Blocked, Source
from hyperaudio.stages.takes import Kept, TakeRecord, Takes
from hyperaudio.stages.transcribe import Transcript, attributed
from hyperaudio.timeline import others, subtract

CEILING_DBTP = -1.0
"""True peak (EBU R 128 and streaming services) up to which the result may go where the recording stays under it."""
CEILING_MARGIN = 0.995
"""0.04 dB for the difference between two oversampling filters."""
SLACK: dict[Method, int] = {"speak": 1, "convert": 0}
"""Spectra of 16 ms by which words of a take may lie in the old voice's pauses; a conversion has its very timing."""
TAIL = 0.8
"""Seconds past a take that an edit may reach where the old voice rings on."""


class Settings(Section):
    fade: float = Field(default=0.02, ge=0.001, le=0.15)
    """Least length of the fade at each end of an edit, in seconds; at the end it lasts as long as both voices die away,
    up to 0.15."""
    match_level: bool = True
    """Bring each utterance to the loudness of the voice it replaces."""
    contour: float = Field(default=6.0, ge=0, le=20)
    """How far the slow ups and downs of the old voice's level are followed at most, in dB, where synthesize.prosody
    is 1; with less of it they are in proportion."""
    match_band: bool = True
    """Keep the new voice within the band in which the old one is heard: a telephone stays a telephone."""
    room_tone: bool = True
    """Give back the noise floor that goes with the old voice, where the new one lacks it."""
    reverberation: bool = True
    """Let the new voice ring in the old one's room, where that is heard to ring."""
    overlap_sdr: float = Field(default=12.0, ge=0)
    """The target is taken out of an overlap with another voice where that voice is expected to keep so many dB of
    SI-SDR, as measured on mixtures of both voices' own speech; else the original is kept. From 60 on always kept."""
    master_lufs: float | None = Field(default=None, ge=-40, le=-5)
    """Bring the whole result to this loudness by gain alone, true peaks at most -1 dBTP; it changes every sample."""


def run(context: Context) -> None:
    settings: Settings = context.settings
    programme = context.read("preprocess/loudness.json", Programme)
    takes = context.read("synthesize/takes.json", Takes)
    spoken = context.read("transcribe/transcript.json", Transcript)
    segments = attributed(context.read("diarize/segments.json", Segments).segments, spoken.utterances)
    decided = overlaps.decide(context, takes.takes, segments, spoken, programme.rate, settings.overlap_sdr)
    speakers = {take.speaker for take in takes.takes}
    blocked = {name: subtract(others(segments, name), decided.replaced.get(name, [])) for name in sorted(speakers)}
    source = Source(context, programme, takes.takes)
    placed, short = _placed(source, blocked)
    rooms = sources.rooms(source, blocked) if settings.reverberation else {}
    for speaker, found in rooms.items():
        context.note(f"{speaker} is heard in a room that rings for {np.median(found.seconds):.2f} s: given back")
    # Past the recording's own peaks only where those are under what broadcasters allow.
    ceiling = 10 ** (max(programme.true_peak_dbtp, CEILING_DBTP) / 20) * CEILING_MARGIN
    wishes = Wishes(
        fade=settings.fade,
        match_level=settings.match_level,
        contour_db=settings.contour * takes.prosody,
        match_band=settings.match_band,
        room_tone=settings.room_tone,
        ceiling=ceiling,
    )
    edits: list[Edit] = []
    lacking: dict[str, float] = {}

    def patches() -> Iterator[tuple[int, Samples]]:
        ready: dict[int, tuple[int, Fitted]] = {}
        for index, (take, span) in enumerate(placed):
            if take.number not in ready:
                spans = [other for owner, other in placed if owner.number == take.number]
                start, stop = source.window(take, spans)
                local = [(first - start, last - start) for first, last in spans]
                mix, vocals = (audio.read(path, start, stop) for path in (source.base, source.vocals))
                old = decided.old(take, vocals, start)
                around = rooms.get(take.speaker, room.NONE)
                voice, slack = source.new(take, start, stop), SLACK[take.method]
                fitted = fit(mix, old, voice, local, around, wishes, programme.rate, slack=slack)
                if settings.match_level:
                    fitted = decided.levelled(take, fitted, start, local)
                ready[take.number] = start, fitted
                if fitted.lacks_from is not None:
                    lacking[take.speaker] = min(fitted.lacks_from, lacking.get(take.speaker, np.inf))
            start, fitted = ready[take.number]
            done = render(fitted, (span[0] - start, span[1] - start), wishes, programme.rate, seed=index)
            edits.append(_edit(take, span, done, programme.rate))
            yield span[0], done.patch
            following = {owner.number for owner, _ in placed[index + 1 :]}
            ready = {number: pair for number, pair in ready.items() if number in following}
            context.progress(index / len(placed))

    result = context.folder / "result.wav"
    with audio.Writer(result, programme.rate, programme.channels) as writer:
        for block in patched(audio.blocks(source.base), patches()):
            writer.write(block)
    for speaker, hertz in lacking.items():
        context.note(
            f"{speaker}: the new voice has nothing from about {hertz / 1000:.0f} kHz on, where the old one had"
        )
    gain_db = None if settings.master_lufs is None else _mastered(context, result, settings.master_lufs)
    context.write(
        "edits.json",
        Edits(
            rate=programme.rate,
            frames=programme.frames,
            edits=tuple(edits),
            overlaps=decided.overlaps,
            kept=(*takes.kept, *short),
            rooms={
                speaker: Ringing(
                    seconds=tuple(round(float(time), 3) for time in found.seconds),
                    level_db=round(power_db(found.energy), 1),
                )
                for speaker, found in rooms.items()
            },
            mastering_gain_db=gain_db,
        ),
    )


def _placed(source: Source, blocked: Blocked) -> tuple[list[tuple[TakeRecord, Span]], list[Kept]]:
    """Where each take goes in, ascending whosever it is, and what is too short to be edited."""
    rate = source.programme.rate
    free = sorted(
        ((take, span) for take in source.takes for span in subtract(take.phrases, blocked[take.speaker])),
        key=lambda row: row[1],
    )
    phrases = []
    for take, (start, end) in free:
        walls = [edge for span in blocked[take.speaker] for edge in span]
        low = max([take.start_frame / rate, *(wall for wall in walls if wall <= start)])
        high = min([(take.start_frame + take.frames) / rate + TAIL, *(wall for wall in walls if wall >= end)])
        phrases.append(Phrase(start, end, low, high))
    spans = place(phrases, source.old, source.voices, rate, source.programme.seconds)
    reason = f"less than {LEAST:g} s is left of it between its neighbours"
    placed = [(take, span) for (take, _), span in zip(free, spans, strict=True) if span]
    short = [
        Kept(speaker=take.speaker, start=round(start, 3), end=round(end, 3), reason=reason)
        for (take, (start, end)), span in zip(free, spans, strict=True)
        if not span
    ]
    return placed, short


def _edit(take: TakeRecord, span: Span, done: Rendered, rate: int) -> Edit:
    first, last = span
    width = float(done.width.mean())
    return Edit(
        take=take.number,
        speaker=take.speaker,
        method=take.method,
        start=round(first / rate, 3),
        end=round(last / rate, 3),
        start_frame=first,
        end_frame=last,
        fade_in=done.fade_in,
        fade_out=done.fade_out,
        gain_db=round(done.gain_db, 2),
        peak_reduction_db=round(done.lowered_db, 2),
        pan=tuple(round(float(gain), 4) for gain in done.pan),
        width_db=round(power_db(width), 1) if width > 0 else None,
        correlations=(round(done.correlations[0], 3), round(done.correlations[1], 3)),
        text=take.text,
    )


def _mastered(context: Context, result: Path, target: float) -> float:
    """Bring the whole file to a loudness by gain alone; the gain in dB."""
    info = audio.probe(result)
    measured = loudness.programme(audio.blocks(result), info.rate, info.channels)
    gain_db, reached = mastering.gain(measured, target, CEILING_DBTP)
    if reached < target - 0.1:
        context.warn(
            f"{target:g} LUFS is out of reach of a gain: {reached:.1f} is the most under {CEILING_DBTP:g} dBTP"
        )
    raw = result.with_name("unmastered.wav")
    result.replace(raw)
    with audio.Writer(result, info.rate, info.channels) as writer:
        for block in audio.blocks(raw):
            writer.write(block * np.float32(10 ** (gain_db / 20)))
    raw.unlink()
    return gain_db


def backends(settings: Settings) -> dict[Task, Wish]:
    return {"embed": Wish(needed=False), "transcribe": Wish(needed=False)}


STAGE = Stage(
    name="reconstruct",
    summary="Put the new voice in place of the old, and nothing else.",
    settings=Settings,
    revision=2,
    reads=(
        "preprocess/audio.wav",
        "preprocess/loudness.json",
        "separate/vocals.wav",
        "diarize/segments.json",
        "transcribe/transcript.json",
        "synthesize/takes.json",
    ),
    run=run,
    backends=backends,
)
