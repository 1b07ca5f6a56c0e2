from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hyperaudio.backend import Samples
from hyperaudio.backends.separate import spleeter
from hyperaudio.errors import MissingError
from hyperaudio.settings import Runtime

EDGE = 1e-6


@pytest.fixture(scope="module")
def separator(models: Path) -> spleeter.Spleeter:
    return spleeter.load(spleeter.Settings(), Runtime(device="cpu", threads=2, models=models))


def test_speech_under_loud_music_gains_ten_decibels(
    separator: spleeter.Spleeter, speech_and_mix: tuple[Samples, Samples], si_sdr: Callable[..., float]
) -> None:
    speech, mix = speech_and_mix
    voice = separator.vocals(mix)
    assert voice.shape == mix.shape
    assert voice.dtype == np.float32
    assert si_sdr(voice, speech) > si_sdr(mix, speech) + 10


def test_the_same_mix_gives_the_same_voice(
    separator: spleeter.Spleeter, speech_and_mix: tuple[Samples, Samples]
) -> None:
    mix = speech_and_mix[1]
    assert np.array_equal(separator.vocals(mix), separator.vocals(mix))


@pytest.mark.parametrize("frames", [0, 1, 1023, 4097, 44_100])
def test_any_length_comes_back_as_long_and_finite(separator: spleeter.Spleeter, frames: int) -> None:
    mix = np.random.default_rng(0).uniform(-0.5, 0.5, (2, frames)).astype(np.float32)
    voice = separator.vocals(mix)
    assert voice.shape == mix.shape
    assert np.isfinite(voice).all()


def test_silence_gives_silence(separator: spleeter.Spleeter) -> None:
    assert np.abs(separator.vocals(np.zeros((2, 44_100), np.float32))).max(initial=0) < EDGE


def test_without_weights_it_names_what_brings_them(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="spleeter-2stems"):
        spleeter.load(spleeter.Settings(), Runtime(device="cpu", models=tmp_path))
