"""Where reconstruct finds the samples of the old and the new voices, and the rooms that they tell of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hyperaudio import audio
from hyperaudio.backend import Samples
from hyperaudio.editing import room
from hyperaudio.editing.placement import Span
from hyperaudio.stage import Context
from hyperaudio.stages.preprocess import Programme
from hyperaudio.stages.takes import TakeRecord
from hyperaudio.timeline import frames

AROUND = 1.0
"""Seconds around a take in which its noise floor is looked for, too."""
ENOUGH = 180.0
"""Seconds of a voice that tell its room."""
NEARBY = 0.5
"""Seconds after a take that show how its voice dies away."""
Blocked = Mapping[str, Sequence[tuple[float, float]]]
"""By speaker, where others talk, in seconds."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the samples of both voices come from."""

    context: Context
    programme: Programme
    takes: Sequence[TakeRecord]

    @property
    def base(self) -> Path:
        return self.context.path("preprocess/audio.wav")

    @property
    def vocals(self) -> Path:
        return self.context.path("separate/vocals.wav")

    def old(self, start: int, stop: int) -> Samples:
        """The voices to be removed, mono."""
        return audio.read_mono(self.vocals, start=start, stop=stop)

    def new(self, take: TakeRecord, start: int, stop: int) -> Samples:
        """A take between two frames of the recording, silent outside of it."""
        voice = np.zeros(min(stop, self.programme.frames) - start, np.float32)
        first, last = max(start, take.start_frame), min(start + len(voice), take.start_frame + take.frames)
        if last > first:
            path = self.context.path(f"synthesize/{take.file}")
            voice[first - start : last - start] = audio.read_mono(
                path, start=first - take.start_frame, stop=last - take.start_frame
            )
        return voice

    def voices(self, start: int, stop: int) -> Samples:
        """All takes between two frames."""
        near = [t for t in self.takes if t.start_frame < stop and t.start_frame + t.frames > start]
        silence = np.zeros(min(stop, self.programme.frames) - start, np.float32)
        return np.asarray(sum((self.new(take, start, stop) for take in near), silence))

    def window(self, take: TakeRecord, spans: Sequence[Span]) -> Span:
        """The frames of a take with all that is edited for it, and the pauses around."""
        around = frames(AROUND, self.programme.rate)
        start = min(take.start_frame, *(first for first, _ in spans)) - around
        stop = max(take.start_frame + take.frames, *(last for _, last in spans)) + around
        return max(start, 0), min(stop, self.programme.frames)


def rooms(source: Source, blocked: Blocked) -> dict[str, room.Room]:
    """The rooms that ring, by speaker."""
    rate, total = source.programme.rate, source.programme.frames
    envelopes: dict[str, list[tuple[room.Floats, room.Floats]]] = {}
    heard = dict.fromkeys((take.speaker for take in source.takes), 0)
    for take in source.takes:
        if heard[take.speaker] > ENOUGH * rate:
            continue
        heard[take.speaker] += take.frames
        start, stop = take.start_frame, take.start_frame + take.frames
        ahead = [frames(a, rate) for a, _ in blocked[take.speaker] if frames(a, rate) >= stop]
        stop = min([stop + frames(NEARBY, rate), total, *ahead])
        pair = room.envelopes(source.old(start, stop), rate), room.envelopes(source.new(take, start, stop), rate)
        envelopes.setdefault(take.speaker, []).append(pair)
    found = {speaker: room.estimate(pairs) for speaker, pairs in envelopes.items()}
    return {speaker: estimate for speaker, estimate in found.items() if not estimate.dry}
