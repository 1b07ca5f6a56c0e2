"""Figures of each edit and utterance by itself: clicks, stereo, level, lost words, pauses, bandwidth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from hyperaudio.backend import SPEECH_RATE, Samples
from hyperaudio.measures import levels, steps
from hyperaudio.measures import place as sound
from hyperaudio.measures.figures import Found, counted, judged, place, unmeasured
from hyperaudio.measures.limits import Limits
from hyperaudio.measures.pair import Pair
from hyperaudio.timeline import frames

AROUND = 0.3
"""Seconds around an edit that show how loud its voice is."""
SHORTEST_WORD = 0.08
"""Seconds of a word under which a shift of its neighbours could hide or feign a loss."""
CLICK_FLOOR = 20.0
"""How far the sharpest bend of clean speech stands out, at the least."""

Row = tuple[float, float, float]
"""Start and end in seconds, and a value."""


@dataclass(slots=True)
class _Rows:
    """What the edits gave: a row each."""

    clicks: list[Row] = field(default_factory=list)
    natural: list[float] = field(default_factory=list)
    correlation: list[Row] = field(default_factory=list)
    balance: list[Row] = field(default_factory=list)
    pauses: list[Row] = field(default_factory=list)
    rest: list[np.ndarray] = field(default_factory=list)


def figures(pair: Pair, limits: Limits, old: Samples, progress: Callable[[float], None]) -> Iterator[Found]:
    """All of them; ``old`` is the voice before, ``(frames,)`` at 16 kHz."""
    rows = _Rows()
    for number, edit in enumerate(pair.edits):
        _edit(rows, pair, edit.start, edit.stop, old)
        progress(0.6 * number / len(pair.edits))
    yield from _clicks(rows, limits)
    yield from _stereo(rows, limits, pair.was.channels)
    for number, speaker in enumerate(pair.targets):
        yield from _levels(pair, limits, speaker)
        progress(0.6 + 0.4 * (number + 1) / len(pair.targets))
    yield from _pauses(rows, limits, pair.rate)


def _edit(rows: _Rows, pair: Pair, start: int, stop: int, old: Samples) -> None:
    cut, rate = pair.cut(start, stop), pair.rate
    begin, end = start / rate, stop / rate
    rows.natural.append(steps.click(cut.original, rate)[0])
    sharp, at = steps.click(cut.result, rate)
    rows.clicks.append((begin + at / rate, begin + at / rate, sharp))
    if pair.was.channels == 2:
        was, now = sound.correlation(cut.original), sound.correlation(cut.result)
        if was is not None and now is not None:
            rows.correlation.append((begin, end, abs(now - was)))
            rows.balance.append((begin, end, abs(sound.balance(cut.result) - sound.balance(cut.original))))
    first = max(0, frames(begin - AROUND, SPEECH_RATE))
    for a, b in levels.pauses(old[first : frames(end + AROUND, SPEECH_RATE)]):
        # Seconds, and what of them lies in the edit.
        low, high = max((first + a) / SPEECH_RATE, begin), min((first + b) / SPEECH_RATE, end)
        if high - low < levels.LEAST_PAUSE:
            continue
        part = slice(frames(low, rate) - start, frames(high, rate) - start)
        before, after = cut.original[:, part], cut.result[:, part]
        rows.pauses.append((low, high, levels.resting(after, rate) - levels.resting(before, rate)))
        power = np.stack([sound.power(tracks.mean(axis=0, dtype=np.float32)) for tracks in (before, after)])
        rows.rest.append(power)


def _clicks(rows: _Rows, limits: Limits) -> Iterator[Found]:
    name = "sharpest click"
    if not rows.clicks:
        yield unmeasured(name, "there is no edit")
        return
    usual = max(CLICK_FLOOR, *rows.natural)
    worst = max(rows.clicks, key=lambda row: row[2])
    note = f"at {worst[0]:.2f} s; 1 is the sharpest of the original there"
    yield judged(name, worst[2] / usual, "x", "<=", limits.click, note)
    yield from (place(a, b, "click", value / usual, "x", "<=", limits.click) for a, b, value in rows.clicks)


def _stereo(rows: _Rows, limits: Limits, channels: int) -> Iterator[Found]:
    for name, found, unit, limit in (
        ("stereo correlation changed, median", rows.correlation, "", limits.stereo_correlation),
        ("stereo balance changed, median", rows.balance, "dB", limits.stereo_balance_db),
    ):
        if found:
            yield judged(name, _median(found), unit, "<=", limit, f"largest {_most(found):.2f}")
            yield from (place(a, b, name.partition(",")[0], v, unit, "<=", limit) for a, b, v in found)
        else:
            why = "no edit with sound in both channels" if channels == 2 else f"the original has {channels} channel(s)"
            yield unmeasured(name, why)


def _levels(pair: Pair, limits: Limits, speaker: str) -> Iterator[Found]:
    """Loudness, contour, lost words and bandwidth of one speaker's utterances."""
    rate = pair.rate
    loud: list[Row] = []
    shape: list[Row] = []
    lost: list[Row] = []
    moments: list[np.ndarray] = []
    spectra: list[np.ndarray] = []
    words = [word for word in pair.edited(speaker) if word.duration >= SHORTEST_WORD]
    for start, end in pair.utterances(speaker):
        first = frames(start, rate)
        cut = pair.cut(first, frames(end, rate))
        if cut.old.shape[1] < levels.SHORT * rate:  # a truth may name words of no length, or past the end
            continue
        change = levels.loudness_change(cut.old, cut.new, rate)
        if change is not None:
            loud.append((start, end, change))
        old, new = (tracks.mean(axis=0, dtype=np.float32) for tracks in (cut.old, cut.new))
        moments.append(levels.contour_change(old, new, rate))
        shape.append((start, end, float(np.median(moments[-1]))))
        spectra.append(np.stack([sound.reached(old), sound.reached(new)]))
        for word in words:
            if start <= word.start and word.end <= end:
                part = slice(frames(word.start, rate) - first, frames(word.end, rate) - first)
                lost.append((word.start, word.end, levels.drop(old[part], new[part], rate)))
    name = "loudness of utterances against the removed voice"
    if loud:
        off = [(a, b, abs(value)) for a, b, value in loud]
        count = counted(len(off), "utterance")
        yield judged(f"{name}, median", _median(off), "LU", "<=", limits.utterance_median_lu, count, speaker)
        yield judged(f"{name}, worst", _most(off), "LU", "<=", limits.utterance_loudness_lu, count, speaker)
        yield from (
            place(a, b, "loudness of an utterance", abs(v), "LU", "<=", limits.utterance_loudness_lu, f"{v:+.1f} LU")
            for a, b, v in loud
        )
    else:
        why = "no utterance is loud enough in both files"
        yield from (unmeasured(f"{name}, {which}", why, speaker) for which in ("median", "worst"))
    name = "level over 400 ms against the removed voice, median"
    if moments:
        yield judged(name, float(np.median(np.concatenate(moments))), "dB", "<=", limits.contour_db, "", speaker)
        yield from (place(a, b, "level over 400 ms", v, "dB", "<=", limits.contour_db) for a, b, v in shape)
    else:
        yield unmeasured(name, "no utterance lies within the recording", speaker)
    yield from _lost(lost, words == [] or not pair.words, speaker)
    if spectra:
        was, now = (sound.bandwidth(spectrum, rate) for spectrum in np.sum(spectra, axis=0))
        octaves = abs(float(np.log2(max(now, 1.0) / max(was, 1.0))))
        note = f"{was / 1000:.1f} -> {now / 1000:.1f} kHz"
        yield judged("bandwidth changed", octaves, "octaves", "<=", limits.bandwidth_octaves, note, speaker)


def _lost(rows: list[Row], nothing: bool, speaker: str) -> Iterator[Found]:
    name = "words lost"
    if nothing:
        yield unmeasured(name, "no edited words are known", speaker)
        return
    gone = [row for row in rows if row[2] > levels.LOST]
    note = f"of {len(rows)}: the loudest 20 ms are {levels.LOST:g} dB softer than the original's"
    yield judged(name, len(gone), "", "<=", 0.0, note, speaker)
    yield from (place(a, b, "word lost", v, "dB", "<=", levels.LOST) for a, b, v in rows if v > levels.LOST / 2)


def _pauses(rows: _Rows, limits: Limits, rate: int) -> Iterator[Found]:
    level, shape = "level of the pauses in the edits, median change", "spectrum of the pauses in the edits"
    if not rows.pauses:
        why = f"no pause of {levels.LEAST_PAUSE + 2 * levels.EDGE:g} s in the edits"
        yield unmeasured(level, why)
        yield unmeasured(shape, why)
        return
    middle = float(np.median([value for *_, value in rows.pauses]))
    note = f"{counted(len(rows.pauses), 'pause')}; {middle:+.1f} dB"
    yield judged(level, abs(middle), "dB", "<=", limits.pause_level_db, note)
    before, after = np.sum(rows.rest, axis=0)
    apart = sound.distance(before, after, rate, min(8000.0, rate / 2))
    yield judged(shape, apart, "dB", "<=", limits.pause_spectrum_db, "thirds of an octave, level taken out")
    yield from (
        place(a, b, "level of a pause", abs(v), "dB", "<=", limits.pause_level_db, f"{v:+.1f} dB")
        for a, b, v in rows.pauses
    )


def _median(rows: list[Row]) -> float:
    return float(np.median([value for *_, value in rows]))


def _most(rows: list[Row]) -> float:
    return max(value for *_, value in rows)
