"""A result beside its original, with what is known of both: what every measure works on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hyperaudio import audio
from hyperaudio.backend import SPEECH_RATE, Samples
from hyperaudio.measures.samples import Frames
from hyperaudio.timeline import Segment, Word, frames, intersect, merge

PAUSE = 0.4
"""Seconds between two words from which on another utterance begins."""


@dataclass(frozen=True, slots=True)
class Format:
    """What a file was like before it was made comparable: Hz, number of channels, frames."""

    rate: int
    channels: int
    frames: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """An edit: frames of the original from ``start`` to before ``stop``, and whose voice was replaced."""

    start: int
    stop: int
    speaker: str


@dataclass(frozen=True, slots=True)
class Cut:
    """The same frames of all tracks, ``(channels, frames)``: the files, and the voices within them."""

    original: Samples
    result: Samples
    old: Samples

    @property
    def new(self) -> Samples:
        """The voices of the result: what it has more than the original's background."""
        return self.result - self.original + self.old


@dataclass(frozen=True, slots=True)
class Pair:
    """What is known of a result.

    Attributes:
        original, result: WAV or FLAC of one rate, length and number of channels.
        voices: all voices of the original by themselves, as a file of the same shape; ``None`` where they
            are not known and the whole mix stands in for them.
        was, now: what the files were like before they were brought to one shape.
        edits: ascending, apart from each other.
        edits_from: how they are known, for notes.
        words: everybody's in the original, ascending; a speaker of ``None`` is whoever is edited there.
        turns: who talks when; empty where it is not known.
        references: clip of the voice put in, by speaker.
        stems: each speaker's true track, in the original's shape.
        gain_db: of the whole result over the original, where it was asked for; the original is compared as if it
            had been raised so too.
        known: whether ``words`` are what the recogniser makes of the original, so that it need not be heard again.
    """

    original: Path
    result: Path
    voices: Path | None
    was: Format
    now: Format
    edits: tuple[Stretch, ...]
    edits_from: str
    words: tuple[Word, ...]
    turns: tuple[Segment, ...] = ()
    references: Mapping[str, Path] = field(default_factory=dict)
    stems: Mapping[str, Path] = field(default_factory=dict)
    gain_db: float = 0.0
    known: bool = False

    @property
    def rate(self) -> int:
        return self.was.rate

    @property
    def targets(self) -> tuple[str, ...]:
        """The speakers who were replaced, in order of their first edit."""
        return tuple(dict.fromkeys(edit.speaker for edit in self.edits))

    @property
    def spans(self) -> list[Frames]:
        """First frame of each edit, and the one after its last."""
        return [(edit.start, edit.stop) for edit in self.edits]

    @property
    def seconds(self) -> list[tuple[float, float]]:
        """The edits in seconds."""
        return [(edit.start / self.rate, edit.stop / self.rate) for edit in self.edits]

    def own(self, word: Word, speaker: str) -> bool:
        """Whether a speaker says a word."""
        return word.speaker is None or word.speaker == speaker

    def edited(self, speaker: str | None = None) -> list[Word]:
        """Words said by a target, or any, whose middle lies in an edit of that speaker's voice."""
        found = []
        edits = iter(self.edits)
        edit = next(edits, None)
        for word in sorted(self.words, key=lambda word: word.start + word.end):
            middle = (word.start + word.end) / 2 * self.rate
            while edit is not None and edit.stop <= middle:
                edit = next(edits, None)
            if edit is None:
                break
            if edit.start <= middle and self.own(word, edit.speaker) and speaker in (None, edit.speaker):
                found.append(word)
        return found

    def utterances(self, speaker: str) -> list[tuple[float, float]]:
        """Edited words of a speaker between longer pauses, in seconds; the edits where no words are known."""
        words = self.edited(speaker)
        if words:
            return merge([(word.start, word.end) for word in words], PAUSE)
        return [span for span, edit in zip(self.seconds, self.edits, strict=True) if edit.speaker == speaker]

    def overlaps(self, speaker: str) -> list[tuple[float, float]]:
        """Where a speaker talks and another does too, in seconds."""
        own = merge((turn.start, turn.end) for turn in self.turns if turn.speaker == speaker)
        return intersect(own, merge((turn.start, turn.end) for turn in self.turns if turn.speaker != speaker))

    def cut(self, start: int, stop: int) -> Cut:
        """Frames ``start`` to ``stop`` of all tracks."""
        return self._cut([audio.read(path, max(0, start), stop) for path in self._files])

    def blocks(self) -> Iterator[Cut]:
        """All tracks from begin to end, a block at a time."""
        for parts in zip(*(audio.blocks(path) for path in self._files), strict=True):
            yield self._cut(parts)

    @property
    def _files(self) -> list[Path]:
        return [self.original, self.result, *([self.voices] if self.voices else [])]

    def _cut(self, parts: Sequence[Samples]) -> Cut:
        original, result, old = parts[0], parts[1], parts[-1] if self.voices else parts[0]
        if not self.gain_db:
            return Cut(original, result, old)
        # In the same precision as it was applied, so that what was only raised is the same to the bit.
        gain = np.float32(10 ** (self.gain_db / 20))
        return Cut(original * gain, result, old * gain)

    def speech(self) -> tuple[Samples, Samples]:
        """The voices before and after as models hear them, both ``(frames,)`` at 16 kHz."""

        def mono() -> Iterator[Samples]:
            for cut in self.blocks():
                yield np.stack([cut.old.mean(axis=0, dtype=np.float32), cut.new.mean(axis=0, dtype=np.float32)])

        both = np.zeros((2, frames(self.was.frames / self.rate, SPEECH_RATE) + 1), np.float32)
        at = 0
        for block in audio.resample(mono(), self.rate, SPEECH_RATE):
            block = block[:, : both.shape[1] - at]
            both[:, at : at + block.shape[1]] = block
            at += block.shape[1]
        return both[0, :at], both[1, :at]


def within(voice: Samples, spans: list[tuple[float, float]]) -> list[Samples]:
    """Stretches of a 16 kHz voice ``(frames,)`` given in seconds."""
    return [voice[frames(start, SPEECH_RATE) : frames(end, SPEECH_RATE)] for start, end in spans]
