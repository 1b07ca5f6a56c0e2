"""Sounds a voice makes where there are no words: breaths, laughter, filled pauses that nobody wrote down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperaudio.dsp import alignment, pitch
from hyperaudio.dsp.alignment import STEP

Samples = npt.NDArray[np.float32]

LEAST = 0.12
"""Seconds of sound worth naming."""
LASTING = 0.3
"""Seconds from which on a sound is more than a word's decay or onset."""
MINUTE = 60.0
"""Seconds whose levels are taken at once."""
BRIDGE = 0.05
"""Seconds of quiet that do not end a sound."""
OVER_FLOOR, UNDER_SPEECH = 10.0, 45.0
"""dB over the noise floor, and under the loud speech, from which on a sound is heard."""
VOICED = 0.3
"""Share of voiced points from which on a sound is voiced."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound without words, in seconds; ``level`` is in dB relative to the loud speech, ``voiced`` a share."""

    start: float
    end: float
    level: float
    voiced: float

    @property
    def description(self) -> str:
        """What was measured of it, for a person."""
        kind = "voiced" if self.voiced >= VOICED else "unvoiced"
        return f"no words: {kind} sound, {self.level:.0f} dB against speech"


def find(speech: Samples, spans: Sequence[tuple[float, float]]) -> list[Sound]:
    """The sounds in ``speech`` ``(frames,)`` at 16 kHz within ``spans`` (seconds, ascending).

    What touches a span's edge counts as the neighbouring word's decay or onset, unless it lasts.
    """
    from scipy.ndimage import binary_closing

    if not len(speech):
        return []
    level = _levels(speech)
    floor, top = np.percentile(level, [5, 95])
    threshold = max(floor + OVER_FLOOR, top - UNDER_SPEECH)
    bridge = round(BRIDGE / STEP)
    found = []
    for start, end in spans:
        first, last = round(start / STEP), min(round(end / STEP), len(level))
        if last <= first:
            continue
        heard = binary_closing(np.pad(level[first:last] >= threshold, bridge, "edge"), np.ones(bridge))
        heard = heard[bridge:-bridge]
        for a, b in alignment.runs(heard):
            apart = a > 0 and b < len(heard)
            if (b - a) * STEP >= (LEAST if apart else LASTING):
                found.append(_measured(speech, level, first + a, first + b, top))
    return found


def _levels(speech: Samples) -> npt.NDArray[np.float64]:
    """As :func:`alignment.levels`, a minute at a time, so that memory does not grow with the recording."""
    size = round(MINUTE * alignment.FEATURE_RATE)
    points = round(MINUTE / STEP)
    return np.concatenate([alignment.levels(speech[at : at + size])[:points] for at in range(0, len(speech), size)])


def _measured(speech: Samples, level: npt.NDArray[np.float64], first: int, last: int, top: float) -> Sound:
    rate = alignment.FEATURE_RATE
    contour = pitch.contour(speech[round(first * STEP * rate) : round(last * STEP * rate)], rate)
    power = float(10 * np.log10(np.mean(10 ** (level[first:last] / 10))))
    return Sound(
        round(first * STEP, 3), round(last * STEP, 3), round(power - top, 1), round(float(np.mean(contour > 0)), 2)
    )
