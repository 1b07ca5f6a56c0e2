"""Ordinary mistakes: one line that says what, where and what to do, the right exit code, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperaudio import audio
from hyperaudio.errors import exit_codes
from tests.conftest import Podcast

RATE = 16_000
Cli = Callable[..., Any]


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(0).normal(size=(1, round(seconds * RATE)))).astype(np.float32)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "podcast.wav"
    audio.write(path, noise(3.0), RATE)
    return path


def told(outcome: Any, code: int, *words: str) -> None:
    """One line, with all that it must say, and no traceback."""
    assert outcome.code == code, outcome.err
    errors = [line for line in outcome.err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and "Traceback" not in outcome.err
    assert outcome.out == ""
    for word in words:
        assert word in errors[0], errors[0]


def test_a_missing_file_names_the_one_that_was_meant(cli: Cli, recording: Path) -> None:
    told(cli("replace", recording.with_name("podcats.wav")), 3, "podcats.wav does not exist", "podcast.wav")


def test_a_folder_is_no_recording(cli: Cli, tmp_path: Path) -> None:
    told(cli("replace", tmp_path), 3, "is a folder")


def test_a_text_that_is_called_mp3(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "notes.mp3"
    path.write_text("Milk, eggs, bread.\n" * 20)
    told(cli("replace", path), 3, "notes.mp3")
    assert [p.name for p in tmp_path.iterdir()] == ["notes.mp3"]


def test_an_empty_file(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.touch()
    told(cli("replace", path), 3, "empty")


@pytest.mark.parametrize(
    ("samples", "said"),
    [(np.zeros((1, 5 * RATE), np.float32), "silent"), (noise(0.3), "0.30 s long")],
    ids=["silent", "short"],
)
def test_a_recording_with_nothing_to_work_on(cli: Cli, models: Path, tmp_path: Path, samples: Any, said: str) -> None:
    path = tmp_path / "a.wav"
    audio.write(path, samples, RATE)
    told(cli("replace", path), 3, said)
    assert not (tmp_path / "a.hyperaudio" / "preprocess").exists()


@pytest.mark.xdist_group("models")
def test_a_recording_in_which_nobody_speaks(cli: Cli, models: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio.write(path, noise(4.0, 0.01), RATE)
    told(cli("replace", path), 3, "no speech")


def test_a_reference_of_one_second(cli: Cli, models: Path, podcast: Podcast, tmp_path: Path) -> None:
    rate = audio.probe(podcast.reference).rate
    clip = tmp_path / "ref.wav"
    audio.write(clip, audio.read(podcast.reference, 0, rate), rate)
    job = tmp_path / "job"
    outcome = cli("replace", podcast.mix, "--job", job, "--speaker", "SPEAKER_00", "--voice", clip)
    told(outcome, 3, "the reference ref.wav has", "give at least 3 s")


def test_a_silent_reference(cli: Cli, models: Path, podcast: Podcast, tmp_path: Path) -> None:
    clip = tmp_path / "ref.wav"
    audio.write(clip, np.zeros((1, 10 * RATE), np.float32), RATE)
    job = tmp_path / "job"
    told(cli("replace", podcast.mix, "--job", job, "--speaker", "SPEAKER_00", "--voice", clip), 3, "silent")


def test_a_reference_with_two_people(cli: Cli, models: Path, podcast: Podcast, tmp_path: Path) -> None:
    parts = [audio.read_mono(path, RATE)[: 6 * RATE] for path in podcast.clips.values()]
    clip = tmp_path / "both.wav"
    audio.write(clip, np.concatenate(parts), RATE)
    job = tmp_path / "job"
    outcome = cli("replace", podcast.mix, "--job", job, "--speaker", "SPEAKER_00", "--voice", clip)
    told(outcome, 3, "more than one speaker")


def test_an_output_that_exists_is_kept(cli: Cli, recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    out.write_text("precious")
    outcome = cli("replace", recording, "--speaker", "SPEAKER_00", "--voice", recording, "--output", out)
    told(outcome, 3, "out.wav exists already", "--force")
    assert out.read_text() == "precious"


@pytest.mark.parametrize(("name", "code", "said"), [("no/out.wav", 3, "no folder"), ("out.xyz", 2, ".xyz")])
def test_an_output_that_cannot_be_written(
    cli: Cli, recording: Path, tmp_path: Path, name: str, code: int, said: str
) -> None:
    outcome = cli("replace", recording, "--speaker", "S", "--voice", recording, "--output", tmp_path / name)
    told(outcome, code, said)


def test_an_unknown_setting_names_the_nearest(cli: Cli, recording: Path, tmp_path: Path) -> None:
    config = tmp_path / "my.toml"
    config.write_text("[transcribe]\nlanguge = 'en'\n")
    told(cli("replace", recording, "--config", config), 5, "transcribe.languge", "did you mean transcribe.language?")
    told(cli("replace", recording, "--set", "diarize.num_speekers=2"), 5, "did you mean diarize.num_speakers?")
    assert not (tmp_path / "podcast.hyperaudio").exists()


def test_models_that_were_not_pulled(
    cli: Cli, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYPERAUDIO_MODELS", str(tmp_path / "none"))
    told(cli("replace", recording), 4, "hyperaudio models pull")


def test_speakers_and_voices_go_in_pairs(cli: Cli, recording: Path) -> None:
    told(cli("replace", recording, "--speaker", "SPEAKER_00"), 2, "--voice")
    told(cli("replace", recording, "--loud"), 2, "--loud")


def test_a_device_that_is_none(cli: Cli, recording: Path) -> None:
    told(cli("replace", recording, "--device", "tpu"), 2, "no device tpu", "cuda:N")


def test_a_bare_command_prints_help_and_no_error(cli: Cli) -> None:
    outcome = cli()
    assert "error" not in outcome.err.lower() and "Usage" in outcome.out + outcome.err


def test_a_setting_that_was_refused_is_not_remembered(cli: Cli, recording: Path) -> None:
    assert cli("preprocess", recording, "--no-normalize").code == 0
    job = recording.with_suffix(".hyperaudio")
    assert json.loads((job / "job.json").read_text())["settings"] == {"preprocess.normalize": False}
    told(cli("transcribe", job, "--language", "de"), 7, "run hyperaudio separate")
    assert json.loads((job / "job.json").read_text())["settings"] == {"preprocess.normalize": False}


def test_looking_at_a_job_leaves_a_running_stage_alone(cli: Cli, models: Path, recording: Path) -> None:
    assert cli("preprocess", recording).code == 0
    job = recording.with_suffix(".hyperaudio")
    (job / ".separate.new").mkdir()  # as another process has it while it works
    assert cli("status", job).code == 0
    assert (job / ".separate.new").is_dir()


def test_a_speaker_whose_name_is_no_name(cli: Cli, recording: Path) -> None:
    assert cli("preprocess", recording).code == 0
    job = recording.with_suffix(".hyperaudio")
    (job / "diarize").mkdir()
    segments = {"schema": 1, "segments": [{"start": 0, "end": 1, "speaker": "../x"}]}
    (job / "diarize" / "segments.json").write_text(json.dumps(segments))
    told(cli("speakers", job), 7, "segments.json does not fit: segments.0.speaker")


def test_no_job_folder(cli: Cli, tmp_path: Path, recording: Path) -> None:
    told(cli("status", tmp_path), 3, "no job folder")
    told(cli("transcribe", recording), 3, "hyperaudio preprocess")


def test_a_stage_before_its_turn_names_the_one_that_is_missing(cli: Cli, models: Path, recording: Path) -> None:
    assert cli("preprocess", recording).code == 0
    told(cli("transcribe", recording.with_suffix(".hyperaudio")), 7, "run hyperaudio separate")


def test_another_recordings_job_folder(cli: Cli, recording: Path, tmp_path: Path) -> None:
    assert cli("preprocess", recording).code == 0
    other = tmp_path / "other.wav"
    audio.write(other, noise(2.0), RATE)
    told(cli("preprocess", other, "--job", tmp_path / "podcast.hyperaudio"), 7, "belongs to another recording")


def test_a_damaged_json_is_named_with_its_place(cli: Cli, recording: Path) -> None:
    assert cli("preprocess", recording).code == 0
    job = recording.with_suffix(".hyperaudio")
    (job / "job.json").write_text('{"schema": 1}')
    told(cli("status", job), 7, "job.json does not fit: source")


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(models: Path, podcast: Podcast, tmp_path: Path) -> None:
    job = tmp_path / "job"
    command = [sys.executable, "-m", "hyperaudio", "replace", str(podcast.mix), "--job", str(job), "--json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"}
    )
    deadline = time.monotonic() + 120
    while not (job / ".diarize.new").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == "" and "Traceback" not in err and "interrupted" in err.splitlines()[-1]
    assert not (job / ".diarize.new").exists() and not (job / "diarize").exists()
    again = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert again.returncode == 0, again.stderr
    assert "preprocess  as before (current)" in again.stderr
    assert {row["label"] for row in json.loads(again.stdout)["speakers"]} == {"SPEAKER_00", "SPEAKER_01"}


def test_every_exit_code_of_the_design_is_in_the_table() -> None:
    assert [code for code, _ in exit_codes()] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130]
