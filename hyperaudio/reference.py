"""Judging a reference clip before anything long is done with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hyperaudio import audio
from hyperaudio.backend import SPEECH_RATE, Embedder, Reference, Samples
from hyperaudio.dsp import activity
from hyperaudio.dsp.loudness import SHORTEST
from hyperaudio.dsp.onsets import energy
from hyperaudio.errors import InputError
from hyperaudio.timeline import frames

LEAST_SPEECH = 3.0
"""Seconds of speech below which an embedding says little of a voice."""
GOOD_SPEECH = 8.0
"""Seconds of speech from which on more makes little difference."""
LONGEST = 60.0
"""Seconds of the clip that are used."""
QUIETEST = -60.0
"""dBFS peak under which a clip is as good as silent."""
CLIPPED = 0.0005
"""Share of samples at full scale above which a clip is audibly clipped."""
LEAST_SNR = 15.0
"""dB between speech and pauses under which the noise becomes part of the voice."""
WINDOW = 2.5
"""Seconds embedded at a time when looking for a second person."""
SAME_PERSON = 0.35
"""Cosine under which two halves of a clip are two people: WeSpeaker gives 0.79 for one person, 0.07 for two,
and one person's short windows stay above 0.4."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A reference fit for use: one person's speech, with what a user should know of it."""

    reference: Reference
    speech: Samples
    """Its speech at 16 kHz, pauses taken out, ``(frames,)``."""
    seconds: float
    """Seconds of speech."""
    warnings: tuple[str, ...]


def judge(path: Path, name: str, embedder: Embedder) -> Judged:
    """Read a reference clip and check length, level, clipping, noise, and that one person speaks in it.

    Args:
        path: any audio file.
        name: what messages call it.
        embedder: tells voices apart.

    Raises:
        InputError: the clip cannot serve; the message says why and what would.
    """
    info = audio.probe(path)
    samples = audio.read_mono(path, stop=frames(LONGEST, info.rate))
    peak = float(np.abs(samples).max(initial=0.0))
    if peak < 10 ** (QUIETEST / 20):
        raise InputError(f"the reference {name} is silent", "give a clip in which the voice is clearly heard")
    heard = audio.read_mono(path, SPEECH_RATE, stop=frames(LONGEST, info.rate)) / np.float32(peak) * np.float32(0.7)
    spans = activity.detect([heard[None]]).speech if len(heard) >= SHORTEST * SPEECH_RATE else []
    parts = [heard[frames(a, SPEECH_RATE) : frames(b, SPEECH_RATE)] for a, b in spans]
    speech = np.concatenate(parts) if parts else heard[:0]
    seconds = len(speech) / SPEECH_RATE
    if seconds < LEAST_SPEECH:
        raise InputError(
            f"the reference {name} has {seconds:.1f} s of speech",
            f"give at least {LEAST_SPEECH:g} s; 10 to 30 s is best",
        )
    warnings = []
    if seconds < GOOD_SPEECH:
        warnings.append(f"the reference {name} has only {seconds:.1f} s of speech; 10 to 30 s is best")
    full = float(np.mean(np.abs(samples) >= 0.999 * max(peak, 0.99)))
    if full > CLIPPED:
        warnings.append(
            f"the reference {name} is clipped ({full:.2%} of it at full scale): the new voice may sound harsh"
        )
    level = energy(heard, SPEECH_RATE)
    snr = float(np.percentile(level, 90) - np.percentile(level, 5))
    if snr < LEAST_SNR:
        warnings.append(f"the reference {name} is noisy ({snr:.0f} dB between speech and pauses)")
    likeness = one_person(speech, embedder)
    if likeness < SAME_PERSON:
        raise InputError(
            f"the reference {name} seems to hold more than one speaker (likeness {likeness:.2f})",
            "cut it to where only the wanted person speaks",
        )
    return Judged(Reference(samples, info.rate), speech, seconds, tuple(warnings))


def one_person(speech: Samples, embedder: Embedder) -> float:
    """Cosine between the two most different groups of windows of a clip; 1 where it has but one window."""
    size = frames(WINDOW, SPEECH_RATE)
    windows = [speech[at : at + size] for at in range(0, len(speech) - size + 1, size)]
    if len(windows) < 2:
        return 1.0
    points = np.stack([embedder.embed(window) for window in windows])
    # Two-means from the least alike pair; a handful of points settles at once.
    likeness = points @ points.T
    first, second = np.unravel_index(int(np.argmin(likeness)), likeness.shape)
    centres = points[[first, second]]
    for _ in range(5):
        nearest = np.argmax(points @ centres.T, axis=1)
        centres = np.stack([points[nearest == k].mean(axis=0) if (nearest == k).any() else centres[k] for k in (0, 1)])
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    if min((nearest == 0).sum(), (nearest == 1).sum()) == 0:
        return 1.0
    return float(centres[0] @ centres[1])
