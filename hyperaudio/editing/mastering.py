"""Bringing a programme to a loudness by gain alone."""

from __future__ import annotations

from hyperaudio.dsp.loudness import Loudness

MARGIN = 0.01
"""dB left for rounding."""


def gain(measured: Loudness, target: float, ceiling: float) -> tuple[float, float]:
    """DB that bring a programme to ``target`` LUFS with its true peak at most at ``ceiling`` dBTP, and what it
    then has in LUFS: less than asked for where the peaks do not allow it. Silence is left as it is.
    """
    if measured.integrated is None or measured.true_peak is None:
        return 0.0, target
    found = round(min(target - measured.integrated, ceiling - MARGIN - measured.true_peak), 3)
    return found, measured.integrated + found
