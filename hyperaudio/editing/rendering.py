"""An edit in samples: a take fitted to what it replaces, and each of its stretches with seams, floor and peaks.

Within a stretch ``result = mix - removed * old + put * new``, where ``old`` is the voice removed and ``new`` the
one put in, its room and noise floor with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hyperaudio.backend import Samples
from hyperaudio.dsp.loudness import rms
from hyperaudio.editing import bandwidth, floor, level, position, room, seams
from hyperaudio.editing.peaks import under
from hyperaudio.editing.placement import Span
from hyperaudio.timeline import frames

STEADY = 0.1
"""LU within which a level stands; turning peaks down takes some away again."""
TRIES, LIFT = 4, 3.0
"""How often, and dB by how much at a time, the voice is raised again for that."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an edit is to give back of the voice that it removes.

    Attributes:
        fade: seconds of a seam at least.
        match_level: the utterance's loudness.
        contour_db: how far its ups and downs are followed, dB.
        match_band: the ends of its band.
        room_tone: its noise floor.
        ceiling: true peak that the result must not exceed, linear.
    """

    fade: float
    match_level: bool
    contour_db: float
    match_band: bool
    room_tone: bool
    ceiling: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """A take ready to be put in: arrays ``(channels, frames)`` over its window.

    Attributes:
        mix: the recording.
        old: the voice to be removed.
        voice: the new voice ``(frames,)``, dry and in its band.
        ringing: what the room adds to it, ``(frames,)``.
        noise: the floor, where there is one.
        lacks_from: Hz from which on the new voice has nothing where the old one has.
    """

    mix: Samples
    old: Samples
    voice: Samples
    ringing: Samples
    noise: floor.Floor | None
    lacks_from: float | None


@dataclass(frozen=True, slots=True)
class Rendered:
    """One stretch of a take.

    Attributes:
        patch: the samples to put there, ``(channels, frames)``.
        fade_in, fade_out: frames of its seams.
        gain_db: that brought the voice to its level.
        lowered_db: largest reduction around a peak, at most 0.
        pan: gain of each channel.
        width: energy in each channel that is not the panned voice's, over the voice's.
        correlations: of old and new at both seams.
    """

    patch: Samples
    fade_in: int
    fade_out: int
    gain_db: float
    lowered_db: float
    pan: Samples
    width: Samples
    correlations: tuple[float, float]


def fit(
    mix: Samples,
    vocals: Samples,
    voice: Samples,
    spans: Sequence[Span],
    around: room.Room,
    wishes: Wishes,
    rate: int,
    *,
    slack: int = 0,
) -> Fitted:
    """A take with the band, contour and room of what it replaces.

    Args:
        mix, vocals: ``(channels, frames)`` of the take's window.
        voice: the take, ``(frames,)``.
        spans: its stretches, in frames of the window.
        around: the room that it lacks.
        wishes: what to give back.
        rate: Hz.
        slack: how far the take's words may lie in the old voice's pauses, in spectra; see :func:`floor.hushed`.
    """
    mono = vocals.mean(axis=0, dtype=np.float32)
    lacks_from = None
    inside = np.zeros(len(voice), bool)
    for first, last in spans:
        inside[first:last] = True
    was, now = bandwidth.bands(mono[inside], rate), bandwidth.bands(voice[inside], rate)
    if was and now:
        lacks_from = bandwidth.lacking(was, now)
        if wishes.match_band:
            voice = bandwidth.confine(voice, bandwidth.excess(was, now), was.centres, rate)
    curve = np.ones(len(voice), np.float32)
    for first, last in spans:
        curve[first:last] = level.contour(voice[first:last], mono[first:last], rate, wishes.contour_db)
    # Steps between stretches lie where the voice pauses; the room rings with what was said at its level.
    voice = voice * curve
    noise = None
    if wishes.room_tone and (noise := floor.estimate(vocals, rate)):
        if quiet := floor.estimate(mono[None], rate):
            louder = rms(voice[inside]) / max(rms(mono[inside]), 1e-9)
            voice = floor.hushed(voice, mono, quiet, louder, slack)
        own = floor.estimate(np.stack([voice[inside]] * len(vocals)), rate, skip_silence=False)
        noise = floor.lacking(noise, own)
    ringing = room.tail(voice, around, rate, seed=0)
    return Fitted(mix, vocals, voice, ringing, noise, lacks_from)


def render(fitted: Fitted, span: Span, wishes: Wishes, rate: int, seed: int) -> Rendered:
    """The samples of one stretch; ``span`` in frames of the take's window, ``seed`` for its noise."""
    part = slice(*span)
    mix, old = fitted.mix[:, part], fitted.old[:, part]
    mono = old.mean(axis=0, dtype=np.float32)
    dry = fitted.voice[part]
    most = mix.shape[1] // 2
    # A window has room around its stretches but at the recording's own ends, where there is nothing to fade from.
    fade_in = min(frames(wishes.fade, rate), most) if span[0] > 0 else 0
    fade_out = (
        min(frames(seams.release(mono, dry, rate, wishes.fade), rate), most) if span[1] < len(fitted.voice) else 0
    )
    removed, put, correlations = seams.weights(mix.shape[1], fade_in, fade_out, mono, dry)
    gains = position.pan(removed * old)
    shares = position.width(removed * old, gains)
    new = position.spread(dry, fitted.ringing[part], gains, shares, rate, seed)
    kept = mix - removed * old
    gain_db = level.gain(put * new, removed * old, rate) if wishes.match_level else 0.0
    for left in reversed(range(TRIES)):
        voice = new * np.float32(10 ** (gain_db / 20))
        if fitted.noise is not None:
            voice = voice + floor.filling(fitted.noise, old, seed)
        patch, lowered_db = under(wishes.ceiling, kept, put * voice, rate)
        short = level.gain(patch - kept, removed * old, rate) if wishes.match_level else 0.0
        if lowered_db == 0 or abs(short) <= STEADY or not left:
            break
        gain_db += min(short, LIFT)
    return Rendered(patch, fade_in, fade_out, gain_db, lowered_db, gains, shares, correlations)
