"""Takes judged against the line that they stand for, and lines done again whose take falls short."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from hyperaudio.backend import SPEECH_RATE, Embedder, Line, Samples, Take, Transcriber
from hyperaudio.dsp import tone
from hyperaudio.errors import BackendError
from hyperaudio.measures import likeness, recognition, timing
from hyperaudio.timeline import Word

WINDOW = 29.0
"""Seconds judged at once: a recogniser with windows of half a minute takes as long for a word as for all of it."""
APART = 0.7
"""Seconds of silence between takes that are heard together, so that no word runs into the next take."""
PEERS = 2
"""Other takes of a voice that it takes to say how it usually sounds."""
SILENT = 40.0
"""dB under the original below which a take is as good as silent."""
FLAT = 0.001
"""Share of samples at the very peak above which a take is clipped; speech has 0.00002."""

Figures = dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a take must keep.

    Attributes:
        timing: seconds that words may start off (95th percentile), and that the line may end off.
        words: share of its words that may be heard wrong; one always may.
        likeness: least cosine to the voice's other takes.
    """

    timing: float
    words: float
    likeness: float


@dataclass(frozen=True, slots=True)
class Try:
    """A line said once: its place among the lines, and the take or why there is none."""

    index: int
    line: Line
    result: Take | BackendError


@dataclass(frozen=True, slots=True)
class Candidate:
    """A try, judged.

    Attributes:
        attempt: its number, from 0.
        take: ``None`` where the backend could not say the line, or what it gave cannot be used.
        figures: what was measured.
        failed: why it falls short; empty where it does not.
        excess: its worst figure as a share of the limit.
        point: embedding, where it is long enough for one.
    """

    attempt: int
    take: Take | None
    figures: Figures
    failed: tuple[str, ...]
    excess: float
    point: Samples | None = None


@dataclass(slots=True)
class Judge:
    """Measures the takes of one voice; ``transcriber`` hears their words, and ``embedder`` the voice, where given."""

    limits: Limits
    transcriber: Transcriber | None
    embedder: Embedder | None
    _points: dict[int, Samples] = field(default_factory=dict)

    def __call__(self, tries: Sequence[Try]) -> list[Candidate]:
        """Each try with its figures, in order."""
        made = [(t, t.result, _heard(t.result.samples, t.line.rate)) for t in tries if isinstance(t.result, Take)]
        said = self._said([sound for _, _, sound in made], tries[0].line.language if tries else None)
        points = [self._point(sound) for _, _, sound in made]
        self._points |= {one.index: p for (one, _, _), p in zip(made, points, strict=True) if p is not None}
        judged = {
            one.index: self._judged(one, take, sound, heard, point)
            for (one, take, sound), heard, point in zip(made, said, points, strict=True)
        }
        return [judged.get(one.index) or _unsaid(one) for one in tries]

    def _judged(
        self, one: Try, take: Take, sound: Samples, heard: Sequence[Word] | None, point: Samples | None
    ) -> Candidate:
        line, limits = one.line, self.limits
        original = _heard(line.original, line.rate)
        figures: Figures = {**take.figures, **prosody(original, sound)}
        unfit = why_unfit(take.samples, line.original)
        if unfit:
            return Candidate(line.attempt, None, figures, (unfit,), np.inf)
        flat = flattened(take.samples)
        failed, excess = [f"it is clipped ({flat:.1%} of it at its peak)"] if flat > FLAT else [], flat / FLAT
        moved = timing.compare(original, sound, line.words)
        if moved:
            late = np.abs([word.start for word in moved])
            median, worst = (float(np.percentile(late, share)) for share in (50, 95))
            end = abs(moved[-1].end)
            figures |= {"onset_median_s": round(median, 4), "onset_p95_s": round(worst, 4), "end_s": round(end, 4)}
            excess = max(excess, worst / limits.timing, end / limits.timing)
            if worst > limits.timing:
                failed.append(f"words start {1000 * worst:.0f} ms off")
            if end > limits.timing:
                failed.append(f"it ends {1000 * end:.0f} ms off")
        if heard is not None and line.words:
            wrong = int(recognition.errors(line.words, heard).sum())
            figures["word_errors"] = wrong
            allowed = max(1.0, limits.words * len(line.words))
            excess = max(excess, wrong / allowed)
            if wrong > allowed:
                failed.append(f"{wrong} of {len(line.words)} words are heard wrong")
        alike = self._likeness(one.index, point)
        if alike is not None:
            figures["likeness"] = round(alike, 3)
            excess = max(excess, (1 - alike) / (1 - limits.likeness))
            if alike < limits.likeness:
                failed.append(f"it sounds like another voice than the other lines ({alike:.2f})")
        return Candidate(line.attempt, take, figures, tuple(failed), excess, point)

    def _said(self, sounds: Sequence[Samples], language: str | None) -> list[Sequence[Word] | None]:
        """The words of each sound, heard in one pass."""
        if self.transcriber is None or not sounds:
            return [None] * len(sounds)
        silence = np.zeros(round(APART * SPEECH_RATE), np.float32)
        edges = np.cumsum([0, *(len(sound) + len(silence) for sound in sounds)]) / SPEECH_RATE
        together = np.concatenate([part for sound in sounds for part in (sound, silence)])
        words = self.transcriber.transcribe(together, language, lambda _: None).words
        return [
            [word for word in words if start <= (word.start + word.end) / 2 < end]
            for start, end in itertools.pairwise(edges)
        ]

    def _point(self, sound: Samples) -> Samples | None:
        if self.embedder is None or not likeness.comparable(sound):
            return None
        return self.embedder.embed(sound)

    def _likeness(self, index: int, point: Samples | None) -> float | None:
        peers = [other for place, other in self._points.items() if place != index]
        if point is None or len(peers) < PEERS:
            return None
        mean = np.mean(peers, axis=0)
        return float(point @ mean / np.linalg.norm(mean))


def best(
    seconds: Sequence[float],
    say: Callable[[int, int], Try],
    judge: Callable[[Sequence[Try]], list[Candidate]],
    most: int,
) -> Iterator[tuple[int, list[Candidate]]]:
    """Each line's candidates, the best first, as soon as it is decided.

    Args:
        seconds: length of each line.
        say: a line by its index and the number of the attempt.
        judge: called with about half a minute of takes at a time.
        most: attempts that a line gets.
    """
    waiting = deque((index, 0) for index in range(len(seconds)))
    tried: dict[int, list[Candidate]] = {}
    while waiting:
        batch: list[Try] = []
        room = WINDOW
        while waiting and (not batch or room >= seconds[waiting[0][0]] + APART):
            index, attempt = waiting.popleft()
            batch.append(say(index, attempt))
            room -= seconds[index] + APART
        again = []
        for one, candidate in zip(batch, judge(batch), strict=True):
            known = tried.setdefault(one.index, [])
            new = not any(_same(candidate, other) for other in known)
            if new:
                known.append(candidate)
            if new and candidate.failed and candidate.attempt + 1 < most:
                again.append((one.index, candidate.attempt + 1))
            else:
                tried.pop(one.index)
                yield one.index, sorted(known, key=lambda c: (c.take is None, len(c.failed), c.excess, c.attempt))
        waiting.extendleft(reversed(again))


def spread(chosen: Sequence[Candidate]) -> likeness.Spread | None:
    """How alike the takes of a voice are to their mean; ``None`` for fewer than two that are long enough."""
    points = [candidate.point for candidate in chosen if candidate.point is not None]
    if len(points) < 2:
        return None
    mean = np.mean(points, axis=0, dtype=np.float64)
    return likeness.Spread(np.stack(points).astype(np.float64) @ (mean / np.linalg.norm(mean)))


def why_unfit(samples: Samples, original: Samples) -> str | None:
    """What makes a take useless whatever it says; ``None`` where nothing does. Both ``(frames,)``."""
    if samples.shape != original.shape or not np.isfinite(samples).all():
        return f"the take has the shape {samples.shape} for {original.shape}, or no finite samples"
    was, now = (float(np.mean(np.square(s, dtype=np.float64))) for s in (original, samples))
    if was > 0 and now < was * 10 ** (-SILENT / 10):
        return "the take is silent"
    return None


def flattened(samples: Samples) -> float:
    """Share of ``samples`` ``(frames,)`` that lies at their very peak, beyond two that any sound has there."""
    size = np.abs(samples)
    count = int(np.sum(size >= 0.9999 * size.max(initial=0.0)))
    return max(0, count - 2) / max(len(samples), 1)


def prosody(original: Samples, sound: Samples) -> Figures:
    """How far a take (16 kHz) took the original's melody and energy over; what cannot be measured is left out."""
    was, now = tone.melody(original), tone.melody(sound)
    median, spread = tone.register(now)
    values = {
        "f0_median_hz": median,
        "f0_range_semitones": spread,
        "f0_range_original_semitones": tone.register(was)[1],
        "f0_correlation": tone.correlation(was, now),
        "energy_off_db": tone.energy_difference(original, sound),
    }
    return {name: value for name, value in values.items() if value is not None}


def _heard(samples: Samples, rate: int) -> Samples:
    import soxr

    sound = samples if np.isfinite(samples).all() else np.zeros_like(samples)
    return np.asarray(soxr.resample(sound, rate, SPEECH_RATE), np.float32)


def _unsaid(one: Try) -> Candidate:
    message = one.result.message if isinstance(one.result, BackendError) else "nothing was said"
    return Candidate(one.line.attempt, None, {}, (message,), np.inf)


def _same(first: Candidate, second: Candidate) -> bool:
    """Whether two attempts are one: a backend without another way gives the same again."""
    if first.take is None or second.take is None:
        return first.take is second.take and first.failed == second.failed
    return bool(np.array_equal(first.take.samples, second.take.samples))
