"""Spleeter, two stems (Hennequin et al. 2020): a U-Net per stem guesses its magnitudes, their ratio masks the mix.

The light alternative: quicker than HTDemucs, with more of the music left in the voice.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperaudio.backends.torch_runtime import device, mapped
from hyperaudio.models import store
from hyperaudio.settings import Runtime, Section

if TYPE_CHECKING:
    import torch

    from hyperaudio.backend import Samples

    Weights = dict[str, torch.Tensor]

REVISION = 1
RANK = 10
PACKAGES = ("torch",)
WEIGHTS = ("spleeter-2stems",)
WINDOW, HOP = 4096, 1024
"""Frames of the Hann window and of a step, at 44.1 kHz."""
BINS, STEPS = 1024, 512
"""The network sees 0 to 11 kHz, and 11.9 s at a time."""
LEVELS = 6


class Settings(Section):
    """separate/spleeter has no settings."""


class Spleeter:
    """Keeps :class:`hyperaudio.backend.Separator`."""

    rate = 44_100

    def __init__(self, voice: Weights, rest: Weights, on: torch.device) -> None:
        self._voice, self._rest, self._on = voice, rest, on

    def vocals(self, mix: Samples) -> Samples:
        """The voices in ``mix``, both float32 ``(2, frames)`` at 44.1 kHz.

        Raises:
            BackendError: the network failed.
        """
        import torch

        if not mix.size:
            return np.zeros_like(mix, dtype=np.float32)
        with mapped("separate/spleeter"), torch.inference_mode():
            samples = torch.from_numpy(np.ascontiguousarray(mix, dtype=np.float32)).to(self._on)
            window = torch.hann_window(WINDOW, device=self._on)
            spectrum = torch.stft(samples, WINDOW, HOP, window=window, pad_mode="constant", return_complex=True)
            masked = spectrum * self._mask(spectrum[:, :BINS].abs(), spectrum.shape[1])
            voice = torch.istft(masked, WINDOW, HOP, window=window, length=mix.shape[1])
            return np.asarray(voice.cpu().numpy(), dtype=np.float32)

    def _mask(self, magnitude: torch.Tensor, bins: int) -> torch.Tensor:
        """The voice's share of each of ``bins`` bins from the magnitudes ``(2, BINS, steps)``.

        None of what the network does not see, as in Spleeter itself: up there music mostly outweighs speech.
        """
        import torch
        from torch.nn import functional

        steps = magnitude.shape[2]
        whole = functional.pad(magnitude, (0, -steps % STEPS))
        pieces = torch.stack(torch.split(whole, STEPS, dim=2)).transpose(2, 3)
        # Piece by piece, so that memory does not grow with the length.
        voice, rest = (
            torch.cat([unet(piece[None], weights) for piece in pieces]).square()
            for weights in (self._voice, self._rest)
        )
        share = ((voice + 0.5e-10) / (voice + rest + 1e-10)).transpose(2, 3)
        share = torch.cat(list(share), dim=2)[..., :steps]
        return functional.pad(share, (0, 0, 0, bins - BINS))


def unet(magnitude: torch.Tensor, weights: Weights) -> torch.Tensor:
    """Magnitudes of one stem from those of the mix, both ``(pieces, 2, STEPS, BINS)``.

    Six strided convolutions down, six transposed ones up with skips, then a mask; the paddings are TensorFlow's "same".
    """
    import torch
    from torch.nn import functional

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        return functional.batch_norm(x, mean, variance, weights[f"{name}.weight"], weights[f"{name}.bias"], eps=1e-3)

    x, skips = magnitude, []
    for level in range(1, LEVELS + 1):
        name = f"down{level}_conv.1"
        x = functional.pad(x, (1, 2, 1, 2))
        x = functional.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=2)
        skips.append(x)
        x = functional.leaky_relu(norm(x, f"down{level}_act.0"), 0.2)
    x = skips.pop()
    for level in range(1, LEVELS + 1):
        name = f"up{level}.0"
        x = functional.conv_transpose2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=2)
        x = norm(functional.relu(x[..., 1:-2, 1:-2]), f"up{level}.3")
        if skips:
            x = torch.cat([skips.pop(), x], dim=1)
    mask = functional.conv2d(x, weights["up7.0.weight"], weights["up7.0.bias"], dilation=2, padding=3)
    return magnitude * mask.sigmoid()


def load(settings: Settings, runtime: Runtime) -> Spleeter:
    """The two networks' weights.

    Raises:
        MissingError: the weights are absent or damaged, or the device is not there.
        BackendError: they cannot be read.
    """
    folder = store.path(WEIGHTS[0], runtime.models)
    with mapped("loading separate/spleeter"):
        on = device(runtime)
        return Spleeter(_read(folder / "vocals.ckpt", on), _read(folder / "accompaniment.ckpt", on), on)


def _read(file: Path, on: torch.device) -> Weights:
    """The arrays of a checkpoint; nothing but NumPy arrays is unpickled."""
    import torch

    # The checkpoint names NumPy's function that rebuilds arrays by its place of before NumPy 2.
    rebuild: Any = (np.zeros(0).__reduce__()[0], "numpy.core.multiarray._reconstruct")
    with torch.serialization.safe_globals([rebuild, np.ndarray, np.dtype, type(np.dtype(np.float32))]):
        arrays = torch.load(file, weights_only=True)
    return {name: torch.as_tensor(array).to(on) for name, array in arrays.items()}
