"""preprocess: the untouched delivery base, the 16 kHz mono copy that models hear, and the loudness."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hyperaudio import audio
from hyperaudio.backend import SPEECH_RATE, Samples
from hyperaudio.dsp import denoise
from hyperaudio.dsp.loudness import Meter, programme
from hyperaudio.errors import InputError
from hyperaudio.files import sha256
from hyperaudio.job import Document, Job
from hyperaudio.settings import Section
from hyperaudio.stage import Context, Stage

SHORTEST = 1.0
"""Seconds: less holds no sentence."""
SILENCE = -70.0
"""dBFS: a file that nowhere gets louder is silent (the absolute gate of BS.1770 is at -70 LUFS)."""
ANALYSIS_LUFS = -20.0
"""Where the analysis copy is brought to; the models were trained on speech at about that level."""


class Settings(Section):
    normalize: bool = True
    """Bring the analysis copy to -20 LUFS; the delivered audio is not touched by this."""
    denoise: bool = False
    """Take noise out of the analysis copy with DeepFilterNet 3; the delivered audio is not touched by this."""


class Programme(Document):
    """``loudness.json``: what the recording is."""

    rate: int
    channels: int
    frames: int
    container: str
    codec: str
    bit_rate: int | None
    tags: dict[str, str]
    integrated_lufs: float | None
    range_lu: float
    true_peak_dbtp: float
    analysis_gain_db: float

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


def run(context: Context) -> None:
    settings: Settings = context.settings
    source = Path(context.job.request.source.path)
    base = context.folder / "audio.wav"
    info = audio.decode(source, base, context.between(0.0, 0.5))
    if sha256(source) != context.job.request.source.sha256:
        raise InputError(f"{source.name} changed while it was read", "run the same command again")
    if info.seconds < SHORTEST:
        raise InputError(f"{source.name} is {info.seconds:.2f} s long", f"give a recording of at least {SHORTEST:g} s")
    loudness = programme(audio.blocks(base), info.rate, info.channels)
    if loudness.true_peak is None or loudness.true_peak < SILENCE:
        raise InputError(f"{source.name} is silent", "check that the right track or file was exported")
    gain = analysis_gain(base, info.rate) if settings.normalize else 0.0
    context.progress(0.7)
    speech: Iterable[Samples] = analysis_copy(audio.blocks(base), info.rate, gain)
    if settings.denoise:
        speech = denoise.stream(speech, SPEECH_RATE)
    with audio.Writer(context.folder / "speech.wav", SPEECH_RATE, 1) as writer:
        for block in speech:
            writer.write(block)
    context.write(
        "loudness.json",
        Programme(
            rate=info.rate,
            channels=info.channels,
            frames=info.frames,
            container=info.container,
            codec=info.codec,
            bit_rate=info.bit_rate,
            tags=info.tags,
            integrated_lufs=loudness.integrated,
            range_lu=round(loudness.range, 3),
            true_peak_dbtp=round(loudness.true_peak, 3),
            analysis_gain_db=round(gain, 3),
        ),
    )


def analysis_gain(path: Path, rate: int) -> float:
    """DB that bring the mono mix of a file to :data:`ANALYSIS_LUFS` without clipping; 0 for silence."""
    meter = Meter(rate, 1)
    for block in audio.blocks(path):
        meter.add(block.mean(axis=0, keepdims=True, dtype=np.float32))
    measured = meter.result()
    if measured.integrated is None or measured.true_peak is None:
        return 0.0
    return min(ANALYSIS_LUFS - measured.integrated, -1.0 - measured.true_peak)


def analysis_copy(blocks: Iterable[Samples], rate: int, gain_db: float) -> Iterator[Samples]:
    """The channels' mean at 16 kHz with a gain, ``(1, n)`` at a time."""
    gain = np.float32(10 ** (gain_db / 20))
    mono = (block.mean(axis=0, keepdims=True, dtype=np.float32) * gain for block in blocks)
    return audio.resample(mono, rate, SPEECH_RATE)


def request(job: Job) -> dict[str, Any]:
    return {"source": job.request.source.sha256}


STAGE = Stage(
    name="preprocess",
    summary="Decode the recording, measure its loudness, and make the 16 kHz copy that models hear.",
    settings=Settings,
    revision=1,
    reads=(),
    run=run,
    request=request,
)
