"""Whose voice it is: cosines between embeddings, and how far a voice strays from its own mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperaudio.backend import SPEECH_RATE, Embedder
from hyperaudio.dsp import activity
from hyperaudio.timeline import frames

Samples = npt.NDArray[np.float32]

LEAST = 1.5
"""Seconds of an utterance under which an embedding says little."""
SILENT = 1e-4
"""Peak (-80 dBFS) under which there is no voice that could be compared."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How alike single utterances are to the mean of their voice (cosine): each, ``(utterances,)``."""

    each: npt.NDArray[np.float64]

    @property
    def deviation(self) -> float:
        """Standard deviation over the utterances."""
        return float(np.std(self.each))

    @property
    def least(self) -> float:
        """The strangest utterance's likeness."""
        return float(self.each.min())


def audible(voice: Samples) -> bool:
    """Whether there is anything in ``(frames,)`` that an embedder would take."""
    return float(np.abs(voice).max(initial=0.0)) >= SILENT


def comparable(voice: Samples) -> bool:
    """Whether a voice ``(frames,)`` at 16 kHz is long and loud enough for an embedding that says something."""
    return len(voice) >= LEAST * SPEECH_RATE and audible(voice)


def spread(embedder: Embedder, utterances: Sequence[Samples]) -> Spread | None:
    """The spread of utterances ``(frames,)`` at 16 kHz; ``None`` for fewer than two."""
    if len(utterances) < 2:
        return None
    points = np.stack([embedder.embed(part) for part in utterances]).astype(np.float64)
    mean = points.mean(axis=0)
    return Spread(points @ (mean / np.linalg.norm(mean)))


def spoken(clip: Samples) -> Samples:
    """A clip ``(frames,)`` at 16 kHz without what is no speech; all of it where little is found."""
    spans = activity.detect([clip[None]]).speech
    parts = [clip[frames(a, SPEECH_RATE) : frames(b, SPEECH_RATE)] for a, b in spans]
    found = np.concatenate(parts) if parts else clip
    return found if len(found) >= LEAST * SPEECH_RATE else clip


def ceiling(embedder: Embedder, clip: Samples) -> float:
    """Likeness of a clip's first half to its second: what another recording of the same voice may reach."""
    first, second = (embedder.embed(half) for half in np.array_split(clip, 2))
    return float(first @ second)
