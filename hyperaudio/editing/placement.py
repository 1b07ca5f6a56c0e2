"""Where edits begin and end: at quiet places near the phrases, where the sound of a phrase is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hyperaudio.backend import Samples
from hyperaudio.dsp import fades
from hyperaudio.dsp.onsets import HOP, energy
from hyperaudio.timeline import frames

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
LEAST = 0.1
"""Seconds: less of a phrase left between overlaps is not worth two joints."""

Read = Callable[[int, int], Samples]
"""The mono voices ``(frames,)`` from a frame to another."""
Span = tuple[int, int]
"""First frame, and the one after the last."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A stretch to be edited, in seconds; the edit stays within ``low`` and ``high``."""

    start: float
    end: float
    low: float
    high: float


def place(phrases: Sequence[Phrase], old: Read, new: Read, rate: int, seconds: float) -> list[Span | None]:
    """The frames of each phrase's edit; ``None`` where less than :data:`LEAST` is left of it.

    Edges lie at quiet places of both voices, apart from each other, and never beyond half way to the next phrase.

    Args:
        phrases: ascending by start, whosever they are.
        old: the voices to be removed.
        new: those put in.
        rate: Hz.
        seconds: length of the recording.
    """
    placed: list[Span | None] = []
    last_end = 0
    for index, phrase in enumerate(phrases):
        # Behind the last one there is nothing to share the room with.
        following = phrases[index + 1].start if index + 1 < len(phrases) else 2 * seconds - phrase.end
        latest = min((phrase.end + max(phrase.end, following)) / 2, phrase.high)
        over = max(_release(voice, rate, phrase.end, latest) for voice in (old, new))
        first = _edge(old, new, rate, phrase.start - BEFORE, max(last_end / rate, phrase.low), phrase.start + RADIUS)
        last = _edge(old, new, rate, min(over, latest), phrase.end - RADIUS, latest)
        # A recording that begins or ends within a word has no quiet place there.
        if phrase.start < RADIUS and phrase.low <= 0:
            first = last_end
        if phrase.end > seconds - RADIUS and frames(latest, rate) >= frames(seconds, rate):
            last = frames(seconds, rate)
        if phrase.end - phrase.start >= LEAST and last - first >= LEAST * rate:
            placed.append((first, last))
            last_end = last
        else:
            placed.append(None)
    return placed


def _release(read: Read, rate: int, end: float, latest: float) -> float:
    """Where the sound of a phrase ends that a recogniser ends at ``end``: a vowel rings on, a stop has its burst.

    The first moment of lasting quiet from shortly before ``end`` on, in seconds; ``end`` and a little
    where there is none before ``latest``.
    """
    start = max(0.0, end - LOOK_BACK)
    level = energy(read(frames(start, rate), frames(max(latest, end), rate)), rate)
    first = int((end - RADIUS - start) / HOP)
    count = round(LASTING / HOP)
    if len(level) < first + count:
        return end + AFTER
    quiet = level[first:] < level[:first].max(initial=level.min()) - QUIETER
    lasting = np.lib.stride_tricks.sliding_window_view(quiet, count).all(axis=1)
    return end - RADIUS + float(np.argmax(lasting)) * HOP + QUIET if lasting.any() else end + AFTER


def _edge(old: Read, new: Read, rate: int, wanted: float, low: float, high: float) -> int:
    """A quiet and smooth place near ``wanted``, within ``low`` and ``high`` seconds."""
    low_frame, high_frame = frames(max(low, 0.0), rate), frames(max(high, low, 0.0), rate)
    centre = min(max(frames(max(wanted, 0.0), rate), low_frame), high_frame)
    radius = frames(RADIUS, rate)
    first, last = max(low_frame, centre - radius), min(high_frame, centre + radius)
    if last <= first:
        return centre
    window = frames(QUIET, rate)
    start = max(0, first - window)
    was, now = old(start, last + window), new(start, last + window)
    # Hearing is logarithmic: a place is as quiet as the louder of the two is there.
    return start + fades.quietest(
        np.hypot(was, now[: len(was)]), (first + last) // 2 - start, (last - first) // 2, window
    )
