"""What ``edits.json`` holds: where the result differs from the recording, how, and what was left."""

from __future__ import annotations

from pydantic import Field

from hyperaudio.job import Document, Record
from hyperaudio.stages.takes import Kept


class Edit(Record):
    """One stretch that was changed.

    ``start_frame`` to ``end_frame`` are the frames that may differ from the input; ``fade_in`` and
    ``fade_out`` their fades, in frames.
    """

    take: int
    speaker: str
    method: str
    start: float
    end: float
    start_frame: int
    end_frame: int
    fade_in: int
    fade_out: int
    gain_db: float
    peak_reduction_db: float
    """How far the new voice was turned down around its peaks at most, to stay under the recording's own."""
    pan: tuple[float, ...]
    """Gain of each channel relative to the mono voice, from the removed vocals."""
    width_db: float | None = None
    """Level of what is not the panned voice, over the voice; ``None`` where it has no width."""
    correlations: tuple[float, float] = (1.0, 1.0)
    """Of the old and the new voice at both seams: 1 is an equal-gain crossfade, 0 one of equal power."""
    text: str


class Overlap(Kept):
    """A stretch where the target talks with somebody else, and what was decided: ``replaced`` or ``original kept``."""

    decision: str
    others: tuple[str, ...] = ()
    """Who else talks."""
    sdr_db: float | None = None
    """SI-SDR of the other voice after taking the target out, as measured on mixtures of both voices' own speech."""
    left_db: float | None = None
    """Level of the old voice that is left, over what it was, measured likewise."""
    likeness: float | None = None
    """How much nearer to the target than to the other the voice taken out is: difference of cosines."""


class Ringing(Record):
    """A room: seconds of decay over 60 dB by band, and the level of the tail over the direct sound, dB."""

    seconds: tuple[float, ...]
    level_db: float


class Edits(Document):
    """``edits.json``."""

    rate: int
    frames: int
    edits: tuple[Edit, ...]
    overlaps: tuple[Overlap, ...]
    kept: tuple[Kept, ...]
    rooms: dict[str, Ringing] = Field(default_factory=dict)
    """Of each speaker whose room rings."""
    mastering_gain_db: float | None = None
    """Gain over everything, where mastering was asked for; without it nothing outside the edits differs."""

    @property
    def changed(self) -> list[tuple[int, int]]:
        """The frames ``[first, last)`` that may differ from the recording's."""
        if self.mastering_gain_db is not None:
            return [(0, self.frames)]
        return [(edit.start_frame, edit.end_frame) for edit in self.edits]
