"""Figures of the whole programme: what is the same to the sample, loudness, true peak; in one pass over the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from hyperaudio.dsp import joints
from hyperaudio.dsp.alignment import runs
from hyperaudio.dsp.loudness import Loudness, Meter
from hyperaudio.measures import steps
from hyperaudio.measures.figures import Found, judged, place, unmeasured
from hyperaudio.measures.limits import Limits
from hyperaudio.measures.pair import Pair
from hyperaudio.measures.samples import difference, outside
from hyperaudio.timeline import frames

NULL = "null test: largest difference outside the edits"
PEAK_ERROR = 0.05
"""dB by which two oversampling filters may differ."""
NEAR = 0.5
"""Seconds apart up to which differences are one place."""


def figures(pair: Pair, limits: Limits, progress: Callable[[float], None]) -> Iterator[Found]:
    """Format, null test, loudness, peak and joints."""
    was, now = pair.was, pair.now
    note = f"{was.rate} -> {now.rate} Hz"
    yield judged("sample rate changed", abs(now.rate - was.rate), "Hz", "<=", 0.0, note)
    note = f"{was.channels} -> {now.channels}"
    yield judged("channels more or fewer", abs(now.channels - was.channels), "", "<=", 0.0, note)
    more = now.frames - round(was.frames * now.rate / was.rate)
    note = f"{was.frames / was.rate:.3f} -> {now.frames / now.rate:.3f} s"
    yield judged("samples more or fewer", abs(more), "samples", "<=", 0.0, note)
    before, after = Meter(pair.rate, pair.was.channels), Meter(pair.rate, pair.was.channels)
    largest, at = 0.0, 0
    strays: list[tuple[float, float, float]] = []
    natural: list[np.ndarray] = []
    touched: set[int] = set()
    for cut in pair.blocks():
        length = cut.original.shape[1]
        gap = difference(cut.original, cut.result)
        touched |= {
            number
            for number, edit in enumerate(pair.edits)
            if edit.stop > at and edit.start < at + length and gap[max(edit.start - at, 0) : edit.stop - at].any()
        }
        stray = gap * outside(pair.spans, at, at + length)
        largest = max(largest, float(stray.max(initial=0.0)))
        _gather(strays, stray, at, pair.rate)
        before.add(cut.original)
        after.add(cut.result)
        natural.append(joints.jumps(cut.original.mean(axis=0), pair.rate))
        at += length
        progress(at / max(pair.was.frames, 1))
    if outside(pair.spans, 0, at).any():
        level = f"{20 * np.log10(largest):.0f} dBFS" if largest else "the same to the bit"
        yield judged(NULL, largest, "FS", "<=", 0.0, f"{level}; {pair.edits_from}" if pair.edits_from else level)
    else:
        yield unmeasured(NULL, f"there is nothing outside the edits: {pair.edits_from}")
    yield from (place(start, end, NULL, value, "FS", "<=", 0.0) for start, end, value in strays)
    yield judged("edits that changed nothing", len(pair.edits) - len(touched), "", "<=", 0.0)
    yield from _loudness(before.result(), after.result(), limits)
    yield from _joints(pair, limits, float(np.percentile(np.concatenate(natural), 99)) if natural else 0.0)


def _gather(strays: list[tuple[float, float, float]], stray: np.ndarray, at: int, rate: int) -> None:
    """Add where a block differs outside the edits: start and end in seconds, and the largest difference."""
    for first, last in runs(stray > 0):
        begin, end, value = (at + first) / rate, (at + last - 1) / rate, float(stray[first:last].max())
        if strays and begin - strays[-1][1] <= NEAR:
            begin, _, most = strays.pop()
            value = max(value, most)
        strays.append((begin, end, value))


def _loudness(was: Loudness, now: Loudness, limits: Limits) -> Iterator[Found]:
    name = "integrated loudness change"
    if was.integrated is None or now.integrated is None:
        yield unmeasured(name, "one of the files is silent")
    else:
        note = f"{was.integrated:.2f} -> {now.integrated:.2f} LUFS"
        change = abs(now.integrated - was.integrated)
        yield judged(name, change, "LU", "<=", limits.loudness_change_lu, note)
    name = "true peak above what is allowed"
    if was.true_peak is None or now.true_peak is None:
        yield unmeasured(name, "one of the files is silent")
    else:
        over = now.true_peak - max(was.true_peak, limits.true_peak_dbtp)
        note = f"{was.true_peak:.2f} -> {now.true_peak:.2f} dBTP"
        yield judged(name, over, "dB", "<=", PEAK_ERROR, note)


def _joints(pair: Pair, limits: Limits, usual: float) -> Iterator[Found]:
    name = "worst joint"
    reach = frames(joints.WINDOW / 2, pair.rate)
    found: list[tuple[float, float]] = []
    for edge in sorted({edge for edit in pair.edits for edge in (edit.start, edit.stop)}):
        start, stop = max(0, edge - reach), edge + reach
        cut = pair.cut(start, stop)
        own = steps.joint(cut.original)
        # Where the original itself has such a step the edit did not make it.
        if (most := max(usual, own)) > 0:
            found.append((steps.joint(cut.result) / most, edge / pair.rate))
    if not found:
        yield unmeasured(name, "there is no edit" if not pair.edits else "the original is silent")
        return
    worst, at = max(found)
    note = f"at {at:.2f} s; 1 is the original's 99th percentile"
    yield judged(name, worst, "x", "<=", limits.joint, note)
    yield from (place(time, time, "joint", value, "x", "<=", limits.joint) for value, time in found)
