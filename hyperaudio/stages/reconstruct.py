"""reconstruct: the recording with the new voice in place of the old, and every other sample as it was.

``result = mix + fade * (new - vocals)`` within the edits; outside them the samples are copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.ndimage import minimum_filter1d
from scipy.signal import resample_poly

from hyperaudio import audio
from hyperaudio.backend import Samples
from hyperaudio.dsp import fades, loudness
from hyperaudio.job import Document
from hyperaudio.settings import Section
from hyperaudio.stage import Context, Stage
from hyperaudio.stages.diarize import Segments
from hyperaudio.stages.preprocess import Programme
from hyperaudio.stages.synthesize import Kept, Record, TakeRecord, Takes
from hyperaudio.timeline import frames, intersect, others, subtract

BEFORE, AFTER = 0.06, 0.1
"""Seconds around a phrase within which the edit's edges are sought: recognised words end before their sound does."""
RADIUS = 0.04
"""Seconds the edge may move to where it is quiet."""
QUIET = 0.01
"""Seconds over which quiet is judged."""
LEAST_EDIT = 0.1
"""Seconds: less of a phrase left between overlaps is not worth two joints."""
PEAK_REACH = 0.01
"""Seconds to both sides of a peak over which it is turned down."""
LOUDEST_GAIN = 20.0
"""dB beyond which a gain would rather show that something went wrong."""


class Settings(Section):
    fade: float = Field(default=0.02, ge=0.001, le=0.2)
    """Length of the fade at each end of an edit, in seconds."""
    match_level: bool = True
    """Bring each line to the loudness of the voice it replaces."""


class Edit(Record):
    """One stretch that was changed.

    ``start_frame`` to ``end_frame`` are the frames that may differ from the input; ``fade_in`` and
    ``fade_out`` their fades, in frames.
    """

    take: int
    speaker: str
    method: str
    start: float
    end: float
    start_frame: int
    end_frame: int
    fade_in: int
    fade_out: int
    gain_db: float
    peak_reduction_db: float
    """How far the new voice was turned down around its peaks at most, to stay under the recording's own."""
    pan: tuple[float, ...]
    """Gain of each channel relative to the mono voice, from the removed vocals."""
    text: str


class Overlap(Record):
    """A stretch where the target talks with somebody else, and what was decided."""

    speaker: str
    start: float
    end: float
    decision: str
    reason: str


class Edits(Document):
    """``edits.json``."""

    rate: int
    frames: int
    edits: tuple[Edit, ...]
    overlaps: tuple[Overlap, ...]
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a take goes in: ascending spans of frames with their fades."""

    take: TakeRecord
    spans: tuple[tuple[int, int], ...]


def run(context: Context) -> None:
    settings: Settings = context.settings
    programme = context.read("preprocess/loudness.json", Programme)
    takes = context.read("synthesize/takes.json", Takes)
    segments = context.read("diarize/segments.json", Segments).segments
    base, vocals = context.path("preprocess/audio.wav"), context.path("separate/vocals.wav")
    blocked = {take.speaker: others(segments, take.speaker) for take in takes.takes}
    overlaps = [
        Overlap(
            speaker=take.speaker,
            start=round(start, 3),
            end=round(end, 3),
            decision="original kept",
            reason="another speaker talks at the same time, and the two cannot be told apart well enough",
        )
        for take in takes.takes
        for start, end in intersect(take.phrases, blocked[take.speaker])
    ]
    plans = list(_plans(takes.takes, blocked, vocals, programme))
    edits: list[Edit] = []

    def patches() -> Iterator[tuple[int, Samples]]:
        for index, plan in enumerate(plans):
            voice = audio.read(context.path(f"synthesize/{plan.take.file}"))[0]
            for edit, patch in _edits(plan, voice, base, vocals, programme, settings):
                edits.append(edit)
                yield edit.start_frame, patch
            context.progress(index / len(plans))

    with audio.Writer(context.folder / "result.wav", programme.rate, programme.channels) as writer:
        for block in patched(audio.blocks(base), patches()):
            writer.write(block)
    context.write(
        "edits.json",
        Edits(
            rate=programme.rate,
            frames=programme.frames,
            edits=tuple(edits),
            overlaps=tuple(overlaps),
            kept=takes.kept,
        ),
    )


def patched(blocks: Iterator[Samples], patches: Iterator[tuple[int, Samples]]) -> Iterator[Samples]:
    """Copies of ``blocks`` with each patch ``(start frame, (channels, n))`` put in; patches ascend and lie apart."""
    at = 0
    pending = next(patches, None)
    for block in blocks:
        stop = at + block.shape[1]
        out = block.copy()
        while pending is not None and pending[0] < stop:
            start, patch = pending
            first, last = max(start, at), min(start + patch.shape[1], stop)
            out[:, first - at : last - at] = patch[:, first - start : last - start]
            if start + patch.shape[1] > stop:
                break
            pending = next(patches, None)
        yield out
        at = stop


def _plans(
    takes: Sequence[TakeRecord], blocked: dict[str, list[tuple[float, float]]], vocals: Path, programme: Programme
) -> Iterator[Plan]:
    """Edges for every phrase: at quiet places near it, and never beyond half way to the next one."""
    rate = programme.rate
    ordered = sorted(takes, key=lambda take: take.start_frame)
    free = [(take, span) for take in ordered for span in subtract(take.phrases, blocked[take.speaker])]
    free = sorted((row for row in free if row[1][1] - row[1][0] >= LEAST_EDIT), key=lambda row: row[1])
    walls = sorted({edge for spans in blocked.values() for span in spans for edge in span})
    placed: dict[int, list[tuple[int, int]]] = {}
    last_end = 0
    for index, (take, (start, end)) in enumerate(free):
        following = free[index + 1][1][0] if index + 1 < len(free) else programme.seconds
        lowest = max([last_end / rate, *(wall for wall in walls if wall <= start)])
        highest = min([(end + max(end, following)) / 2, *(wall for wall in walls if wall >= end)])
        inside = (take.start_frame / rate, (take.start_frame + take.frames) / rate)
        first = _edge(vocals, rate, start - BEFORE, max(lowest, inside[0]), start + RADIUS)
        last = _edge(vocals, rate, end + AFTER, end - RADIUS, min(highest, inside[1]))
        if last - first >= LEAST_EDIT * rate:
            placed.setdefault(take.number, []).append((first, last))
            last_end = last
    for take in ordered:
        if take.number in placed:
            yield Plan(take, tuple(placed[take.number]))


def _edge(vocals: Path, rate: int, wanted: float, low: float, high: float) -> int:
    """The quietest frame near ``wanted``, within ``low`` and ``high`` seconds."""
    low_frame, high_frame = frames(max(low, 0.0), rate), frames(max(high, low, 0.0), rate)
    centre = min(max(frames(max(wanted, 0.0), rate), low_frame), high_frame)
    radius = frames(RADIUS, rate)
    first, last = max(low_frame, centre - radius), min(high_frame, centre + radius)
    if last <= first:
        return centre
    window = frames(QUIET, rate)
    start = max(0, first - window)
    voice = audio.read_mono(vocals, start=start, stop=last + window)
    middle, reach = (first + last) // 2, (last - first) // 2
    return start + fades.quietest(voice, middle - start, reach, window)


def _edits(
    plan: Plan, voice: Samples, base: Path, vocals: Path, programme: Programme, settings: Settings
) -> Iterator[tuple[Edit, Samples]]:
    """The patches of one take, with its level and place taken from the vocals it replaces."""
    take, rate = plan.take, programme.rate
    start, stop = take.start_frame, take.start_frame + take.frames
    mix, old = audio.read(base, start, stop), audio.read(vocals, start, stop)
    voice = voice[: mix.shape[1]]
    where = np.zeros(mix.shape[1], np.float32)
    curves = []
    length = frames(settings.fade, rate)
    for first, last in plan.spans:
        curve = fades.window(last - first, length, length)
        curves.append(curve)
        where[first - start : last - start] = curve
    gain_db = _gain(voice * where, old * where, rate) if settings.match_level else 0.0
    pan = place(old * where)
    new = pan[:, None] * voice * np.float32(10 ** (gain_db / 20))
    # A hundredth of a dB for the difference between two oversampling filters.
    ceiling = 10 ** ((programme.true_peak_dbtp - 0.01) / 20)
    for (first, last), curve in zip(plan.spans, curves, strict=True):
        part = slice(first - start, last - start)
        kept = mix[:, part] - curve * old[:, part]
        patch, lowered = under(ceiling, kept, curve * new[:, part], rate)
        yield (
            Edit(
                take=take.number,
                speaker=take.speaker,
                method=take.method,
                start=round(first / rate, 3),
                end=round(last / rate, 3),
                start_frame=first,
                end_frame=last,
                fade_in=min(length, len(curve)),
                fade_out=min(length, len(curve)),
                gain_db=round(gain_db, 2),
                peak_reduction_db=round(lowered, 2),
                pan=tuple(round(float(g), 4) for g in pan),
                text=take.text,
            ),
            patch,
        )


def _gain(new: Samples, old: Samples, rate: int) -> float:
    """DB that bring the new voice to the loudness of the removed vocals; 0 where either is silent."""
    mono = old.mean(axis=0, dtype=np.float32)
    was, now = loudness.measure(mono, rate).integrated, loudness.measure(new, rate).integrated
    if was is None or now is None:
        return 0.0
    return min(max(was - now, -LOUDEST_GAIN), LOUDEST_GAIN)


def place(vocals: Samples) -> Samples:
    """Gain of each channel relative to their mean, ``(channels,)``, by least squares; 1 where there is no voice."""
    mono = vocals.mean(axis=0, dtype=np.float64)
    energy = float(mono @ mono)
    if energy <= 0:
        return np.ones(len(vocals), np.float32)
    return (vocals.astype(np.float64) @ mono / energy).astype(np.float32)


def under(ceiling: float, kept: Samples, new: Samples, rate: int) -> tuple[Samples, float]:
    """``kept + new`` with ``new`` turned down around each peak whose true peak is above ``ceiling`` (linear).

    What is kept came from the recording and is never turned down. Returns the sum and the largest
    reduction in dB (at most 0).
    """
    gain = np.ones(new.shape[1], np.float32)
    reach = frames(PEAK_REACH, rate)
    for _ in range(12):
        result = kept + gain * new
        peaks = np.abs(resample_poly(result, 4, 1, axis=1)).max(axis=0)
        over = np.maximum.reduceat(peaks, np.arange(0, len(peaks), 4))[: len(gain)]
        if over.max(initial=0.0) <= ceiling:
            break
        # A little lower than needed, as what is kept takes a share of the peak.
        wanted = np.where(over > ceiling, np.minimum(1.0, 0.98 * ceiling / np.maximum(over, 1e-9)), 1.0)
        lowest = minimum_filter1d(wanted, 2 * reach + 1)
        gain *= np.convolve(np.pad(lowest, reach, mode="edge"), _bell(reach), mode="valid").astype(np.float32)
    return result, min(0.0, loudness.decibels(float(gain.min(initial=1.0))))


def _bell(reach: int) -> npt.NDArray[np.float64]:
    """A Hann window of ``2 * reach + 1`` frames with the sum 1."""
    curve = np.hanning(2 * reach + 3)[1:-1]
    return curve / curve.sum()


STAGE = Stage(
    name="reconstruct",
    summary="Put the new voice in place of the old, and nothing else.",
    settings=Settings,
    revision=1,
    reads=(
        "preprocess/audio.wav",
        "preprocess/loudness.json",
        "separate/vocals.wav",
        "diarize/segments.json",
        "synthesize/takes.json",
    ),
    run=run,
)
