"""WeSpeaker's ResNet34 on ONNX Runtime: 256 dimensions, trained on VoxCeleb.

Wang et al., "Wespeaker: a research and production oriented speaker embedding learning toolkit", ICASSP 2023.
Front end as in its ONNX example: 16 bit scale, 80 Kaldi filter banks, Hamming window, mean taken out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperaudio.backends.embedding import fbank, pooled
from hyperaudio.backends.torch_runtime import mapped
from hyperaudio.models import store
from hyperaudio.settings import Runtime, Section

if TYPE_CHECKING:
    import onnxruntime

    from hyperaudio.backend import Samples

REVISION = 1
RANK = 20
PACKAGES = ("onnxruntime", "torch", "torchaudio")
WEIGHTS = ("wespeaker-resnet34",)


class Settings(Section):
    """Nothing to set."""


class WeSpeaker:
    """Keeps the Embedder protocol."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    def embed(self, speech: Samples) -> Samples:
        """Unit-norm ``(256,)`` of ``speech`` ``(frames,)`` at 16 kHz.

        Raises:
            BackendError: too short, silent or not finite, or the network failed.
        """
        return pooled(speech, lambda window: self.network(self.features(window)))

    def features(self, speech: Samples) -> Samples:
        """The network's input ``(time, 80)``, 10 ms apart, for ``speech`` ``(frames,)`` at 16 kHz."""
        return fbank(speech, scale=32768.0, window="hamming")

    def network(self, features: Samples) -> Samples:
        """Embedding ``(256,)`` of ``features`` ``(time, 80)``, not normalised."""
        (name,) = (node.name for node in self._session.get_inputs())
        (output,) = self._session.run(None, {name: features[None]})
        return np.asarray(output[0], dtype=np.float32)


def load(settings: Settings, runtime: Runtime) -> WeSpeaker:
    """The embedder, on the CPU: the network is small.

    Raises:
        MissingError: the weights are not there.
        BackendError: the weights do not load.
    """
    import onnxruntime

    (weights,) = store.path(WEIGHTS[0], runtime.models).glob("*.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = runtime.threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads slow down others
    with mapped("loading WeSpeaker"):
        return WeSpeaker(onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"]))
