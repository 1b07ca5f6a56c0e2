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

from hyperaudio import audio
from hyperaudio.backend import Samples
from hyperaudio.dsp import fades, loudness
from hyperaudio.dsp.onsets import HOP, energy
from hyperaudio.job import Document, Record
from hyperaudio.settings import Section
from hyperaudio.stage import Context, Stage
from hyperaudio.stages.diarize import Segments
from hyperaudio.stages.preprocess import Programme
from hyperaudio.stages.synthesize import Kept, TakeRecord, Takes
from hyperaudio.stages.transcribe import Transcript, attributed
from hyperaudio.timeline import frames, intersect, others, subtract

BEFORE, AFTER = 0.06, 0.1
"""Seconds around a phrase within which the edit's edges are sought: recognised words end before their sound does."""
RADIUS = 0.04
"""Seconds the edge may move to where it is quiet."""
QUIET = 0.01
"""Seconds over which quiet is judged."""
LOOK_BACK = 0.5
"""Seconds before a phrase's end that show how loud it is."""
QUIETER, LASTING = 30.0, 0.05
"""dB under that, for so many seconds, from which on a sound is over; a stop's closure before its burst is louder
or shorter."""
LEAST_EDIT = 0.1
"""Seconds: less of a phrase left between overlaps is not worth two joints."""
PEAK_REACH = 0.01
"""Seconds to both sides of a peak over which it is turned down."""
CEILING_MARGIN = 0.995
"""0.04 dB for the difference between two oversampling filters."""
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


class Overlap(Kept):
    """A stretch where the target talks with somebody else, and what was decided."""

    decision: str


class Edits(Document):
    """``edits.json``."""

    rate: int
    frames: int
    edits: tuple[Edit, ...]
    overlaps: tuple[Overlap, ...]
    kept: tuple[Kept, ...]


Span = tuple[int, int]
"""First frame, and the one after the last."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A take made ready: arrays over the take's own frames.

    Attributes:
        mix, old, new: the recording, the vocals to be removed, the new voice in their place and level,
            ``(channels, frames)``.
        gain_db: how the voice was brought to the level of the old.
        pan: gain of each channel.
    """

    mix: Samples
    old: Samples
    new: Samples
    gain_db: float
    pan: Samples


def run(context: Context) -> None:
    settings: Settings = context.settings
    programme = context.read("preprocess/loudness.json", Programme)
    takes = context.read("synthesize/takes.json", Takes)
    spoken = context.read("transcribe/transcript.json", Transcript).utterances
    segments = attributed(context.read("diarize/segments.json", Segments).segments, spoken)
    base, vocals = context.path("preprocess/audio.wav"), context.path("separate/vocals.wav")
    blocked = {take.speaker: others(segments, take.speaker) for take in takes.takes}
    overlaps = [
        Overlap(
            speaker=take.speaker,
            start=round(start, 3),
            end=round(end, 3),
            decision="original kept",
            reason="another speaker talks at the same time; voices within an overlap are not taken apart",
        )
        for take in takes.takes
        for start, end in intersect(take.phrases, blocked[take.speaker])
    ]
    placed, short = _placed(takes.takes, blocked, vocals, programme)
    edits: list[Edit] = []

    def patches() -> Iterator[tuple[int, Samples]]:
        ready: dict[int, Fitted] = {}
        for index, (take, span) in enumerate(placed):
            if take.number not in ready:
                spans = [other for owner, other in placed if owner.number == take.number]
                ready[take.number] = _fitted(context, take, spans, base, vocals, programme, settings)
            edit, patch = _edit(take, span, ready[take.number], programme, settings)
            edits.append(edit)
            yield edit.start_frame, patch
            following = {owner.number for owner, _ in placed[index + 1 :]}
            ready = {number: fitted for number, fitted in ready.items() if number in following}
            context.progress(index / len(placed))

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
            kept=(*takes.kept, *short),
        ),
    )


def patched(blocks: Iterator[Samples], patches: Iterator[tuple[int, Samples]]) -> Iterator[Samples]:
    """Copies of ``blocks`` with each patch ``(start frame, (channels, n))`` put in.

    Raises:
        ValueError: the patches do not ascend, or meet.
    """
    at = done = 0
    pending = next(patches, None)
    for block in blocks:
        stop = at + block.shape[1]
        out = block.copy()
        while pending is not None and pending[0] < stop:
            start, patch = pending
            if start < done:
                raise ValueError(f"a patch at {start} before {done}, where the last one ended")
            first, last = max(start, at), min(start + patch.shape[1], stop)
            out[:, first - at : last - at] = patch[:, first - start : last - start]
            if start + patch.shape[1] > stop:
                break
            done = start + patch.shape[1]
            pending = next(patches, None)
        yield out
        at = stop


def _placed(
    takes: Sequence[TakeRecord], blocked: dict[str, list[tuple[float, float]]], vocals: Path, programme: Programme
) -> tuple[list[tuple[TakeRecord, Span]], list[Kept]]:
    """Where each take goes in, ascending whosever it is, and what is too short to be edited.

    Edges lie at quiet places near the phrases, and never beyond half way to the next one.
    """
    rate = programme.rate
    free = sorted(
        ((take, span) for take in takes for span in subtract(take.phrases, blocked[take.speaker])),
        key=lambda row: row[1],
    )
    placed: list[tuple[TakeRecord, Span]] = []
    short: list[Kept] = []
    last_end = 0
    for index, (take, (start, end)) in enumerate(free):
        walls = [edge for span in blocked[take.speaker] for edge in span]
        following = free[index + 1][1][0] if index + 1 < len(free) else programme.seconds
        lowest = max([last_end / rate, *(wall for wall in walls if wall <= start)])
        highest = min([(end + max(end, following)) / 2, *(wall for wall in walls if wall >= end)])
        inside = (take.start_frame / rate, (take.start_frame + take.frames) / rate)
        first = _edge(vocals, rate, start - BEFORE, max(lowest, inside[0]), start + RADIUS)
        latest = min(highest, inside[1])
        last = _edge(vocals, rate, _release(vocals, rate, end, latest), end - RADIUS, latest)
        if end - start >= LEAST_EDIT and last - first >= LEAST_EDIT * rate:
            placed.append((take, (first, last)))
            last_end = last
        else:
            reason = f"less than {LEAST_EDIT:g} s is left of it between its neighbours"
            short.append(Kept(speaker=take.speaker, start=round(start, 3), end=round(end, 3), reason=reason))
    return placed, short


def _release(vocals: Path, rate: int, end: float, latest: float) -> float:
    """Where the sound of a phrase ends that a recogniser ends at ``end``: a vowel rings on, a stop has its burst.

    The first moment of lasting quiet from shortly before ``end`` on, in seconds; ``end`` and a little
    where there is none before ``latest``.
    """
    start = max(0.0, end - LOOK_BACK)
    level = energy(audio.read_mono(vocals, start=frames(start, rate), stop=frames(max(latest, end), rate)), rate)
    first = int((end - RADIUS - start) / HOP)
    count = round(LASTING / HOP)
    if len(level) < first + count:
        return end + AFTER
    quiet = level[first:] < level[:first].max(initial=level.min()) - QUIETER
    lasting = np.lib.stride_tricks.sliding_window_view(quiet, count).all(axis=1)
    return end - RADIUS + float(np.argmax(lasting)) * HOP + QUIET if lasting.any() else end + AFTER


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


def _fitted(
    context: Context,
    take: TakeRecord,
    spans: Sequence[Span],
    base: Path,
    vocals: Path,
    programme: Programme,
    settings: Settings,
) -> Fitted:
    """A take with its level and place taken from the vocals that it replaces within ``spans``."""
    start, stop = take.start_frame, take.start_frame + take.frames
    mix, old = audio.read(base, start, stop), audio.read(vocals, start, stop)
    voice = audio.read(context.path(f"synthesize/{take.file}"))[0][: mix.shape[1]]
    where = np.zeros(mix.shape[1], np.float32)
    for first, last in spans:
        where[first - start : last - start] = _curve(first, last, programme, settings)
    gain_db = _gain(voice * where, old * where, programme.rate) if settings.match_level else 0.0
    pan = place(old * where)
    return Fitted(mix, old, pan[:, None] * voice * np.float32(10 ** (gain_db / 20)), gain_db, pan)


def _curve(first: int, last: int, programme: Programme, settings: Settings) -> Samples:
    length = frames(settings.fade, programme.rate)
    return fades.window(last - first, length, length)


def _edit(
    take: TakeRecord, span: Span, fitted: Fitted, programme: Programme, settings: Settings
) -> tuple[Edit, Samples]:
    """One stretch of a take, and the samples to put there."""
    first, last = span
    rate = programme.rate
    curve = _curve(first, last, programme, settings)
    part = slice(first - take.start_frame, last - take.start_frame)
    # Past full scale an integer file would clip, even where the source itself did between its samples.
    ceiling = min(1.0, 10 ** (programme.true_peak_dbtp / 20)) * CEILING_MARGIN
    kept = fitted.mix[:, part] - curve * fitted.old[:, part]
    patch, lowered = under(ceiling, kept, curve * fitted.new[:, part], rate)
    fade = min(frames(settings.fade, rate), len(curve))
    edit = Edit(
        take=take.number,
        speaker=take.speaker,
        method=take.method,
        start=round(first / rate, 3),
        end=round(last / rate, 3),
        start_frame=first,
        end_frame=last,
        fade_in=fade,
        fade_out=fade,
        gain_db=round(fitted.gain_db, 2),
        peak_reduction_db=round(lowered, 2),
        pan=tuple(round(float(g), 4) for g in fitted.pan),
        text=take.text,
    )
    return edit, patch


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
    from scipy.ndimage import minimum_filter1d
    from scipy.signal import resample_poly

    gain = np.ones(new.shape[1], np.float32)
    reach = frames(PEAK_REACH, rate)
    result = kept + new
    for _ in range(12):
        peaks = np.abs(resample_poly(result, 4, 1, axis=1)).max(axis=0)
        over = np.maximum.reduceat(peaks, np.arange(0, len(peaks), 4))[: len(gain)]
        if over.max(initial=0.0) <= ceiling:
            break
        # A little lower than needed, as what is kept takes a share of the peak.
        wanted = np.where(over > ceiling, np.minimum(1.0, 0.98 * ceiling / np.maximum(over, 1e-9)), 1.0)
        lowest = minimum_filter1d(wanted, 2 * reach + 1)
        gain *= np.convolve(np.pad(lowest, reach, mode="edge"), _bell(reach), mode="valid").astype(np.float32)
        result = kept + gain * new
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
        "transcribe/transcript.json",
        "synthesize/takes.json",
    ),
    run=run,
)
