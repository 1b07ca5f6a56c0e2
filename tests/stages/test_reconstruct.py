from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyperaudio import audio
from hyperaudio.dsp.loudness import measure
from hyperaudio.events import Event
from hyperaudio.files import read_json, sha256, write_json
from hyperaudio.job import Job
from hyperaudio.settings import Runtime
from hyperaudio.stage import Context
from hyperaudio.stages import reconstruct
from hyperaudio.stages.diarize import Segments
from hyperaudio.stages.edits import Edits
from hyperaudio.stages.preprocess import Programme
from hyperaudio.stages.takes import TakeRecord, Takes
from hyperaudio.stages.transcribe import Transcript
from hyperaudio.timeline import Segment

RATE = 16_000
LENGTH = 10 * RATE
SPANS = {"A": [(1.0, 3.0), (6.5, 8.0)], "B": [(3.5, 6.0)]}


def voice(seed: int, spans: list[tuple[float, float]], level: float = 0.1) -> np.ndarray:
    """Noise in syllables within the spans, `(frames,)`."""
    time = np.arange(LENGTH) / RATE
    sounding = sum((time > a) & (time < b) for a, b in spans) * (np.sin(2 * np.pi * 3 * time) > -0.5)
    return (level * np.random.default_rng(seed).normal(size=LENGTH) * sounding).astype(np.float32)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job with all that reconstruct reads: A on the left and B in the middle, over a hiss, both to be replaced."""
    hiss = 1e-3 * np.random.default_rng(9).normal(size=(2, LENGTH))
    mix = np.array([[1.6], [0.4]]) * voice(0, SPANS["A"]) + voice(1, SPANS["B"]) + hiss
    mix = mix.astype(np.float32)
    for name in ("preprocess", "separate", "diarize", "transcribe", "synthesize"):
        (tmp_path / name).mkdir()
    audio.write(tmp_path / "preprocess/audio.wav", mix, RATE)
    audio.write(tmp_path / "separate/vocals.wav", mix, RATE)
    found = measure(mix, RATE)
    programme = Programme(
        rate=RATE, channels=2, frames=LENGTH, container="WAV", codec="PCM_16", bit_rate=None, tags={},
        integrated_lufs=found.integrated, range_lu=1.0, true_peak_dbtp=found.true_peak or 0.0, analysis_gain_db=0.0,
    )  # fmt: skip
    write_json(tmp_path / "preprocess/loudness.json", programme)
    turns = sorted((a, b, name) for name, spans in SPANS.items() for a, b in spans)
    write_json(
        tmp_path / "diarize/segments.json",
        Segments(segments=tuple(Segment(start=a, end=b, speaker=name) for a, b, name in turns)),
    )
    write_json(
        tmp_path / "transcribe/transcript.json", Transcript(language="en", language_probability=1.0, utterances=())
    )
    takes = []
    for number, (start, end, name) in enumerate(turns, 1):
        first, count = round((start - 0.1) * RATE), round((end - start + 0.2) * RATE)
        audio.write(
            tmp_path / f"synthesize/{number}.wav", voice(10 + number, [(start, end)], 0.3)[first:][:count], RATE
        )
        takes.append(
            TakeRecord(
                number=number,
                speaker=name,
                method="speak",
                file=f"{number}.wav",
                start_frame=first,
                frames=count,
                phrases=((start, end),),
                text="",
                figures={},
                notes=(),
            )
        )
    write_json(tmp_path / "synthesize/takes.json", Takes(choices=(), takes=tuple(takes), kept=()))
    return tmp_path


def run(job: Path, **settings: object) -> tuple[Edits, list[Event]]:
    events: list[Event] = []
    folder = job / "reconstruct"
    folder.mkdir(exist_ok=True)
    section = reconstruct.Settings.model_validate(settings)
    reconstruct.run(Context(Job(job), "reconstruct", folder, section, {}, Runtime(), events.append))
    return read_json(folder / "edits.json", Edits), events


def test_everything_outside_the_edits_is_the_recordings_own(job: Path) -> None:
    edits, _ = run(job)
    mix, result = (audio.read(job / name) for name in ("preprocess/audio.wav", "reconstruct/result.wav"))
    outside = np.ones(LENGTH, bool)
    for first, last in edits.changed:
        outside[first:last] = False
    assert [edit.speaker for edit in edits.edits] == ["A", "B", "A"]
    assert np.array_equal(mix[:, outside], result[:, outside])
    assert not np.array_equal(mix, result)


def test_each_edit_has_the_level_place_and_pauses_of_what_it_replaced(job: Path) -> None:
    edits, _ = run(job)
    mix, result = (audio.read(job / name) for name in ("preprocess/audio.wav", "reconstruct/result.wav"))
    for edit in edits.edits:
        part = slice(edit.start_frame, edit.end_frame)
        was, now = (measure(samples[:, part], RATE).integrated for samples in (mix, result))
        assert was is not None and now is not None and abs(was - now) < 0.3
    assert edits.edits[0].pan == pytest.approx((1.6, 0.4), abs=0.02)
    assert edits.edits[1].pan == pytest.approx((1.0, 1.0), abs=0.02)
    size = RATE // 50
    levels = [np.sqrt((x[0, RATE : 3 * RATE].reshape(-1, size) ** 2).mean(axis=1)) for x in (mix, result)]
    assert 20 * np.log10(np.percentile(levels[1], 5) / np.percentile(levels[0], 5)) == pytest.approx(0, abs=2.5)


def test_the_same_job_gives_the_same_bytes(job: Path) -> None:
    run(job)
    first = sha256(job / "reconstruct/result.wav")
    run(job)
    assert sha256(job / "reconstruct/result.wav") == first


def test_true_peaks_stay_under_the_ceiling(job: Path) -> None:
    run(job)
    mix, result = (measure(audio.read(job / n), RATE) for n in ("preprocess/audio.wav", "reconstruct/result.wav"))
    assert mix.true_peak is not None and result.true_peak is not None
    assert result.true_peak <= max(mix.true_peak, -1.0)


def test_mastering_is_a_gain_over_everything_and_says_so(job: Path) -> None:
    run(job)
    plain = audio.read(job / "reconstruct/result.wav")
    edits, _ = run(job, master_lufs=-30.0)
    mastered = audio.read(job / "reconstruct/result.wav")
    assert edits.mastering_gain_db is not None and edits.changed == [(0, LENGTH)]
    assert np.allclose(mastered, plain * 10 ** (edits.mastering_gain_db / 20), atol=1e-6)
    assert measure(mastered, RATE).integrated == pytest.approx(-30, abs=0.1)
    assert not (job / "reconstruct/unmastered.wav").exists()
    _, events = run(job, master_lufs=-5.0)
    peak = measure(audio.read(job / "reconstruct/result.wav"), RATE).true_peak
    assert peak is not None and peak <= -1.0
    assert any(event.kind == "warning" and "out of reach" in event.message for event in events)


def test_what_the_settings_turn_off_is_off(job: Path) -> None:
    run(job, room_tone=False)
    silent = audio.read(job / "reconstruct/result.wav")
    size = RATE // 100
    level = np.sqrt((silent[0, RATE : 3 * RATE].reshape(-1, size) ** 2).mean(axis=1))
    assert level.min() < 1e-5
    edits, _ = run(job, match_level=False, contour=0.0)
    assert [edit.gain_db for edit in edits.edits] == [0, 0, 0]
