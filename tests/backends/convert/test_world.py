from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from hyperaudio.backend import Line, Reference
from hyperaudio.backends.convert import world
from hyperaudio.dsp import lag, pitch
from hyperaudio.errors import InputError
from hyperaudio.events import no_progress
from hyperaudio.settings import Runtime

RATE = 16_000


def clip(file: Path, seconds: float) -> Reference:
    samples, rate = soundfile.read(file, dtype="float32")
    return Reference(samples[: int(seconds * rate)], rate)


@pytest.fixture(scope="module")
def man(data: Path) -> Reference:
    return clip(data / "voices/ls2414/2414-128291-0001.flac", 3)


@pytest.fixture(scope="module")
def voice(data: Path, man: Reference) -> world.WorldVoice:
    woman = clip(data / "voices/p225/p225_003.flac", 3)
    return world.load(world.Settings(), Runtime()).voice(woman, man, None, no_progress)


def test_pitch_moves_and_timing_stays(voice: world.WorldVoice, man: Reference, data: Path) -> None:
    take = voice.take(Line("", (), "xx", man.samples, man.rate))
    assert take.samples.shape == man.samples.shape
    assert take.samples.dtype == np.float32
    wanted = pitch.median(pitch.contour(clip(data / "voices/p225/p225_003.flac", 3).samples, RATE))
    assert pitch.median(pitch.contour(take.samples, RATE)) == pytest.approx(wanted, rel=0.1)
    # The stage takes out what delay there is; minimum phase makes for a little.
    assert abs(lag.lag(take.samples, man.samples, RATE)) / RATE <= 0.003
    assert "recognised" in take.notes[0]


def test_the_same_line_gives_the_same_samples(voice: world.WorldVoice, man: Reference) -> None:
    line = Line("", (), "xx", man.samples[:RATE], man.rate)
    assert np.array_equal(voice.take(line).samples, voice.take(line).samples)


@pytest.mark.parametrize(("frames", "rate"), [(1, 44_100), (500, 44_100), (22_050, 44_100), (48_000, 96_000)])
def test_any_length_and_rate_without_words(voice: world.WorldVoice, frames: int, rate: int) -> None:
    burst = (np.random.default_rng(0).standard_normal(frames) * 0.05).astype(np.float32)
    take = voice.take(Line("", (), "xx", burst, rate))
    assert take.samples.shape == (frames,)
    assert np.isfinite(take.samples).all()


def test_silence_stays_silent(voice: world.WorldVoice) -> None:
    assert not voice.take(Line("", (), "xx", np.zeros(8000, np.float32), RATE)).samples.any()


def test_a_reference_without_voice_is_refused(man: Reference) -> None:
    silence = Reference(np.zeros(RATE, np.float32), RATE)
    with pytest.raises(InputError, match="no voiced speech in the reference"):
        world.load(world.Settings(), Runtime()).voice(silence, man, None, no_progress)
