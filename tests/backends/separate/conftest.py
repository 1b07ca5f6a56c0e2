"""Speech under music with known truth, and the measure of how well it is taken out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hyperaudio.backend import Samples


@pytest.fixture(scope="session")
def speech_and_mix(data: Path) -> tuple[Samples, Samples]:
    """Five seconds of speech, and the same under its music made as loud as the speech."""
    folder = data / "podcasts/dev2_120s_2spk_music"
    span = {"start": 8 * 44_100, "frames": 5 * 44_100, "dtype": "float32", "always_2d": True}
    read = {name: soundfile.read(folder / f"{name}.flac", **span)[0].T for name in ("stem_host", "stem_guest", "mix")}
    speech = read["stem_host"] + read["stem_guest"]
    music = read["mix"] - speech
    return speech, speech + music * float(np.sqrt((speech**2).sum() / (music**2).sum()))


@pytest.fixture(scope="session")
def si_sdr() -> Callable[[Samples, Samples], float]:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019) of an estimate and the truth."""

    def measure(estimate: Samples, truth: Samples) -> float:
        scaled = truth * (np.vdot(estimate, truth) / np.vdot(truth, truth))
        return float(10 * np.log10(np.vdot(scaled, scaled) / np.vdot(estimate - scaled, estimate - scaled)))

    return measure
