from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from hyperaudio.backend import Diarization, Diarizer, Samples, SpeakerBounds
from hyperaudio.backends.diarize import pyannote
from hyperaudio.errors import BackendError
from hyperaudio.events import no_progress
from hyperaudio.settings import Runtime

PODCAST = "podcasts/dev1_60s_2spk_dry"


@pytest.fixture(scope="module")
def diarizer(models: Path) -> Diarizer:
    return pyannote.load(pyannote.Settings(), Runtime(threads=2, models=models))


@pytest.fixture(scope="module")
def podcast(data: Path) -> Samples:
    mix, rate = soundfile.read(data / PODCAST / "mix.flac", dtype="float32")
    return np.asarray(soxr.resample(mix.mean(axis=1), rate, 16_000), dtype=np.float32)


@pytest.fixture(scope="module")
def heard(diarizer: Diarizer, podcast: Samples) -> tuple[Diarization, list[float]]:
    progress: list[float] = []
    return diarizer.diarize(podcast, SpeakerBounds(), progress.append), progress


def test_error_rate_on_a_podcast(heard: tuple[Diarization, list[float]], data: Path) -> None:
    from pyannote.core import Annotation
    from pyannote.core import Segment as Stretch
    from pyannote.metrics.diarization import DiarizationErrorRate

    truth, found = Annotation(), Annotation()
    for line in (data / PODCAST / "truth_speech.rttm").read_text().splitlines():
        fields = line.split()
        start = float(fields[3])
        truth[Stretch(start, start + float(fields[4]))] = fields[7]
    for number, segment in enumerate(heard[0].segments):
        found[Stretch(segment.start, segment.end), number] = segment.speaker
    # pyannote's collar is a whole width: this is 0.25 s on either side
    assert DiarizationErrorRate(collar=0.5)(truth, found) < 0.05
    assert DiarizationErrorRate(collar=0.0)(truth, found) < 0.10


def test_segments_are_ordered_sure_and_have_an_embedding(
    heard: tuple[Diarization, list[float]], podcast: Samples
) -> None:
    diarization, progress = heard
    starts = [segment.start for segment in diarization.segments]
    assert starts == sorted(starts)
    assert diarization.segments[0].speaker == "SPEAKER_00"
    assert max(segment.end for segment in diarization.segments) <= len(podcast) / 16_000
    assert min(segment.confidence for segment in diarization.segments) > 0.8
    assert (
        set(diarization.embeddings) == {segment.speaker for segment in diarization.segments}
        and len(diarization.embeddings) == 2
    )
    a, b = diarization.embeddings.values()
    assert np.linalg.norm(a) == pytest.approx(1.0, abs=1e-5)
    assert a @ b < 0.3
    assert progress == sorted(progress)
    assert progress[-1] == 1.0


def test_same_input_same_result(diarizer: Diarizer, podcast: Samples) -> None:
    first, second = (diarizer.diarize(podcast[:160_000], SpeakerBounds(), no_progress) for _ in range(2))
    assert first.segments == second.segments
    assert all((first.embeddings[label] == second.embeddings[label]).all() for label in first.embeddings)


@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_speakers_asked_for(diarizer: Diarizer, podcast: Samples, count: int) -> None:
    result = diarizer.diarize(podcast[:240_000], SpeakerBounds(exactly=count), no_progress)
    assert len(result.embeddings) == count


@pytest.mark.parametrize("seconds", [0.0, 0.1, 3.0])
def test_no_speech_no_segments(diarizer: Diarizer, seconds: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, round(seconds * 16_000)).astype(np.float32)
    for samples in (noise, 0 * noise):
        result = diarizer.diarize(samples, SpeakerBounds(), no_progress)
        assert not result.segments
        assert not result.embeddings


def test_a_moment_of_speech_is_no_crash(diarizer: Diarizer, podcast: Samples) -> None:
    result = diarizer.diarize(podcast[16_000:20_800], SpeakerBounds(), no_progress)
    assert len(result.segments) <= 1


def test_audio_that_is_not_mono_numbers_is_refused(diarizer: Diarizer) -> None:
    for samples in (np.zeros((2, 16_000), np.float32), np.full(16_000, np.nan, np.float32)):
        with pytest.raises(BackendError):
            diarizer.diarize(samples, SpeakerBounds(), no_progress)
