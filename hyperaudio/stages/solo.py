"""What is known of each speaker's voice from where they talk alone, and what tells two of them apart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from hyperaudio import audio
from hyperaudio.backend import SPEECH_RATE, Embedder, Samples, Transcriber
from hyperaudio.dsp.loudness import rms
from hyperaudio.dsp.matching import bare
from hyperaudio.editing import extraction
from hyperaudio.editing.extraction import Exemplars, Reliability
from hyperaudio.stage import Context
from hyperaudio.stages.transcribe import Transcript
from hyperaudio.timeline import Segment, alone, frames

SOLO = 60.0
"""Seconds of solo speech that a voice is learnt from and tried on."""
INSIDE = 0.05
"""Seconds that solo speech keeps from the turns' edges, which are not exact."""
LEVELS = 3.0
"""dB in whose steps the level difference of two voices is tried out."""
FURTHEST = 12.0
"""dB of that difference at most."""
EMBEDDABLE = 1.5
"""Seconds under which an embedding is not to be trusted."""
CONTEXT = 8.0
"""Seconds around an overlap that a recogniser hears with it."""
LOUD = 0.06
"""RMS (-24 dBFS) at which it hears them."""


class Voices:
    """The voices of a recording, each measured when it is first asked for."""

    def __init__(self, context: Context, segments: Sequence[Segment], spoken: Transcript, rate: int) -> None:
        self.segments = segments
        self.spoken = spoken
        self.rate = rate
        self.vocals = context.path("separate/vocals.wav")
        self._backends = context.backends
        self._solo: dict[str, Samples] = {}
        self._exemplars: dict[str, Exemplars] = {}
        self._reliable: dict[tuple[str, str, float], Reliability | None] = {}

    @cached_property
    def embedder(self) -> Embedder | None:
        return self._backends["embed"].load() if "embed" in self._backends else None

    @cached_property
    def transcriber(self) -> Transcriber | None:
        return self._backends["transcribe"].load() if "transcribe" in self._backends else None

    def solo(self, speaker: str) -> Samples:
        """Up to :data:`SOLO` seconds ``(channels, frames)`` in which only the speaker talks, longest turns first."""
        if speaker not in self._solo:
            spans = [(a + INSIDE, b - INSIDE) for a, b in alone(self.segments, speaker) if b - a > 2 * INSIDE]
            chosen: list[tuple[float, float]] = []
            left = SOLO
            for start, end in sorted(spans, key=lambda span: span[0] - span[1]):
                chosen += [(start, min(end, start + left))] if left > 0 else []
                left -= end - start
            parts = [audio.read(self.vocals, frames(a, self.rate), frames(b, self.rate)) for a, b in sorted(chosen)]
            self._solo[speaker] = np.concatenate(parts or [audio.read(self.vocals, 0, 0)], axis=1)
        return self._solo[speaker]

    def exemplars(self, speaker: str) -> Exemplars:
        if speaker not in self._exemplars:
            self._exemplars[speaker] = extraction.exemplars(self.solo(speaker), self.rate)
        return self._exemplars[speaker]

    def reliability(self, target: str, other: str, level_db: float) -> Reliability | None:
        """Of two speakers, the target so much louder than the other."""
        level = min(max(LEVELS * round(level_db / LEVELS), -FURTHEST), FURTHEST)
        key = (target, other, level)
        if key not in self._reliable:
            self._reliable[key] = extraction.reliability(self.solo(target), self.solo(other), level, self.rate)
        return self._reliable[key]

    def likeness(self, voice: Samples, target: str, other: str) -> float | None:
        """Cosine of ``voice`` with the target less that with the other; ``None`` where it is too short to tell."""
        if self.embedder is None or voice.shape[1] < EMBEDDABLE * self.rate:
            return None
        point, mine, theirs = (
            self.embedder.embed(_mono(samples, self.rate)) for samples in (voice, self.solo(target), self.solo(other))
        )
        return float(point @ mine - point @ theirs)

    def heard(self, voice: Samples, first: int) -> list[str]:
        """The words heard in what was taken out of an overlap, ``voice`` ``(channels, frames)`` from frame ``first``
        on, with the vocals around it as context.
        """
        if self.transcriber is None:
            return []
        around, last = frames(CONTEXT, self.rate), first + voice.shape[1]
        start = max(0, first - around)
        parts = audio.read(self.vocals, start, first), voice, audio.read(self.vocals, last, last + around)
        speech = _mono(np.concatenate(parts, axis=1), self.rate)
        words = self.transcriber.transcribe(
            speech * np.float32(LOUD / rms(speech)), self.spoken.language, _unheeded
        ).words
        low, high = (first - start) / self.rate, (last - start) / self.rate
        return [bare(word.text) for word in words if low <= (word.start + word.end) / 2 < high]

    def are_others(self, speaker: str, span: tuple[float, float], mine: Samples, theirs: Samples, first: int) -> bool:
        """Whether the transcript's words of a speaker in an overlap are rather heard in what the other says:
        recognisers write down the louder one.
        """
        from rapidfuzz.distance import LCSseq

        words = self.words(speaker, *span)
        if not words:
            return False
        own, other = (LCSseq.similarity(words, self.heard(voice, first)) for voice in (mine, theirs))
        return other > own

    def words(self, speaker: str, start: float, end: float) -> list[str]:
        """What the transcript has a speaker say between two moments."""
        own = (word for u in self.spoken.utterances if u.speaker == speaker for word in u.words)
        return [bare(word.text) for word in own if start <= (word.start + word.end) / 2 < end]


def _unheeded(fraction: float) -> None:
    """How far a few seconds of recognition have come is of no interest."""


def _mono(samples: Samples, rate: int) -> Samples:
    """``(channels, frames)`` as an embedder hears it."""
    mono = samples.mean(axis=0, keepdims=True, dtype=np.float32)
    return np.concatenate(list(audio.resample([mono], rate, SPEECH_RATE)), axis=1)[0]
