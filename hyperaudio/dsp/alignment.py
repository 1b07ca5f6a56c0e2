"""Two renderings of the same words put side by side: dynamic time warping with optional silences.

The template is walked once from begin to end while the target's frames go by. A template frame may be
held or skipped, at a price; a silence may stand between words of the target whether or not the template
pauses there. Moving through the template is limited to `MOST_SKIPPED` frames per step.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEP = 0.005
"""Seconds per feature frame."""
FEATURE_RATE = 16_000
"""Hz of the samples that features are made of."""
MOST_SKIPPED = 2
"""Template frames that may be passed over in one step: speech up to three times as fast."""

SILENCE_DEPTH = 28.0
"""dB under the loud parts from which a pause is likelier than speech, in a recording whose own noise fills it."""
SILENCE_SPREAD = 4.0
"""dB over which silence turns from likely to unlikely."""

_WINDOW = 0.025
_BANDS = 40
_CEPSTRA = 13


def levels(samples: npt.NDArray[np.floating]) -> Floats:
    """Level of ``samples`` ``(frames,)`` at 16 kHz in dBFS, one per ``STEP``, over 25 ms around it."""
    return np.asarray(10 * np.log10((_frames(samples) ** 2).mean(axis=1) + 1e-10))


def speech_threshold(level: npt.NDArray[np.floating]) -> float:
    """Level in dBFS that parts speech from pauses: 38 dB under the loud parts, more in noise, but 25 dB at least."""
    floor, top = np.percentile(level, [2, 95])
    return float(min(max(top - 38, floor + 6), top - 25))


def loudness(samples: npt.NDArray[np.floating]) -> Floats:
    """From 0 in silence to 1 in speech, one per ``STEP`` of ``samples`` ``(frames,)`` at 16 kHz."""
    level = levels(samples)
    threshold = max(speech_threshold(level), float(np.percentile(level, 95)) - SILENCE_DEPTH)
    return np.asarray(1 / (1 + np.exp((threshold - level) / SILENCE_SPREAD)))


def runs(true: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of true values: first and last (exclusive) index of each."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]])))
    return [(int(a), int(b)) for a, b in zip(change[::2], change[1::2], strict=True)]


def features(samples: npt.NDArray[np.floating], active: npt.NDArray[np.bool_] | None = None) -> Floats:
    """Mel cepstra with their slopes ``(points, 26)`` of ``samples`` ``(frames,)`` at 16 kHz, one per ``STEP``.

    Each dimension has mean 0 and variance 1 over the ``active`` points (default: those over the
    speech threshold), which takes out the voice and the channel as far as a mean can.
    """
    from scipy.fft import dct

    level = levels(samples)
    if active is None or not active.any():
        active = level >= speech_threshold(level)
    frames = _frames(samples)
    frames = np.diff(frames, axis=1, prepend=frames[:, :1] * 0.03) * np.hanning(frames.shape[1])
    power = np.abs(np.fft.rfft(frames, 512, axis=1)) ** 2
    log = np.log(power @ _mel(_BANDS, 512).T + 1e-9)
    log = np.maximum(log, log[active].max(axis=0) - 9.0)
    cepstra = dct(log, norm="ortho", axis=1)[:, :_CEPSTRA]
    both = np.concatenate([cepstra, _slope(cepstra)], axis=1)
    return (both - both[active].mean(axis=0)) / (both[active].std(axis=0) + 1e-6)


def distances(target: Floats, template: Floats) -> Floats:
    """Mean squared difference of features: ``(target points, template points)``."""
    square = (target**2).sum(axis=1)[:, None] + (template**2).sum(axis=1)[None]
    return np.asarray(np.maximum(square - 2 * target @ template.T, 0.0) / target.shape[1])


def walk(cost: Floats, optional: npt.NDArray[np.bool_], hold: float | Floats = 0.15, skip: float = 0.3) -> Ints:
    """The cheapest way through the states of a template: state of each target point, never falling.

    Args:
        cost: ``(points, states)`` of being in a state at a point.
        optional: ``(states,)`` true for silences, which may be left out or held freely.
        hold: price of staying in a state that is no silence, one or ``(states,)``.
        skip: price of each state passed over.

    Raises:
        ValueError: the template cannot be walked in so few points.
    """
    points, states = cost.shape
    widest = MOST_SKIPPED + 2
    price = np.full((widest + 1, states), np.inf)
    price[0] = np.where(optional, 0.0, hold)
    passed = np.concatenate([[0], np.cumsum(~optional)])
    for jump in range(1, min(widest, states - 1) + 1):
        between = passed[jump:states] - passed[1 : states - jump + 1]
        price[jump, jump:] = np.where(between <= MOST_SKIPPED, skip * between, np.inf)
    total = np.full(states, np.inf)
    first = int(np.argmin(optional)) + 1
    total[:first] = cost[0, :first]
    came = np.zeros((points, states), np.int8)
    options = np.full((widest + 1, states), np.inf)
    for point in range(1, points):
        for jump in range(min(widest, states - 1) + 1):
            options[jump, jump:] = total[: states - jump] + price[jump, jump:]
        came[point] = options.argmin(axis=0)
        total = options[came[point], np.arange(states)] + cost[point]
    last = states - 1 - int(np.argmin(optional[::-1]))
    end = last + int(np.argmin(total[last:]))
    if not np.isfinite(total[end]):
        raise ValueError(f"{states} template frames do not fit into {points}")
    path = np.empty(points, np.int64)
    for point in range(points - 1, -1, -1):
        path[point] = end
        end -= int(came[point, end])
    return path


def _frames(samples: npt.NDArray[np.floating]) -> Floats:
    half, step = round(_WINDOW * FEATURE_RATE / 2), round(STEP * FEATURE_RATE)
    padded = np.pad(np.asarray(samples, np.float64), half)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * half)[::step]


def _slope(values: Floats, reach: int = 4) -> Floats:
    """Least-squares slope over ``2 * reach + 1`` points."""
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    n = len(values)
    total = sum(
        k * (padded[reach + k : reach + k + n] - padded[reach - k : reach - k + n]) for k in range(1, reach + 1)
    )
    return np.asarray(total) / (2 * sum(k * k for k in range(1, reach + 1)))


def _mel(bands: int, size: int) -> Floats:
    """Triangles ``(bands, size // 2 + 1)`` evenly spaced in mel (O'Shaughnessy 1987) from 100 to 7,600 Hz."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (100.0, 7600.0))
    edges = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(size, 1 / FEATURE_RATE)
    up = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.clip(np.minimum(up, down), 0, None)
