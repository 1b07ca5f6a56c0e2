from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hyperaudio.backend import Samples
from hyperaudio.backends.separate import htdemucs
from hyperaudio.errors import BackendError, MissingError
from hyperaudio.settings import Runtime


@pytest.fixture(scope="module")
def separator(models: Path) -> htdemucs.HTDemucs:
    return htdemucs.load(htdemucs.Settings(), Runtime(device="cpu", threads=2, models=models))


def test_speech_under_loud_music_gains_twelve_decibels_twice_the_same(
    separator: htdemucs.HTDemucs, speech_and_mix: tuple[Samples, Samples], si_sdr: Callable[..., float]
) -> None:
    speech, mix = speech_and_mix
    voice = separator.vocals(mix)
    assert voice.shape == mix.shape
    assert voice.dtype == np.float32
    assert si_sdr(voice, speech) > si_sdr(mix, speech) + 12
    assert np.array_equal(voice, separator.vocals(mix))


def test_one_frame_comes_back_as_one(separator: htdemucs.HTDemucs) -> None:
    voice = separator.vocals(np.array([[0.5], [-0.25]], np.float32))
    assert voice.shape == (2, 1)
    assert np.abs(voice).max() <= 1


@pytest.mark.parametrize("frames", [0, 1, 1_000_000])
@pytest.mark.parametrize("offset", [0.0, 0.1])
def test_silence_gives_silence(separator: htdemucs.HTDemucs, frames: int, offset: float) -> None:
    silence = np.full((2, frames), offset, np.float32)
    assert np.array_equal(separator.vocals(silence), np.zeros((2, frames), np.float32))


def test_a_mix_it_cannot_take_is_a_backend_error(separator: htdemucs.HTDemucs) -> None:
    with pytest.raises(BackendError, match="separate/htdemucs"):
        separator.vocals(np.random.default_rng(0).standard_normal((3, 1000)).astype(np.float32))


def test_without_weights_it_names_what_brings_them(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="htdemucs"):
        htdemucs.load(htdemucs.Settings(), Runtime(device="cpu", models=tmp_path))
