"""Hybrid Transformer Demucs (Rouard, Massa, Défossez 2023), run by the demucs package: four stems, one is vocals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from hyperaudio.backends.torch_runtime import device, mapped
from hyperaudio.models import htdemucs, store
from hyperaudio.settings import Runtime, Section

if TYPE_CHECKING:
    import torch
    from demucs.apply import BagOfModels

    from hyperaudio.backend import Samples

REVISION = 1
RANK = 20
PACKAGES = ("demucs", "torch", "onnx")
WEIGHTS = (htdemucs.NAME,)
SILENCE = 1e-6
"""-120 dBFS: under it, nothing is heard and nothing separated."""


class Settings(Section):
    """Settings of separate/htdemucs."""

    overlap: float = Field(0.25, ge=0.0, le=0.9)
    """Share of each 7.8 s segment that the next one covers too; more is slower and a little smoother."""


class HTDemucs:
    """Keeps :class:`hyperaudio.backend.Separator`."""

    rate = 44_100

    def __init__(self, model: BagOfModels, overlap: float, on: torch.device) -> None:
        self._model, self._overlap, self._on = model, overlap, on
        self._vocals = model.sources.index("vocals")

    def vocals(self, mix: Samples) -> Samples:
        """The voices in ``mix``, both float32 ``(2, frames)`` at 44.1 kHz.

        The network hears the mix at the level demucs gives it (mean 0 and deviation 1 of the mono sum).
        A constant offset stays with the background.

        Raises:
            BackendError: the network failed.
        """
        import torch
        from demucs.apply import apply_model

        mono = mix.mean(axis=0)
        # Of a mix in antiphase the mono sum is next to nothing, and no measure of its level.
        level = max(float(mono.std()), 0.1 * float(mix.std())) if mix.size else 0.0
        if level < SILENCE:
            return np.zeros_like(mix, dtype=np.float32)
        heard = torch.from_numpy(np.asarray((mix - mono.mean()) / level, dtype=np.float32))
        with mapped("separate/htdemucs"):
            stems = apply_model(
                self._model, heard[None], shifts=0, split=True, overlap=self._overlap, device=self._on, progress=False
            )
            return np.asarray(stems[0, self._vocals].numpy() * level, dtype=np.float32)


def load(settings: Settings, runtime: Runtime) -> HTDemucs:
    """The network with its weights.

    Raises:
        MissingError: the weights are absent or damaged, or the device is not there.
        BackendError: demucs cannot load them.
    """
    folder = store.path(htdemucs.NAME, runtime.models)
    with mapped("loading separate/htdemucs"):
        from demucs.pretrained import get_model

        on = device(runtime)
        return HTDemucs(get_model(htdemucs.NAME, repo=htdemucs.repository(folder)), settings.overlap, on)
