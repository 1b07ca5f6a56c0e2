"""What the commands print, on a job that went the whole way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli

from hyperaudio import pipeline
from tests.conftest import Podcast

Cli = Callable[..., Any]
pytestmark = pytest.mark.xdist_group("models")


@pytest.fixture
def job(done: Any) -> Path:
    return done[0].job.path  # type: ignore[no-any-return]


def test_status_says_that_everything_is_current(cli: Cli, job: Path, offline: list[Any]) -> None:
    rows = json.loads(cli("status", job, "--json").out)
    assert [row["stage"] for row in rows] == [stage.name for stage in pipeline.STAGES]
    assert {row["state"] for row in rows} == {"current"}
    assert all(row["seconds"] >= 0 and row["peak_memory_mb"] > 0 for row in rows)
    assert offline == []


def test_status_says_why_a_stage_is_stale(cli: Cli, job: Path) -> None:
    rows = json.loads(cli("status", job, "--json", "--set", "transcribe.faster_whisper.beam_size=3").out)
    stale = {row["stage"]: row["reasons"] for row in rows if row["state"] == "stale"}
    assert stale == {stage: ["beam_size 5 -> 3"] for stage in ("transcribe", "synthesize", "reconstruct", "verify")}


def test_speakers_are_told_for_people_and_for_machines(cli: Cli, job: Path) -> None:
    found = json.loads(cli("speakers", job, "--json").out)
    assert {row["label"] for row in found} == {"SPEAKER_00", "SPEAKER_01"}
    table = cli("speakers", job).out
    assert all(row["quote"][:10] in table and row["label"] in table for row in found)


def test_replace_without_a_speaker_lists_them_and_says_how_to_go_on(cli: Cli, recording: Path, done: Any) -> None:
    outcome = cli("replace", recording)
    assert outcome.code == 0
    assert "SPEAKER_00" in outcome.out and "SPEAKER_01" in outcome.out
    assert f"Go on with: hyperaudio replace {recording} --speaker SPEAKER_00 --voice REF.wav" in outcome.err
    assert all(f"{stage:<11} as before" in outcome.err for stage in ("preprocess", "separate", "diarize", "transcribe"))


def test_replace_prints_the_figures_and_the_file(cli: Cli, recording: Path, podcast: Podcast, done: Any) -> None:
    voices = ("--speaker", podcast.clips["guest"], "--voice", podcast.reference, "--force")
    result = json.loads(cli("replace", recording, *voices, "--json").out)
    assert result["output"] == str(done[0].output)
    assert result["quality"]["passed"] is True and result["edits"] == len(done[0].edits.edits)


def test_a_stage_run_alone_is_current_and_its_threshold_is_an_option(cli: Cli, job: Path) -> None:
    assert cli("verify", job).code == 0
    strict = cli("verify", job, "--likeness-margin", "1.9")
    assert strict.code == 9
    assert "verification fell short: nearer to the reference than to the old voice" in strict.complaint
    assert cli("verify", job, "--likeness-margin", "0").code == 0


def test_doctor_tells_what_each_task_would_use(cli: Cli, models: Path, offline: list[Any]) -> None:
    rows = json.loads(cli("doctor", "--json").out)["backends"]
    used = {row["task"]: row["backend"] for row in rows if row["used"]}
    assert used == {
        "separate": "htdemucs",
        "diarize": "pyannote",
        "transcribe": "faster_whisper",
        "embed": "wespeaker",
        "speak": "kokoro",
        "convert": "world",
    }
    assert offline == []


def test_doctor_names_the_command_that_brings_what_is_missing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYPERAUDIO_MODELS", str(tmp_path))
    rows = json.loads(cli("doctor", "--json").out)["backends"]
    kokoro = next(row for row in rows if row["backend"] == "kokoro")
    assert not kokoro["ready"] and kokoro["bring"] == "hyperaudio models pull kokoro-82m"


def test_settings_print_a_section_as_toml(cli: Cli) -> None:
    printed = tomli.loads(cli("settings", "reconstruct").out)
    assert list(printed) == ["reconstruct"]
    assert printed["reconstruct"]["fade"] == 0.02 and printed["reconstruct"]["match_level"] is True
    assert cli("settings", "nothing").code == 5


@pytest.mark.parametrize("command", [stage.name for stage in pipeline.STAGES])
def test_every_setting_of_a_stage_is_an_option(cli: Cli, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = cli(command, "--help").out
    for name in pipeline.stage(command).settings.model_fields:
        assert f"--{name.replace('_', '-')}" in text
