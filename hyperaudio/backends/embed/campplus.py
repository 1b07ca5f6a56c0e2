"""CAM++ (3D-Speaker, Chinese and English, "common advanced"): 192 dimensions.

Wang et al., "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking",
Interspeech 2023. Trained on other data and with another architecture than WeSpeaker's ResNet34, so it can judge
what that one has chosen. Front end: 80 Kaldi filter banks, mean taken out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperaudio.backends.embedding import fbank, pooled
from hyperaudio.backends.torch_runtime import mapped
from hyperaudio.models import store
from hyperaudio.settings import Runtime, Section

if TYPE_CHECKING:
    from torch import nn

    from hyperaudio.backend import Samples

REVISION = 1
RANK = 10
PACKAGES = ("torch", "torchaudio")
WEIGHTS = ("campplus",)

DIMENSIONS = 192
GROWTH, BOTTLENECK, CHANNELS = 32, 128, 128
BLOCKS = ((12, 1), (24, 2), (16, 2))
"""Layers and dilation of the three dense blocks."""
CONTEXT = 100
"""Frames of the segment whose mean, beside that of all frames, steers the mask."""


class Settings(Section):
    """Nothing to set."""


class CamPlusPlus:
    """Keeps the Embedder protocol."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def embed(self, speech: Samples) -> Samples:
        """Unit-norm ``(192,)`` of ``speech`` ``(frames,)`` at 16 kHz.

        Raises:
            BackendError: too short, silent or not finite, or the network failed.
        """
        return pooled(speech, self._embed)

    def _embed(self, speech: Samples) -> Samples:
        import torch

        features = torch.from_numpy(fbank(speech, scale=1.0, window="povey"))
        with torch.inference_mode():
            return np.asarray(self._network(features[None])[0].numpy(), dtype=np.float32)


def load(settings: Settings, runtime: Runtime) -> CamPlusPlus:
    """The embedder, on the CPU: the network is small.

    Raises:
        MissingError: the weights are not there.
        BackendError: the weights are not those of this network.
    """
    import torch

    torch.set_num_threads(runtime.threads)
    (weights,) = store.path(WEIGHTS[0], runtime.models).glob("*.pt")
    network = build()
    with mapped("loading CAM++"):
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True), strict=True)
    return CamPlusPlus(network.eval())


def build() -> nn.Module:
    """The network, from ``(batch, time, 80)`` to ``(batch, 192)``; module names are those of the published weights."""
    import torch
    from torch import Tensor, nn
    from torch.nn import functional

    def named(**modules: nn.Module) -> nn.Sequential:
        sequence = nn.Sequential()
        for name, module in modules.items():
            sequence.add_module(name, module)
        return sequence

    def norm(channels: int, *, affine: bool = True, relu: bool = True) -> nn.Sequential:
        layers: dict[str, nn.Module] = {"batchnorm": nn.BatchNorm1d(channels, affine=affine)}
        return named(**layers, relu=nn.ReLU()) if relu else named(**layers)

    def conv1(inputs: int, outputs: int, kernel: int = 1, **options: Any) -> nn.Conv1d:
        return nn.Conv1d(inputs, outputs, kernel, bias=options.pop("bias", False), **options)

    def conv2(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, kernel, (stride, 1), kernel // 2, bias=False)

    class Residual(nn.Module):
        def __init__(self, channels: int, stride: int) -> None:
            super().__init__()
            self.conv1, self.bn1 = conv2(channels, channels, stride=stride), nn.BatchNorm2d(channels)
            self.conv2, self.bn2 = conv2(channels, channels), nn.BatchNorm2d(channels)
            halved = (conv2(channels, channels, 1, stride), nn.BatchNorm2d(channels))
            self.shortcut = nn.Sequential(*(halved if stride > 1 else ()))

        def forward(self, x: Tensor) -> Tensor:
            y = functional.relu(self.bn1(self.conv1(x)))
            return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))

    class Head(nn.Module):
        """Two-dimensional front end: frequency falls from 80 to 10, time stays."""

        def __init__(self, channels: int = 32) -> None:
            super().__init__()
            self.conv1, self.bn1 = conv2(1, channels), nn.BatchNorm2d(channels)
            self.layer1 = nn.Sequential(Residual(channels, 2), Residual(channels, 1))
            self.layer2 = nn.Sequential(Residual(channels, 2), Residual(channels, 1))
            self.conv2, self.bn2 = conv2(channels, channels, stride=2), nn.BatchNorm2d(channels)

        def forward(self, x: Tensor) -> Tensor:
            x = self.layer2(self.layer1(functional.relu(self.bn1(self.conv1(x[:, None])))))
            x = functional.relu(self.bn2(self.conv2(x)))
            return x.flatten(1, 2)

    class ContextMask(nn.Module):
        def __init__(self, dilation: int) -> None:
            super().__init__()
            self.linear_local = conv1(BOTTLENECK, GROWTH, 3, padding=dilation, dilation=dilation)
            self.linear1 = conv1(BOTTLENECK, BOTTLENECK // 2, bias=True)
            self.linear2 = conv1(BOTTLENECK // 2, GROWTH, bias=True)

        def forward(self, x: Tensor) -> Tensor:
            segments = functional.avg_pool1d(x, CONTEXT, CONTEXT, ceil_mode=True)
            near = segments.repeat_interleave(CONTEXT, dim=-1)[..., : x.shape[-1]]
            context = x.mean(dim=-1, keepdim=True) + near
            mask: Tensor = torch.sigmoid(self.linear2(functional.relu(self.linear1(context))))
            local: Tensor = self.linear_local(x)
            return local * mask

    class Dense(nn.Module):
        def __init__(self, inputs: int, dilation: int) -> None:
            super().__init__()
            self.nonlinear1, self.linear1 = norm(inputs), conv1(inputs, BOTTLENECK)
            self.nonlinear2, self.cam_layer = norm(BOTTLENECK), ContextMask(dilation)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x, self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))], dim=1)

    class Statistics(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x.mean(dim=-1), x.std(dim=-1)], dim=-1)[..., None]

    stages: dict[str, nn.Module] = {
        "tdnn": named(linear=conv1(320, CHANNELS, 5, stride=2, padding=2), nonlinear=norm(CHANNELS))
    }
    channels = CHANNELS
    for number, (layers, dilation) in enumerate(BLOCKS, start=1):
        dense = {f"tdnnd{i + 1}": Dense(channels + i * GROWTH, dilation) for i in range(layers)}
        channels += layers * GROWTH
        stages[f"block{number}"] = named(**dense)
        stages[f"transit{number}"] = named(nonlinear=norm(channels), linear=conv1(channels, channels // 2))
        channels //= 2
    stages["out_nonlinear"] = norm(channels)
    stages["stats"] = Statistics()
    stages["dense"] = named(
        linear=conv1(2 * channels, DIMENSIONS), nonlinear=norm(DIMENSIONS, affine=False, relu=False)
    )

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head, self.xvector = Head(), named(**stages)

        def forward(self, features: Tensor) -> Tensor:
            embedding: Tensor = self.xvector(self.head(features.transpose(1, 2)))[..., 0]
            return embedding

    return Network()
