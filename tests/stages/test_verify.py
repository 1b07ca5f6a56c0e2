"""verify on a job that went the whole way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperaudio import audio, pipeline
from hyperaudio.files import read_json
from hyperaudio.job import Job
from hyperaudio.measures.figures import WORST, Quality, labels
from hyperaudio.settings import Runtime
from hyperaudio.stage import Context
from hyperaudio.stages import verify
from hyperaudio.stages.edits import Edits

pytestmark = pytest.mark.xdist_group("models")


@pytest.fixture
def job(done: Any) -> Job:
    found: Job = done[0].job
    return found


def context(job: Job) -> Context:
    return Context(job, "verify", job.path / "verify", verify.Settings(), {}, Runtime(), lambda event: None)


def test_the_job_tells_the_edits_the_words_and_the_voices(job: Job, tmp_path: Path) -> None:
    pair = verify.pair(context(job), tmp_path)
    edits = read_json(job.path / "reconstruct/edits.json", Edits).edits
    assert pair.spans == [(edit.start_frame, edit.end_frame) for edit in edits]
    assert pair.known and pair.was == pair.now and pair.stems == {}
    assert len(pair.edited(pair.targets[0])) > 5
    assert pair.references[pair.targets[0]].is_file()
    cut = pair.cut(*pair.spans[0])
    assert np.allclose(cut.new, cut.result - (cut.original - cut.old), atol=1e-6)


def test_a_transcript_corrected_by_hand_is_not_what_the_recogniser_hears(job: Job, tmp_path: Path) -> None:
    path = job.path / "transcribe/transcript.json"
    text = path.read_text()
    try:
        path.write_text(text + "\n")
        assert not verify.pair(context(job), tmp_path).known
    finally:
        path.write_text(text)


def test_a_result_put_in_by_hand_may_have_another_shape(job: Job, tmp_path: Path) -> None:
    pair = verify.pair(context(job), tmp_path)
    folder = tmp_path / "job"
    for name in ("preprocess", "separate", "diarize", "transcribe", "synthesize", "voices", "job.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(job.path / name)
    (folder / "reconstruct").mkdir()
    (folder / "reconstruct/edits.json").symlink_to(job.path / "reconstruct/edits.json")
    audio.write(folder / "reconstruct/result.wav", audio.read(pair.result)[:1, :-5], pair.rate)
    other = verify.pair(context(Job(folder)), tmp_path)
    assert (other.now.channels, other.now.frames) == (1, pair.was.frames - 5)
    assert audio.probe(other.result).frames == pair.was.frames


def test_the_worst_places_are_named_and_written_as_labels(job: Job) -> None:
    found = read_json(job.path / "verify/quality.json", Quality)
    assert 0 < len(found.places) <= WORST
    assert [p.excess for p in found.places] == sorted((p.excess for p in found.places), reverse=True)
    text = (job.path / "verify/labels.txt").read_text()
    assert text == labels(found)
    seconds = audio.probe(job.path / "preprocess/audio.wav").seconds
    for line in text.splitlines():
        start, end, label = line.split("\t")
        assert 0 <= float(start) <= float(end) <= seconds + 1 and label


def test_every_figure_that_has_no_value_says_why(job: Job) -> None:
    figures = read_json(job.path / "verify/quality.json", Quality).figures
    assert all(figure.note for figure in figures if figure.value is None)
    assert {figure.name for figure in figures if figure.value is None} >= {"old voice left in the edits"}
    assert pipeline.stage("verify") is verify.STAGE
