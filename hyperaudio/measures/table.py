"""The whole table: every measure of a result against its original."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from hyperaudio.backend import Chosen, Task
from hyperaudio.events import Progress, no_progress
from hyperaudio.measures import local, programme, truth, voice
from hyperaudio.measures.figures import Found, Quality, quality, unmeasured
from hyperaudio.measures.limits import Limits
from hyperaudio.measures.pair import Pair


def measure(
    pair: Pair,
    limits: Limits,
    backends: Mapping[Task, Chosen],
    language: str | None = None,
    progress: Progress = no_progress,
) -> Quality:
    """All figures and the worst places.

    Args:
        pair: the result, its original, and what is known of them.
        limits: the thresholds.
        backends: an ``embed`` that judges likeness and a ``transcribe`` that hears words, where present.
        language: of the words, ISO 639-1; detected where it is not known.
        progress: told the share that is done.
    """
    return quality(_found(pair, limits, backends, language, progress))


def _found(
    pair: Pair, limits: Limits, backends: Mapping[Task, Chosen], language: str | None, progress: Progress
) -> Iterator[Found]:
    yield from programme.figures(pair, limits, _between(progress, 0.0, 0.15))
    old, new = pair.speech()
    transcriber = backends["transcribe"].load() if "transcribe" in backends else None
    if not pair.words and transcriber is not None:
        words = voice.heard(transcriber, language, old, _between(progress, 0.15, 0.3))
        pair = replace(pair, words=words, known=True)
    yield from local.figures(pair, limits, old, _between(progress, 0.3, 0.4))
    yield from voice.replaced(pair, limits)
    yield from voice.moved(pair, limits, old, new)
    progress(0.45)
    yield from truth.figures(pair, limits)
    if "embed" in backends:
        judge = backends["embed"]
        yield from voice.alike(pair, limits, judge.load(), judge.backend.name, old, new)
    else:
        yield from voice.unlike("the judge of likeness is not present", None)
    progress(0.55)
    if transcriber is not None:
        told = _between(progress, 0.55, 1.0)
        yield from voice.understood(pair, limits, transcriber, language, old, new, told)
    else:
        yield unmeasured(voice.ERRORS, "no transcriber is present")


def _between(progress: Progress, start: float, end: float) -> Callable[[float], None]:
    return lambda fraction: progress(start + (end - start) * fraction)
