"""What speaker embedders share: the check of their input, the Kaldi filter bank, and pooling over windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperaudio.backends import torchaudio_cpu
from hyperaudio.backends.torch_runtime import mapped
from hyperaudio.errors import BackendError

if TYPE_CHECKING:
    from hyperaudio.backend import Samples

RATE = 16_000
SHORTEST = 0.5
"""Seconds; under this an embedding says nothing of the speaker."""
WINDOW = 10.0
"""Seconds of the longest stretch that a network sees at once, so that memory does not grow with the length."""
SILENCE = 1e-4
"""-80 dBFS: audio that never gets louder holds no speech."""
ACTIVE_RANGE = 1e-2
"""-40 dB below the loudest 10 ms frame: quieter frames do not count as speech when windows are weighted."""


def check(speech: Samples) -> None:
    """Refuse what cannot be embedded.

    Raises:
        BackendError: not mono, not finite, under half a second, or silent.
    """
    if speech.ndim != 1:
        raise BackendError(f"a speaker embedding needs mono audio, not shape {speech.shape}", "mix it down first")
    if len(speech) < SHORTEST * RATE:
        raise BackendError(
            f"{len(speech) / RATE:.2f} s of speech is too short for a speaker embedding",
            f"give at least {SHORTEST} s, better 3 s or more",
        )
    if not np.isfinite(speech).all():
        raise BackendError("the audio for a speaker embedding holds values that are not numbers", "repair the file")
    if np.abs(speech).max() < SILENCE:
        raise BackendError("the audio for a speaker embedding is silent", "give a stretch with speech in it")


def pooled(speech: Samples, network: Callable[[Samples], Samples]) -> Samples:
    """Mean embedding over equal windows of at most :data:`WINDOW` seconds, each weighted by its active time.

    Args:
        speech: mono ``(frames,)`` at 16 kHz.
        network: gives one embedding ``(dimensions,)`` for a window.

    Returns:
        Unit-norm float32 ``(dimensions,)``.

    Raises:
        BackendError: as :func:`check`, or the network failed.
    """
    check(speech)
    windows = np.array_split(speech.astype(np.float32), -(-len(speech) // int(WINDOW * RATE)))
    levels = [_frame_levels(window) for window in windows]
    floor = ACTIVE_RANGE * max(level.max() for level in levels)
    total: Any = 0.0
    with mapped("the speaker embedding"):
        for window, level in zip(windows, levels, strict=True):
            if active := int((level > floor).sum()):
                total = total + active * unit(network(window))
    return unit(np.asarray(total, dtype=np.float32))


def unit(vector: Samples) -> Samples:
    """``vector`` at Euclidean length 1; the zero vector stays."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float32)


def fbank(speech: Samples, *, scale: float, window: str) -> Samples:
    """Kaldi's 80-band log mel filter bank (25 ms frames every 10 ms, no dither), its mean over time taken out.

    Args:
        speech: mono ``(frames,)`` at 16 kHz.
        scale: factor on the samples; 32768 for networks trained on 16 bit values.
        window: Kaldi's name of the window, ``hamming`` or ``povey``.

    Returns:
        float32 ``(time, 80)``.
    """
    import torch

    torchaudio_cpu.ensure()
    from torchaudio.compliance import kaldi

    features = kaldi.fbank(
        torch.from_numpy(np.ascontiguousarray(speech))[None] * scale,
        num_mel_bins=80,
        sample_frequency=RATE,
        dither=0.0,
        window_type=window,
    )
    return np.asarray((features - features.mean(dim=0, keepdim=True)).numpy(), dtype=np.float32)


def _frame_levels(speech: Samples) -> Samples:
    """RMS of each full 10 ms."""
    frames = speech[: len(speech) // 160 * 160].reshape(-1, 160)
    return np.asarray(np.sqrt(np.mean(np.square(frames), axis=1)), dtype=np.float32)
