"""Figures that need the speakers' own tracks: what is left of the old voice, and how the others fare."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hyperaudio import audio
from hyperaudio.backend import Samples
from hyperaudio.measures import stems
from hyperaudio.measures.figures import Found, judged, place, unmeasured
from hyperaudio.measures.limits import Limits
from hyperaudio.measures.pair import Pair
from hyperaudio.timeline import frames

LEAKAGE = "old voice left in the edits"
OVERLAP = "other voices where both talk: SI-SDR lost"


def figures(pair: Pair, limits: Limits) -> Iterator[Found]:
    """Leakage and overlaps of each target."""
    for speaker in pair.targets:
        stem = pair.stems.get(speaker)
        if stem is None:
            yield unmeasured(LEAKAGE, "the removed voice's own track is not known", speaker)
        else:
            yield from _leakage(pair, limits, speaker, stem)
        yield from _overlaps(pair, limits, speaker)


def _leakage(pair: Pair, limits: Limits, speaker: str, stem: Path) -> Iterator[Found]:
    """The least-squares gain of the true stem in what stands in its place: the result less everything else."""
    there, own = [], []
    for edit in (edit for edit in pair.edits if edit.speaker == speaker):
        cut = pair.cut(edit.start, edit.stop)
        track = audio.read(stem, edit.start, edit.stop)
        there.append(cut.result - (cut.original - track))
        own.append(track)
        found, chance = stems.leakage(there[-1:], own[-1:])
        start, end = edit.start / pair.rate, edit.stop / pair.rate
        if found > chance:
            yield place(start, end, "old voice", found, "dB", "<=", limits.leakage_db, f"by chance {chance:.0f} dB")
    found, chance = stems.leakage(there, own)
    note = f"by chance {chance:.0f} dB"
    yield judged(LEAKAGE, found, "dB", "<=", limits.leakage_db, note, speaker)


def _overlaps(pair: Pair, limits: Limits, speaker: str) -> Iterator[Found]:
    """SI-SDR of the others' tracks in the mix where the target talks too, before less after.

    Before, the target is what distorts them; after, whatever stands in its place. Nothing is lost where the new
    voice is no louder than the old and the others are as they were; damage to the others' own sound is.
    """
    others = [path for name, path in pair.stems.items() if name != speaker]
    spans = pair.overlaps(speaker)
    if not others or not spans:
        why = "the others' own tracks are not known" if not others else "nobody talks at the same time"
        yield unmeasured(OVERLAP, why, speaker)
        return
    lost: list[float] = []
    notes: list[str] = []
    for start, end in spans:
        first, last = frames(start, pair.rate), frames(end, pair.rate)
        cut = pair.cut(first, last)
        rest: Samples = sum((audio.read(path, first, last) for path in others[1:]), audio.read(others[0], first, last))
        before, after = stems.si_sdr(cut.original, rest), stems.si_sdr(cut.result, rest)
        lost.append(before - after)
        notes.append(f"{before:.1f} -> {after:.1f} dB at {start:.1f} s")
        yield place(start, end, "others in an overlap", before - after, "dB", "<=", limits.overlap_loss_db)
    note = "; ".join(notes[:3]) + (f" and {len(notes) - 3} more" if len(notes) > 3 else "")
    yield judged(OVERLAP, max(lost), "dB", "<=", limits.overlap_loss_db, note, speaker)
