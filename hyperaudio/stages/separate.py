"""separate: voices and what is behind them, two files that add up to the recording again.

``vocals = gate * (thin * mix + (1 - thin) * estimate)`` and ``background = mix - vocals``, where ``gate``
opens where anybody speaks, and ``thin`` where the estimate leaves so little behind that the voice is
alone: a separator can only hurt there.
"""

from __future__ import annotations

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
from hyperaudio.timeline import frames, merge

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
        passed = _separate(context, base, programme, found)
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


def _separate(
    context: Context, base: Path, programme: Programme, found: activity.Activity
) -> list[tuple[float, float]]:
    settings: Settings = context.settings
    separator: Separator = context.backends["separate"].load()
    rate = programme.rate
    speech = merge(((max(0.0, a - SPEECH_MARGIN), b + SPEECH_MARGIN) for a, b in found.speech), gap=BRIDGE)
    estimate = context.folder / "estimate.wav"
    levels: list[tuple[float, float]] = []
    with audio.Writer(estimate, rate, programme.channels) as writer:
        for block in _estimates(separator, base, programme, speech, context.between(0.05, 0.9)):
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
    return [(start, min(end, programme.seconds)) for start, end in passed]


def _alone(levels: list[tuple[float, float]], limit: float) -> np.ndarray:
    """Windows in which, and around which, the residual is ``limit`` dB under the voice, or no voice is."""
    thin = np.array([decibels(rest) - decibels(voice) < limit if voice > 0 else True for voice, rest in levels])
    silent = np.array([voice == 0 and rest > 0 for voice, rest in levels])
    thin &= ~silent
    padded = np.pad(thin, SPREAD, constant_values=True)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * SPREAD + 1).all(axis=1)


def _estimates(
    separator: Separator, base: Path, programme: Programme, speech: list[tuple[float, float]], progress: Progress
) -> Iterator[Samples]:
    """The separator's voices, chunk by chunk, joined by crossfades within the chunks' margins."""
    rate, total = programme.rate, programme.frames
    step, margin = frames(CHUNK, rate), frames(MARGIN, rate)
    fade = frames(FADE, rate)
    up = np.linspace(0, 1, fade, dtype=np.float32)
    tail = np.zeros((programme.channels, fade), np.float32)
    for start in range(0, total, step):
        stop = min(total, start + step)
        first, last = max(0, start - margin), min(total, stop + margin)
        extra = min(fade, last - stop)
        if any(a * rate < stop + extra and b * rate > start for a, b in speech):
            voices = _voices(separator, audio.read(base, first, last), rate)
            part = voices[:, start - first : stop + extra - first].copy()
        else:
            part = np.zeros((programme.channels, stop + extra - start), np.float32)
        if start:
            count = min(fade, part.shape[1])
            part[:, :count] = up[:count] * part[:, :count] + (1 - up[:count]) * tail[:, :count]
        tail[:, :extra] = part[:, stop - start :]
        yield part[:, : stop - start]
        progress(stop / total)


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
