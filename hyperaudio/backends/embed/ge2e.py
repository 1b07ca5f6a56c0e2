"""GE2E speaker encoder with Resemblyzer's weights: 256 dimensions, all of them at least zero.

Wan et al., "Generalized End-to-End Loss for Speaker Verification", ICASSP 2018. Cosines run high (strangers
about 0.5) and signal processing flatters it, so it is a second opinion only. Front end as published with the
weights: level raised to -30 dBFS, 40 mel bands (Slaney scale and norm) of the power spectrum, no logarithm;
windows of 1.6 s, 1.3 a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperaudio.backends import torchaudio_cpu
from hyperaudio.backends.embedding import RATE, pooled
from hyperaudio.backends.torch_runtime import mapped
from hyperaudio.models import store
from hyperaudio.settings import Runtime, Section

if TYPE_CHECKING:
    from torch import nn

    from hyperaudio.backend import Samples

REVISION = 1
RANK = 0
PACKAGES = ("torch", "torchaudio")
WEIGHTS = ("ge2e",)

MELS, SIZE, LAYERS = 40, 256, 3
FFT, HOP = 400, 160
PARTIAL = 160
"""Mel frames of a partial: 1.6 s."""
STEP = round(RATE / 1.3 / HOP)
COVERAGE = 0.75
"""The last partial counts where at least this share of it is filled."""
LEVEL = 10 ** (-30 / 20)


class Settings(Section):
    """Nothing to set."""


class Ge2e:
    """Keeps the Embedder protocol."""

    def __init__(self, lstm: nn.LSTM, linear: nn.Linear) -> None:
        import torch

        functional = torchaudio_cpu.ensure().functional
        self._lstm, self._linear = lstm, linear
        self._window = torch.hann_window(FFT)
        self._bands = functional.melscale_fbanks(
            FFT // 2 + 1, 0.0, RATE / 2, MELS, RATE, norm="slaney", mel_scale="slaney"
        )

    def embed(self, speech: Samples) -> Samples:
        """Unit-norm ``(256,)`` of ``speech`` ``(frames,)`` at 16 kHz.

        Raises:
            BackendError: too short, silent or not finite, or the network failed.
        """
        return pooled(speech, self._embed)

    def _embed(self, speech: Samples) -> Samples:
        import torch

        level = float(np.sqrt(np.mean(np.square(speech, dtype=np.float64))))
        speech = speech * np.float32(max(1.0, LEVEL / level))
        starts = _starts(1 + len(speech) // HOP)
        needed = (starts[-1] + PARTIAL - 1) * HOP
        samples = torch.from_numpy(np.pad(speech, (0, max(0, needed - len(speech)))))
        spectrum = torch.stft(samples, FFT, HOP, window=self._window, pad_mode="constant", return_complex=True)
        mels = spectrum.abs().square().T @ self._bands
        with torch.inference_mode():
            _, (hidden, _) = self._lstm(torch.stack([mels[start : start + PARTIAL] for start in starts]))
            partials = torch.nn.functional.normalize(torch.relu(self._linear(hidden[-1])), dim=1)
        return np.asarray(partials.mean(dim=0).numpy(), dtype=np.float32)


def _starts(frames: int) -> list[int]:
    """First mel frame of each partial in ``frames``; a last one that would be mostly padding is left out."""
    starts = list(range(0, max(1, frames - PARTIAL + STEP + 1), STEP))
    if len(starts) > 1 and frames - starts[-1] < COVERAGE * PARTIAL:
        starts.pop()
    return starts


def load(settings: Settings, runtime: Runtime) -> Ge2e:
    """The embedder, on the CPU: the network is small.

    Raises:
        MissingError: the weights are not there.
        BackendError: the weights are not those of this network.
    """
    import torch
    from torch import nn

    torch.set_num_threads(runtime.threads)
    (weights,) = store.path(WEIGHTS[0], runtime.models).glob("*.pt")
    lstm, linear = nn.LSTM(MELS, SIZE, LAYERS, batch_first=True), nn.Linear(SIZE, SIZE)
    with mapped("loading GE2E"):
        state = torch.load(weights, map_location="cpu", weights_only=True)["model_state"]
        for name, module in {"lstm": lstm, "linear": linear}.items():
            own = {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
            module.load_state_dict(own, strict=True)
    return Ge2e(lstm.eval(), linear.eval())
