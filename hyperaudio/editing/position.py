"""Where a voice stands between the channels, and how wide it is."""

from __future__ import annotations

import numpy as np

from hyperaudio.backend import Samples

WIDEST, NARROWEST = -3.0, -35.0
"""dB of the part of a channel that is not the panned voice, over the voice: limits between which it is given back."""
BLUR = 0.03
"""Seconds of the noise that makes a voice wide: short enough not to be heard as a room."""


def pan(vocals: Samples) -> Samples:
    """Gain of each channel relative to their mean, ``(channels,)``, by least squares; 1 where there is no voice."""
    mono = vocals.mean(axis=0, dtype=np.float64)
    energy = float(mono @ mono)
    if energy <= 0:
        return np.ones(len(vocals), np.float32)
    return (vocals.astype(np.float64) @ mono / energy).astype(np.float32)


def width(vocals: Samples, gains: Samples) -> Samples:
    """Energy in each channel that is not the panned mean's, over the mean's, ``(channels,)``; 0 up to -35 dB."""
    mono = vocals.mean(axis=0, dtype=np.float64)
    energy = float(mono @ mono)
    if energy <= 0:
        return np.zeros(len(vocals), np.float32)
    rest = vocals - gains[:, None].astype(np.float64) * mono
    share = (rest**2).sum(axis=1) / energy
    share[share < 10 ** (NARROWEST / 10)] = 0
    return np.minimum(share, 10 ** (WIDEST / 10)).astype(np.float32)


def spread(voice: Samples, ringing: Samples, gains: Samples, shares: Samples, rate: int, seed: int) -> Samples:
    """A mono voice and its room's ringing placed between the channels, ``(channels, frames)``.

    Args:
        voice, ringing: ``(frames,)``.
        gains: of each channel, from :func:`pan`.
        shares: what is wide in each channel, from :func:`width`: the voice, and its ringing, blurred by
            noise of its own that adds up to nothing over the channels, so that the mono sum stays.
        rate: Hz.
        seed: the same gives the same noise.
    """
    from scipy.signal import oaconvolve

    mono = voice + ringing
    placed = gains[:, None] * mono
    if not shares.any() or not voice.any():
        return np.asarray(placed, np.float32)
    length = round(BLUR * rate)
    noise = np.random.default_rng(seed).standard_normal((len(gains), length)) * np.exp(-np.arange(length) / length * 4)
    noise -= noise.mean(axis=0)
    wide = np.stack([np.asarray(oaconvolve(mono, taps)[: len(mono)]) for taps in noise])
    energy = np.sqrt(shares * (mono.astype(np.float64) @ mono) / np.maximum((wide**2).sum(axis=1), 1e-20))
    return np.asarray(placed + energy[:, None] * wide, np.float32)
