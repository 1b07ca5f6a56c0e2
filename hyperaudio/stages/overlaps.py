"""Overlaps of a target with another speaker: whether the target is taken out of them, and what is taken out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hyperaudio import audio
from hyperaudio.backend import Samples
from hyperaudio.dsp import fades
from hyperaudio.dsp.loudness import decibels, rms
from hyperaudio.editing import extraction
from hyperaudio.editing.extraction import SILENT, Reliability
from hyperaudio.editing.placement import LEAST, Span
from hyperaudio.editing.rendering import Fitted
from hyperaudio.stage import Context
from hyperaudio.stages.edits import Overlap
from hyperaudio.stages.solo import Voices
from hyperaudio.stages.takes import TakeRecord
from hyperaudio.stages.transcribe import Transcript
from hyperaudio.timeline import Segment, frames, intersect, merge, others, subtract

OFF = 60.0
"""dB of the setting from which on overlaps are always kept."""
LEFT = -10.0
"""dB: where more of the old voice is expected to stay, it would be heard beside the new one."""
MARGIN = 0.15
"""Seconds around an overlap that are taken apart with it."""
FADE = 0.02
"""Seconds outside an overlap over which what was taken out becomes all that is heard."""
MOST = 10.0
"""dB at most by which the new voice is brought to the level of the one taken out."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """The target's voice within ``start`` and the end of ``samples`` ``(channels, frames)``, frames of the recording.

    ``weight`` ``(frames,)`` is 1 within the overlap and fades to 0 around it.
    """

    start: int
    samples: Samples
    weight: Samples


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided of all overlaps.

    Attributes:
        overlaps: the decisions.
        replaced: by speaker, where they are replaced although another one talks, in seconds.
        extracted: what was taken out there, by the take's number.
    """

    overlaps: tuple[Overlap, ...]
    replaced: dict[str, list[tuple[float, float]]]
    extracted: dict[int, list[Extracted]]

    def old(self, take: TakeRecord, vocals: Samples, start: int) -> Samples:
        """The voice that a take replaces: ``vocals`` ``(channels, frames)`` from ``start`` on, without the others
        where the target was taken out.
        """
        found = vocals
        for part, here, there in self._within(take, start, vocals.shape[1]):
            found = found.copy()
            found[:, here] += part.weight[there] * (part.samples[:, there] - found[:, here])
        return found

    def levelled(self, take: TakeRecord, fitted: Fitted, start: int, spans: Sequence[Span]) -> Fitted:
        """A take, fitted from frame ``start`` on, that in overlaps is as loud against the rest of its stretch, one of
        ``spans``, as the voice taken out is: a louder one would cover the other speaker more than before.
        """
        old = fitted.old.mean(axis=0, dtype=np.float32)
        weight, curve = np.zeros((2, len(fitted.voice)), np.float32)
        places = list(self._within(take, start, len(weight)))
        for part, inside, there in places:
            weight[inside] = np.maximum(weight[inside], part.weight[there])
        for _, inside, _ in places:
            first, last = next((s for s in spans if s[0] < inside.stop and s[1] > inside.start), (0, 0))
            outside = np.flatnonzero(weight[first:last] == 0) + first
            was, now = (rms(voice[inside]) / max(rms(voice[outside]), SILENT) for voice in (old, fitted.voice))
            if was > SILENT and now > SILENT and len(outside):
                curve[inside] = min(max(decibels(was) - decibels(now), -MOST), MOST) * weight[inside]
        gain = np.power(np.float32(10), curve / 20, dtype=np.float32)
        return replace(fitted, voice=fitted.voice * gain, ringing=fitted.ringing * gain)

    def _within(self, take: TakeRecord, start: int, length: int) -> Iterator[tuple[Extracted, slice, slice]]:
        """What was taken out for a take within a window, and which frames of the window and of it meet."""
        for part in self.extracted.get(take.number, ()):
            low, high = max(part.start, start), min(part.start + len(part.weight), start + length)
            if low < high:
                yield part, slice(low - start, high - start), slice(low - part.start, high - part.start)


def decide(
    context: Context,
    takes: Sequence[TakeRecord],
    segments: Sequence[Segment],
    spoken: Transcript,
    rate: int,
    limit_db: float,
) -> Decided:
    """Each overlap of a take with its decision: the target is taken out where the other voice is expected to
    keep ``limit_db`` of SI-SDR, little of the target to stay, and the words there are the target's.
    """
    voices = Voices(context, segments, spoken, rate)
    decided = Decided((), {}, {})
    found: list[Overlap] = []
    for take in takes:
        for span in intersect(take.phrases, others(segments, take.speaker)):
            if intersect([span], merge(taken for spans in decided.replaced.values() for taken in spans)):
                found.append(_record(take.speaker, span, (), "the other speaker is replaced here"))
                continue
            overlap, part = _decided(voices, take, span, limit_db)
            found.append(overlap)
            if part is not None:
                decided.replaced.setdefault(take.speaker, []).append(span)
                decided.extracted.setdefault(take.number, []).append(part)
    for speaker in dict.fromkeys(take.speaker for take in takes):
        own = intersect(_turns(segments, speaker), others(segments, speaker))
        for start, end in subtract(
            own, [phrase for take in takes if take.speaker == speaker for phrase in take.phrases]
        ):
            if end - start >= LEAST:
                found.append(_record(speaker, (start, end), (), "no words of theirs were recognised there"))
    return replace(decided, overlaps=tuple(sorted(found, key=lambda overlap: (overlap.start, overlap.end))))


def _decided(
    voices: Voices, take: TakeRecord, span: tuple[float, float], limit_db: float
) -> tuple[Overlap, Extracted | None]:
    """One overlap, and the target's part of it where it is taken out."""
    (start, end), rate = span, voices.rate
    names = tuple(
        dict.fromkeys(
            s.speaker for s in voices.segments if s.speaker != take.speaker and s.start < end and s.end > start
        )
    )
    if limit_db >= OFF:
        return _record(take.speaker, span, names, "voices within an overlap are not to be taken apart"), None
    if len(names) != 1:
        return _record(take.speaker, span, names, f"{len(names)} others talk at the same time"), None
    if take.method == "convert":
        return _record(take.speaker, span, names, "a conversion of both voices is not the target's"), None
    other = names[0]
    mine, theirs = voices.exemplars(take.speaker), voices.exemplars(other)
    if not mine.spectra.shape[1] or not theirs.spectra.shape[1]:
        return _record(take.speaker, span, names, "one of the two never talks alone"), None
    first, last = frames(start, rate), frames(end, rate)
    low = max(0, first - frames(MARGIN, rate))
    mix = audio.read(voices.vocals, low, last + frames(MARGIN, rate))
    voice = extraction.extract(mix, mine, theirs, rate)
    inside = slice(first - low, last - low)
    heard, rest = rms(voice[:, inside]), rms((mix - voice)[:, inside])
    if heard == 0 or rest == 0:
        return _record(take.speaker, span, names, "one of the two is not heard"), None
    expected = voices.reliability(take.speaker, other, decibels(heard) - decibels(rest))
    if expected is None:
        return _record(take.speaker, span, names, "one of the two talks alone too little to try it on"), None
    likeness = voices.likeness(voice[:, inside], take.speaker, other)
    if expected.other_db < limit_db:
        reason = f"{other} would come out at {expected.other_db:.1f} dB SI-SDR, under {limit_db:g}"
    elif expected.left_db > LEFT:
        reason = f"too much of the old voice would stay ({expected.left_db:.1f} dB)"
    elif likeness is not None and likeness < 0:
        reason = f"what comes out is more like {other}"
    elif voices.are_others(take.speaker, span, voice[:, inside], (mix - voice)[:, inside], first):
        reason = f"the words recognised there are {other}'s"
    else:
        lead, trail = min(frames(FADE, rate), first - low), min(frames(FADE, rate), mix.shape[1] - (last - low))
        weight = fades.window(lead + last - first + trail, lead, trail)
        part = Extracted(first - lead, voice[:, first - low - lead : last - low + trail], weight)
        reason = f"{other} stays at {expected.other_db:.1f} dB SI-SDR"
        return _record(take.speaker, span, names, reason, expected, likeness, "replaced"), part
    return _record(take.speaker, span, names, reason, expected, likeness), None


def _turns(segments: Sequence[Segment], speaker: str) -> list[tuple[float, float]]:
    return merge((s.start, s.end) for s in segments if s.speaker == speaker)


def _record(
    speaker: str,
    span: tuple[float, float],
    names: tuple[str, ...],
    reason: str,
    expected: Reliability | None = None,
    likeness: float | None = None,
    decision: str = "original kept",
) -> Overlap:
    return Overlap(
        speaker=speaker,
        start=round(span[0], 3),
        end=round(span[1], 3),
        decision=decision,
        reason=reason,
        others=names,
        sdr_db=None if expected is None else round(expected.other_db, 1),
        left_db=None if expected is None else round(expected.left_db, 1),
        likeness=None if likeness is None else round(likeness, 3),
    )
