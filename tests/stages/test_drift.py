"""An hour through the stage that puts takes in: what lies at a frame at its start does so at its end."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from hyperaudio import audio
from hyperaudio.events import Event
from hyperaudio.files import write_json
from hyperaudio.job import Job
from hyperaudio.measures import timing
from hyperaudio.settings import Runtime
from hyperaudio.stage import Context
from hyperaudio.stages import reconstruct
from hyperaudio.stages.diarize import Segments
from hyperaudio.stages.preprocess import Programme
from hyperaudio.stages.takes import TakeRecord, Takes
from hyperaudio.stages.transcribe import Transcript
from hyperaudio.timeline import Segment, Word

RATE = 8_000
LENGTH = 3600 * RATE
TIMES = [60.0 * k + 1.0 for k in range(0, 60, 5)] + [3597.0]
"""Seconds at which a phrase of one second begins."""
LEAD = 1200
"""Frames of a take before its sound."""


def burst(seed: int, frames: int = RATE) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(frames)).astype(np.float32)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    root = tmp_path_factory.mktemp("hour") / "hour.hyperaudio"
    for name in ("preprocess", "separate", "diarize", "transcribe", "synthesize", "reconstruct"):
        (root / name).mkdir(parents=True)
    starts = [round(t * RATE) for t in TIMES]
    with soundfile.SoundFile(root / "separate/vocals.wav", "w", RATE, 1, "FLOAT") as file:
        at = 0
        for number, start in enumerate(starts):
            file.write(np.zeros(start - at, np.float32))
            file.write(burst(number))
            at = start + RATE
        file.write(np.zeros(LENGTH - at, np.float32))
    (root / "preprocess/audio.wav").hardlink_to(root / "separate/vocals.wav")
    takes = []
    for number, start in enumerate(starts):
        take = np.zeros(RATE + 2 * LEAD, np.float32)
        take[LEAD : LEAD + RATE] = burst(1000 + number)
        audio.write(root / f"synthesize/{number:04d}.wav", take, RATE)
        takes.append(
            TakeRecord(
                number=number,
                speaker="A",
                method="speak",
                file=f"{number:04d}.wav",
                start_frame=start - LEAD,
                frames=len(take),
                phrases=((start / RATE, start / RATE + 1),),
                text="",
                figures={},
                notes=(),
            )
        )
    programme = Programme(
        rate=RATE, channels=1, frames=LENGTH, container="WAV", codec="FLOAT", bit_rate=None, tags={},
        integrated_lufs=-20.0, range_lu=1.0, true_peak_dbtp=0.0, analysis_gain_db=0.0,
    )  # fmt: skip
    turns = tuple(Segment(speaker="A", start=t, end=t + 1) for t in TIMES)
    write_json(root / "preprocess/loudness.json", programme)
    write_json(root / "synthesize/takes.json", Takes(choices=(), takes=tuple(takes), kept=()))
    write_json(root / "diarize/segments.json", Segments(segments=turns))
    write_json(root / "transcribe/transcript.json", Transcript(language="en", language_probability=1, utterances=()))
    job = Job(root)
    events: list[Event] = []
    settings = reconstruct.Settings(
        match_level=False, contour=0, match_band=False, room_tone=False, reverberation=False
    )
    context = Context(job, "reconstruct", root / "reconstruct", settings, {}, Runtime(), events.append)
    reconstruct.run(context)
    return job


def test_every_take_of_an_hour_lies_on_its_frame(job: Job) -> None:
    result = job.path / "reconstruct/result.wav"
    assert audio.probe(result).frames == LENGTH
    for number, time in enumerate(TIMES):
        start = round(time * RATE)
        wanted = burst(1000 + number)
        around = audio.read(result, start - 200, start + RATE + 200)[0]
        assert int(np.argmax(np.correlate(around, wanted, mode="valid"))) == 200
        assert np.abs(around[400:-400] - wanted[200:-200]).max() <= 1e-5


def test_the_hour_has_no_drift_and_one_of_a_hundredth_of_a_percent_shows(job: Job) -> None:
    """By the sound of the result alone: the takes said again, on time and on a clock that is slow."""

    def moved(slow: float) -> list[timing.Moved]:
        rows = []
        for number, time in enumerate(TIMES):
            start = round(time * RATE)
            old, new = np.zeros(2 * RATE, np.float32), np.zeros(2 * RATE, np.float32)
            late = round(time * slow * RATE)
            old[LEAD : LEAD + RATE] = burst(1000 + number)
            around = audio.read(job.path / "reconstruct/result.wav", start - LEAD - late, start + RATE + LEAD)[0]
            new[: len(around)] = around[: len(new)]
            late_ms = timing.lag(*(np.repeat(s, 2) for s in (old, new)), most=0.5)
            rows.append(timing.Moved(Word(start=time, end=time + 1, text="w"), late_ms / 1000, late_ms / 1000))
        return rows

    assert timing.drift(moved(0.0)) == pytest.approx(0, abs=0.1)
    assert timing.drift(moved(1e-4)) == pytest.approx(360, abs=1)
