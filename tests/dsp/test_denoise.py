from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyperaudio import audio
from hyperaudio.dsp import denoise
from tests.bench.figures import si_sdr


@pytest.mark.parametrize("name", ["p287_003", "p287_005"])
def test_noise_goes_and_length_and_timing_stay(data: Path, name: str) -> None:
    noisy, clean = (audio.read(data / "noise" / f"{name}_{kind}.flac") for kind in ("noisy", "clean"))
    blocks = (noisy[:, at : at + 9_999] for at in range(0, noisy.shape[1], 9_999))
    done = np.concatenate(list(denoise.stream(blocks, 16_000)), axis=1)
    assert done.shape == noisy.shape
    assert si_sdr(done, clean) > si_sdr(noisy, clean) + 2  # a shift of a millisecond would leave less than 0 dB
