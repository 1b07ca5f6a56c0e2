"""The whole way on real models: an MP3 with tags goes in, the same MP3 with one voice replaced comes out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hyperaudio
from hyperaudio import audio, pipeline, speakers
from hyperaudio.errors import InputError
from hyperaudio.events import Event
from hyperaudio.files import read_json, sha256
from hyperaudio.job import Job, State
from hyperaudio.settings import Runtime
from hyperaudio.stages.takes import Takes
from tests.conftest import Podcast

pytestmark = pytest.mark.xdist_group("models")


def again(recording: Path, podcast: Podcast, **changes: Any) -> tuple[hyperaudio.Replacement, list[str]]:
    events: list[Event] = []
    voices = {str(podcast.clips["guest"]): podcast.reference}
    result = hyperaudio.replace(recording, voices, force=True, report=events.append, **changes)
    return result, [event.stage for event in events if event.kind == "start"]


def test_the_output_is_the_input_in_all_but_the_voice(done: Any, recording: Path) -> None:
    result = done[0]
    assert result.output == recording.with_name("podcast.replaced.mp3")
    before, after = audio.probe(recording), audio.probe(result.output)
    assert (after.rate, after.channels, after.frames, after.container) == (
        before.rate,
        before.channels,
        before.frames,
        before.container,
    )
    assert after.tags["title"] == "Clocks" and after.tags["artist"] == "The Workshop"


def test_no_connection_was_tried(done: Any, attempts: list[Any]) -> None:
    assert attempts == []


def test_outside_the_edits_not_a_sample_differs_and_inside_they_do(done: Any) -> None:
    result = done[0]
    mix = audio.read(result.job.path / "preprocess/audio.wav")
    new = audio.read(result.job.path / "reconstruct/result.wav")
    assert new.shape == mix.shape
    changed = np.zeros(mix.shape[1], bool)
    for edit in result.edits.edits:
        changed[edit.start_frame : edit.end_frame] = True
    assert np.array_equal(new[:, ~changed], mix[:, ~changed])
    assert 0.1 < changed.mean() < 0.9
    assert np.abs(new - mix)[:, changed].max() > 0.01


def test_what_was_edited_is_the_guest_and_nobody_else(done: Any, podcast: Podcast) -> None:
    inside = {"host": 0.0, "guest": 0.0}
    for segment in podcast.truth["segments"]:
        for edit in done[0].edits.edits:
            shared = min(edit.end, segment["end"]) - max(edit.start, segment["start"])
            inside[segment["speaker"]] += max(0.0, shared)
    spoken = sum(s["end"] - s["start"] for s in podcast.truth["segments"] if s["speaker"] == "guest")
    assert inside["guest"] > 0.75 * spoken
    assert inside["host"] < 0.2


def test_the_verification_passes_and_is_not_empty(done: Any) -> None:
    quality = done[0].quality
    assert quality.passed, [f for f in quality.figures if f.passed is False]
    judged = {figure.name for figure in quality.figures if figure.passed is not None}
    assert len(judged) >= 8
    by_name = {figure.name: figure.value for figure in quality.figures}
    assert by_name["null test: largest difference outside the edits"] == 0.0


def test_vocals_and_background_add_up_to_the_recording(done: Any) -> None:
    job = done[0].job.path
    parts = audio.read(job / "separate/vocals.wav") + audio.read(job / "separate/background.wav")
    assert np.allclose(parts, audio.read(job / "preprocess/audio.wav"), atol=1e-6)


def test_a_second_run_does_nothing_again_and_gives_the_same_bytes(done: Any, recording: Path, podcast: Podcast) -> None:
    digest = sha256(done[0].output)
    result, ran = again(recording, podcast)
    assert ran == []
    assert sha256(result.output) == digest


def test_a_changed_setting_reruns_what_depends_on_it(done: Any, recording: Path, podcast: Podcast) -> None:
    _, ran = again(recording, podcast, settings={"reconstruct.fade": 0.03})
    assert ran == ["reconstruct", "verify"]
    _, ran = again(recording, podcast)  # the job remembers it
    assert ran == []


def test_a_corrected_transcript_is_kept_and_spoken(done: Any, tmp_path: Path, models: Path) -> None:
    folder = tmp_path / "copy.hyperaudio"
    shutil.copytree(done[0].job.path, folder)
    path = folder / "transcribe/transcript.json"
    transcript = json.loads(path.read_text())
    label = done[0].targets[0].speaker
    words = next(u["words"] for u in transcript["utterances"] if u["speaker"] == label)
    words[0]["text"] = "Wonderful"
    path.write_text(json.dumps(transcript))
    job, where = Job.open(folder), Runtime()
    settings = pipeline.job_settings(job)
    states = {s.name: pipeline.status(job, s, settings, where).state for s in pipeline.STAGES}
    assert states["transcribe"] is State.EDITED and states["synthesize"] is State.STALE
    assert states["diarize"] is State.CURRENT
    pipeline.run_stages(job, ("transcribe", "synthesize"), settings, where)
    assert json.loads(path.read_text()) == transcript
    takes = read_json(folder / "synthesize/takes.json", Takes)
    assert takes.takes[0].text.startswith("Wonderful")


def test_somebody_who_is_not_there_is_refused_with_who_is(done: Any, recording: Path, podcast: Podcast) -> None:
    with pytest.raises(InputError, match="there are SPEAKER_00, SPEAKER_01"):
        hyperaudio.replace(recording, {"SPEAKER_07": podcast.reference}, force=True)


def test_a_clip_of_both_or_of_neither_is_refused(done: Any, podcast: Podcast, tmp_path: Path) -> None:
    job, where = done[0].job, Runtime()
    settings = pipeline.job_settings(job)
    with pytest.raises(InputError, match="nobody"):
        speakers.match(job, podcast.reference, settings, where)
    both = [audio.read_mono(path, 16_000)[:80_000] for path in podcast.clips.values()]
    audio.write(tmp_path / "both.wav", np.concatenate(both), 16_000)
    with pytest.raises(InputError, match="more than one speaker"):
        speakers.match(job, tmp_path / "both.wav", settings, where)


def test_speakers_are_described(done: Any, podcast: Podcast) -> None:
    found = speakers.describe(done[0].job)
    assert [s.label for s in found] == ["SPEAKER_00", "SPEAKER_01"]
    assert sum(s.share for s in found) == pytest.approx(1, abs=0.01)
    assert all(s.clip.is_file() and s.quote and 60 < s.words_per_minute < 300 for s in found)
    host, guest = (s.median_pitch_hz or 0 for s in found)
    assert abs(np.log2(host / guest)) > 0.3  # a man and a woman
