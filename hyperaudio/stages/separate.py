"""separate: voices and what is behind them, two files that add up to the recording again.

``vocals = gate * (thin * mix + (1 - thin) * estimate)`` and ``background = mix - vocals``, where ``gate``
opens where anybody speaks, and ``thin`` where nothing is behind the voice - no music is found near, or the
estimate leaves next to nothing behind: a separator can only hurt there.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from hyperaudio import audio
from hyperaudio.backend import SPEECH_RATE, Samples, Separator, Task
from hyperaudio.dsp import activity
from hyperaudio.dsp.loudness import decibels, rms
from hyperaudio.events import Progress
from hyperaudio.job import Document
from hyperaudio.settings import Section
from hyperaudio.stage import Context, Stage, Wish
from hyperaudio.stages.preprocess import Programme, analysis_copy
from hyperaudio.timeline import frames, intersect, merge

CHUNK = 30.0
"""Seconds separated at a time."""
MARGIN = 2.0
"""Seconds of context on both sides of a chunk."""
SPEECH_MARGIN = 0.5
"""Seconds around detected speech that still count as speech: breaths, soft endings."""
BRIDGE = 2.0
"""Pauses up to this many seconds do not close the gate."""
FADE = 0.05
"""Seconds a gate takes to open."""
LEAST_MUSIC = 1.5
"""Seconds of music that make it worth to separate; the detector finds up to 2 % of it in plain speech."""
MUSIC_BRIDGE, MUSIC_MARGIN = 10.0, 5.0
"""Seconds: the detector misses half of the music far under speech, so what lies between two finds, or near
one, has music too."""
WINDOW = 1.0
"""Seconds over which voice and residual are compared."""
SPREAD = 3
"""Windows to both sides that must be alone too: music between two words is behind both."""


class Settings(Section):
    backend: str = "auto"
    """Separator: auto, htdemucs or spleeter (light)."""
    when: Literal["auto", "always", "never"] = "auto"
    """Separate where music is found (auto), everywhere (always), or take the recording as voices (never)."""
    alone_db: float = -30.0
    """A residual this many dB under the voice counts as nothing: the recording is passed through there."""


class Separation(Document):
    """``separation.json``: what was done and why."""

    separated: bool
    reason: str
    speech: list[tuple[float, float]]
    music: list[tuple[float, float]]
    passed_through: list[tuple[float, float]]


def run(context: Context) -> None:
    settings: Settings = context.settings
    programme = context.read("preprocess/loudness.json", Programme)
    base = context.path("preprocess/audio.wav")
    found = activity.detect(audio.blocks(context.path("preprocess/speech.wav")))
    context.progress(0.05)
    music = activity.total(found.music)
    enough = music >= LEAST_MUSIC and music >= 0.02 * programme.seconds
    if settings.when == "always" or (settings.when == "auto" and enough):
        anywhere = settings.when == "always" or not enough
        near = [(0.0, programme.seconds)] if anywhere else music_regions(found.music, programme.seconds)
        passed = _separate(context, base, programme, found.speech, near)
        reason = f"music in {music:.1f} s of {programme.seconds:.1f} s" if enough else "asked for"
        result = Separation(
            separated=True, reason=reason, speech=found.speech, music=found.music, passed_through=passed
        )
    else:
        whole = [(0.0, programme.seconds)]
        _write(context, programme, ((block, block) for block in audio.blocks(base)))
        shutil.copyfile(context.path("preprocess/speech.wav"), context.folder / "speech.wav")
        reason = "asked for" if settings.when == "never" else f"nothing behind the voices ({music:.1f} s of music)"
        result = Separation(
            separated=False, reason=reason, speech=found.speech, music=found.music, passed_through=whole
        )
        context.note(f"the recording is passed through as voices: {reason}")
    context.write("separation.json", result)


def music_regions(music: list[tuple[float, float]], seconds: float) -> list[tuple[float, float]]:
    """Where music has to be reckoned with, given where it was found."""
    grown = ((max(0.0, start - MUSIC_MARGIN), min(seconds, end + MUSIC_MARGIN)) for start, end in music)
    return merge(grown, gap=MUSIC_BRIDGE)


def _separate(
    context: Context,
    base: Path,
    programme: Programme,
    spoken: list[tuple[float, float]],
    near: list[tuple[float, float]],
) -> list[tuple[float, float]]:
    """Write the parts; where speech was passed through as it is, in seconds."""
    settings: Settings = context.settings
    separator: Separator = context.backends["separate"].load()
    rate = programme.rate
    speech = merge(((max(0.0, a - SPEECH_MARGIN), b + SPEECH_MARGIN) for a, b in spoken), gap=BRIDGE)
    estimate = context.folder / "estimate.wav"
    levels: list[tuple[float, float]] = []
    pieces = list(_pieces(intersect(speech, near), programme))
    with audio.Writer(estimate, rate, programme.channels) as writer:
        for block in _estimates(separator, base, programme, pieces, context.between(0.05, 0.9)):
            writer.write(block)
    size = frames(WINDOW, rate)
    for mix, voice in zip(audio.blocks(base, size), audio.blocks(estimate, size), strict=True):
        levels.append((rms(voice), rms(mix - voice)))
    alone = _alone(levels, settings.alone_db)
    passed = merge(((at * WINDOW, (at + 1) * WINDOW) for at in np.flatnonzero(alone)), gap=1e-6)

    def voices() -> Iterator[tuple[Samples, Samples]]:
        at = 0
        for mix, voice in zip(audio.blocks(base), audio.blocks(estimate), strict=True):
            stop = at + mix.shape[1]
            thin = activity.gate(passed, at, stop, rate, FADE)
            open_ = activity.gate(speech, at, stop, rate, FADE)
            yield mix, open_ * (thin * mix + (1 - thin) * voice)
            at = stop

    _write(context, programme, voices())
    estimate.unlink()
    with audio.Writer(context.folder / "speech.wav", SPEECH_RATE, 1) as writer:
        for block in analysis_copy(audio.blocks(context.folder / "vocals.wav"), rate, programme.analysis_gain_db):
            writer.write(block)
    return intersect(passed, [(0.0, programme.seconds)])


def _alone(levels: list[tuple[float, float]], limit: float) -> np.ndarray:
    """Windows in which, and around which, the residual is ``limit`` dB under the voice, or no voice is."""
    thin = np.array([decibels(rest) - decibels(voice) < limit if voice > 0 else True for voice, rest in levels])
    silent = np.array([voice == 0 and rest > 0 for voice, rest in levels])
    thin &= ~silent
    padded = np.pad(thin, SPREAD, constant_values=True)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * SPREAD + 1)
    return np.asarray(around.all(axis=1))


def _pieces(regions: list[tuple[float, float]], programme: Programme) -> Iterator[tuple[int, int, bool]]:
    """The recording cut up, in frames, no piece longer than a chunk: those to be separated, and the others."""
    at, rate = 0, programme.rate
    for start, end in [*regions, (programme.seconds, programme.seconds)]:
        first, last = frames(start, rate), min(frames(end, rate), programme.frames)
        for low, high, wanted in ((at, first, False), (max(at, first), last, True)):
            count = -(-max(0, high - low) // frames(CHUNK, rate))
            cuts = [low + (high - low) * k // count for k in range(count + 1)] if count else []
            yield from ((a, b, wanted) for a, b in itertools.pairwise(cuts))
        at = max(at, last)


def _estimates(
    separator: Separator, base: Path, programme: Programme, pieces: list[tuple[int, int, bool]], progress: Progress
) -> Iterator[Samples]:
    """The separator's voices, or the mix where it is not asked, joined by crossfades within the margins."""
    rate, total = programme.rate, programme.frames
    margin, fade = frames(MARGIN, rate), frames(FADE, rate)
    up = np.linspace(0, 1, fade, dtype=np.float32)
    tail = np.zeros((programme.channels, 0), np.float32)
    work, done = sum(stop - start for start, stop, wanted in pieces if wanted), 0
    for start, stop, wanted in pieces:
        extra = min(fade, total - stop)
        if wanted:
            first, last = max(0, start - margin), min(total, stop + margin)
            part = _voices(separator, audio.read(base, first, last), rate)[:, start - first : stop + extra - first]
            done += stop - start
        else:
            part = audio.read(base, start, stop + extra)
        count = min(tail.shape[1], part.shape[1])
        part = part.copy()
        part[:, :count] = up[:count] * part[:, :count] + (1 - up[:count]) * tail[:, :count]
        tail = part[:, stop - start :]
        yield part[:, : stop - start]
        progress(done / max(1, work))


def _voices(separator: Separator, mix: Samples, rate: int) -> Samples:
    """Voices of any number of channels, two at a time, at any rate."""
    pairs = [mix[at : at + 2] for at in range(0, len(mix), 2)]
    done = []
    for pair in pairs:
        stereo = pair if len(pair) == 2 else np.repeat(pair, 2, axis=0)
        there = _resampled(stereo, rate, separator.rate)
        back = _resampled(separator.vocals(there), separator.rate, rate)[:, : mix.shape[1]]
        back = np.pad(back, ((0, 0), (0, mix.shape[1] - back.shape[1])))
        done.append(back if len(pair) == 2 else back.mean(axis=0, keepdims=True))
    return np.concatenate(done).astype(np.float32)


def _resampled(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    return np.concatenate(list(audio.resample([samples], from_rate, to_rate)), axis=1)


def _write(context: Context, programme: Programme, parts: Iterable[tuple[Samples, Samples]]) -> None:
    """``vocals.wav`` and ``background.wav`` from pairs of mix and voices."""
    with (
        audio.Writer(context.folder / "vocals.wav", programme.rate, programme.channels) as voices,
        audio.Writer(context.folder / "background.wav", programme.rate, programme.channels) as rest,
    ):
        for mix, voice in parts:
            voices.write(voice)
            rest.write(mix - voice)


def backends(settings: Settings) -> dict[Task, Wish]:
    return {} if settings.when == "never" else {"separate": Wish(settings.backend)}


STAGE = Stage(
    name="separate",
    summary="Part the voices from what is behind them; the two add up to the recording.",
    settings=Settings,
    revision=1,
    reads=("preprocess/audio.wav", "preprocess/speech.wav", "preprocess/loudness.json"),
    run=run,
    backends=backends,
)
