"""The room around a voice: how long it rings and how loud, and the same ringing for another voice.

After Polack's model, late reverberation is noise that dies away exponentially; its decay is read off the
fastest decays of the voice itself, which no sound in the room can undercut (Ratnam et al. 2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperaudio.backend import Samples

EDGES = (125.0, 500.0, 1500.0, 4000.0, 8000.0)
"""Hz: bands whose decays are judged apart; the last reaches to the end of the spectrum."""
WINDOW, HOP = 0.02, 0.01
"""Seconds of an envelope's value, and between two."""
DROP = (12.0, 32.0)
"""dB under the peak before it between which a decay is read: the direct sound falls above, noise may lie under it."""
FASTEST = 25.0
"""Percentile of the decays that stands for the room: slower ones are the voice's own."""
FEWEST, FEWEST_BANDS = 4, 2
"""Decays, and bands in which there are so many, that it takes to say something of a room."""
DRY = 0.18
"""Seconds of decay over 60 dB under which nothing is added: speech in a dead room falls that fast."""
LONGEST = 2.5
"""Seconds of decay at most."""
LOUDEST = 0.0
"""dB of the tail's energy over the direct sound's at most."""
DIFFERENT = 2.0
"""dB by which the old voice's decays must lie over the new one's."""
RECENT = 0.2
"""Seconds in which a sound was loud that is said to decay."""
EARLIEST = 0.004
"""Seconds after the direct sound at which the tail begins."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Room:
    """Decay times over 60 dB in seconds ``(bands,)``, and the energy of the tail over the direct sound's."""

    seconds: Floats
    energy: float

    @property
    def dry(self) -> bool:
        return self.energy <= 0


NONE = Room(np.zeros(len(EDGES)), 0.0)


def estimate(pairs: Sequence[tuple[Floats, Floats]]) -> Room:
    """The room that old voices have and new ones lack, from :func:`envelopes` ``(old, new)`` of the same lines.

    Decay times come from the old voice alone. The tail's energy is the one with which the new voice's decays
    lie neither over nor under the old one's in the median; where they do so without a tail, there is none.
    """
    if not pairs:
        return NONE
    old, new = [was for was, _ in pairs], [now for _, now in pairs]
    found = np.array([decay([envelope[band] for envelope in old]) for band in range(len(EDGES))])
    if (found > 0).sum() < FEWEST_BANDS or np.median(found[found > 0]) < DRY:
        return NONE
    seconds = np.where(found > 0, found, np.median(found[found > 0]))
    ratios = 10 ** (np.linspace(-24, LOUDEST, 49) / 10)
    misses = np.array([_miss(old, new, seconds, ratio) for ratio in (0.0, *ratios)])
    if not np.isfinite(misses).all() or misses[0] <= DIFFERENT:
        return NONE
    return Room(seconds, float(ratios[np.argmin(np.abs(misses[1:]))]))


def envelopes(samples: Samples, rate: int) -> Floats:
    """Power of each band every 10 ms, ``(bands, values)``."""
    size, hop = round(WINDOW * rate), round(HOP * rate)
    padded = np.pad(np.asarray(samples, np.float64), (0, max(0, size - len(samples))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    taper = np.hanning(size + 2)[1:-1]
    power = np.abs(np.fft.rfft(windows * taper, axis=1)) ** 2 / (taper**2).sum() / size
    bins = np.fft.rfftfreq(size, 1 / rate)
    tops = (*EDGES[1:], rate)
    # What begins at half the rate would hold but the bin there, which is no band.
    within = [(bins >= low) & (bins < high) & (low < rate / 2) for low, high in zip(EDGES, tops, strict=True)]
    return np.stack([power[:, band].sum(axis=1) for band in within])


def decay(powers: Sequence[Floats]) -> float:
    """Seconds over 60 dB of the fast decays in envelopes ``(values,)``; 0 where there are too few."""
    low, high = DROP
    times = []
    for power in powers:
        level = 10 * np.log10(np.maximum(power, 1e-14))
        noise = np.percentile(level, 3) + 6
        peaks = np.flatnonzero((level[1:-1] >= level[:-2]) & (level[1:-1] > level[2:])) + 1
        for top in peaks:
            stop = min(len(level), top + round(1.0 / HOP))
            fall = level[top] - level[top:stop]
            # A decay ends where the sound rises again.
            rising = np.flatnonzero(fall[1:] < np.maximum.accumulate(fall)[:-1] - 3)
            fall = fall[: rising[0] + 1] if len(rising) else fall
            usable = min(high, level[top] - noise)
            if usable < low + 10 or fall.max(initial=0.0) < usable:
                continue
            begin, end = int(np.argmax(fall >= low)), int(np.argmax(fall >= usable))
            if end > begin:
                times.append(60 * (end - begin) * HOP / (fall[end] - fall[begin]))
            else:
                times.append(60 * HOP / usable)
    return float(min(np.percentile(times, FASTEST), LONGEST)) if len(times) >= FEWEST else 0.0


def _miss(old: Sequence[Floats], new: Sequence[Floats], seconds: Floats, ratio: float) -> float:
    """Median dB by which the old voices' decays lie over the new ones' with such a tail; not a number for too few."""
    over = []
    for band, time in enumerate(seconds):
        fading = np.exp(-13.8 * HOP / time * np.arange(1, round(1.2 * time / HOP) + 2))
        fading *= ratio / fading.sum()
        for was, now in ((a[band], b[band]) for a, b in zip(old, new, strict=True)):
            wet = now + np.convolve(now, fading)[: len(now)]
            wet *= was.sum() / max(float(wet.sum()), 1e-20)
            noise = float(np.percentile(was, 3)) + 1e-14
            dry, level = 10 * np.log10(now + 1e-14), 10 * np.log10(was + noise)
            recent = maximum_before(dry, round(RECENT / HOP))
            falling = (dry < recent - 15) & (recent > dry.max() - 20) & (level > 10 * np.log10(noise) + 6)
            over.append((level - 10 * np.log10(wet + noise))[falling])
    pooled = np.concatenate(over)
    return float(np.median(pooled)) if len(pooled) >= 10 else np.nan


def maximum_before(values: Floats, count: int) -> Floats:
    """The largest of each value and the ``count`` before it."""
    padded = np.pad(values, (count, 0), constant_values=-np.inf)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, count + 1).max(axis=1))


def tail(voice: Samples, room: Room, rate: int, seed: int) -> Samples:
    """What the room adds to a dry ``voice`` ``(frames,)``, the direct sound not included, as long as it."""
    from scipy.signal import oaconvolve

    if room.dry or not voice.any():
        return np.zeros_like(voice)
    return np.asarray(oaconvolve(voice, response(room, rate, seed))[: len(voice)], np.float32)


def response(room: Room, rate: int, seed: int) -> Floats:
    """Noise that dies away in each band as the room's, without the direct sound, ``(frames,)``."""
    length = round(1.2 * room.seconds.max() * rate)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    bins = np.fft.rfftfreq(length, 1 / rate)
    time = np.arange(length) / rate
    total = np.zeros(length)
    for low, high, seconds in zip(EDGES, (*EDGES[1:], rate), room.seconds, strict=True):
        within = (bins >= low) & (bins < high)
        if not within.any():
            continue
        part = np.fft.irfft(np.where(within, spectrum, 0), length) * np.exp(-6.9 * time / seconds)
        part[: round(EARLIEST * rate)] = 0
        # A band of noise passes a voice in that band by its energy over the band's share of the spectrum.
        share = (min(high, rate / 2) - low) / (rate / 2)
        total += part * np.sqrt(room.energy * share / max(float((part**2).sum()), 1e-20))
    return total
