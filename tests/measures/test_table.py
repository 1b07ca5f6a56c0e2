"""A good result meets every threshold; each way to spoil it misses its own, and only what follows from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperaudio import audio, pipeline
from hyperaudio.backend import Samples, Transcription
from hyperaudio.events import Progress
from hyperaudio.measures import files, levels
from hyperaudio.measures.figures import Quality
from hyperaudio.measures.table import measure
from hyperaudio.settings import Runtime, resolve
from hyperaudio.timeline import frames
from tests.measures.conftest import Edited

pytestmark = pytest.mark.xdist_group("models")

ONSETS = "word start deviation, median"
LOUD = "loudness of utterances against the removed voice"
Measured = Callable[[str, np.ndarray], Quality]


class Remembering:
    """The real transcriber, which hears the same sound only once."""

    def __init__(self, chosen: Any) -> None:
        self.backend, self._real = chosen.backend, chosen.load()
        self._heard: dict[bytes, Transcription] = {}

    def load(self) -> Remembering:
        return self

    def transcribe(self, speech: Samples, language: str | None, progress: Progress) -> Transcription:
        key = speech.tobytes()
        if key not in self._heard:
            self._heard[key] = self._real.transcribe(speech, language, progress)
        return self._heard[key]


@pytest.fixture(scope="module")
def measured(edited: Edited) -> Measured:
    settings = resolve(pipeline.schema())
    limits: Any = settings["verify"]
    backends: dict[Any, Any] = dict(pipeline.backends(pipeline.stage("verify"), settings, Runtime()))
    backends["transcribe"] = Remembering(backends["transcribe"])

    def call(name: str, samples: np.ndarray) -> Quality:
        path = edited.write(name, samples)
        with files.opened(edited.mix, path, edited.truth, edited.speaker, edited.reference) as pair:
            return measure(pair, limits, backends, "en")

    return call


def failed(quality: Quality) -> set[str]:
    return {figure.name for figure in quality.figures if figure.passed is False}


def inside(edited: Edited, quality: Quality, figure: str, spans: Sequence[tuple[float, float]]) -> bool:
    """Whether the worst place is of a figure and within spans in seconds."""
    worst = quality.places[0]
    return worst.figure == figure and any(a <= worst.start and worst.end <= b for a, b in spans)


def test_a_good_result_passes_and_is_measured(edited: Edited, measured: Measured) -> None:
    quality = measured("good", edited.result())
    assert failed(quality) == set() and quality.passed
    why = {figure.name: figure.note for figure in quality.figures if figure.value is None}
    assert why.keys() <= {
        "drift",
        "other voices where both talk: SI-SDR lost",
        "spread of likeness over the utterances",
    }
    assert all(why.values())


def test_shifted_by_60_ms_within_the_edits(edited: Edited, measured: Measured) -> None:
    late = np.roll(edited.new, frames(0.06, edited.rate), axis=1)
    quality = measured("shifted", edited.result(late))
    assert failed(quality) - {"utterance end deviation, median"} == {ONSETS, "lag by cross-correlation"}
    value = next(figure.value for figure in quality.figures if figure.name == ONSETS)
    assert value == pytest.approx(60, abs=8)


def test_the_old_voice_mixed_in_at_20_db_under_the_new(edited: Edited, measured: Measured) -> None:
    quality = measured("leaking", edited.result(edited.new + 0.1 * edited.old))
    assert failed(quality) == {"old voice left in the edits"}
    value = next(figure.value for figure in quality.figures if figure.name == "old voice left in the edits")
    assert value == pytest.approx(-20, abs=1)


def test_a_click_in_an_edit(edited: Edited, measured: Measured) -> None:
    samples, (first, last) = edited.result(), edited.spans[0]
    samples[:, (first + last) // 2] += 0.5
    quality = measured("click", samples)
    at = (first + last) / 2 / edited.rate
    assert failed(quality) == {"sharpest click"}
    assert inside(edited, quality, "click", [(at - 0.001, at + 0.001)])


def test_a_click_outside_the_edits(edited: Edited, measured: Measured) -> None:
    samples = edited.result()
    at = next(b + edited.rate for _, b in edited.spans if all(not a <= b + edited.rate < z for a, z in edited.spans))
    samples[:, at] += 0.25
    quality = measured("stray", samples)
    name = "null test: largest difference outside the edits"
    assert failed(quality) == {name}
    assert inside(edited, quality, name, [(at / edited.rate - 0.001, at / edited.rate + 0.001)])


def test_mono_within_the_edits(edited: Edited, measured: Measured) -> None:
    samples = edited.result()
    for first, last in edited.spans:
        stereo = samples[:, first:last]
        mono = stereo.mean(axis=0)
        # As loud as before: two channels that differ lose power in their mean.
        samples[:, first:last] = mono * np.sqrt((stereo**2).mean() / (mono**2).mean())
    quality = measured("mono", samples)
    assert failed(quality) == {"stereo correlation changed, median", "stereo balance changed, median"}


def test_the_new_voice_1_lu_louder(edited: Edited, measured: Measured) -> None:
    quality = measured("louder", edited.result(edited.new * 10 ** (1 / 20)))
    found = failed(quality)
    # Whether the whole programme is too loud hangs on how much of it the target says.
    assert found - {"integrated loudness change", f"{LOUD}, worst"} == {f"{LOUD}, median"}


def test_a_cut_word(edited: Edited, measured: Measured) -> None:
    new = edited.new.copy()
    text, start, end = max(edited.words[:12], key=lambda word: word[2] - word[1])
    new[:, frames(start, edited.rate) : frames(end, edited.rate)] = 0
    quality = measured("cut", edited.result(new))
    assert "words lost" in failed(quality)
    assert failed(quality) <= {"words lost", "word errors more than in the original"}
    assert any(place.figure == "word lost" and place.start == start for place in quality.places), text


def test_pauses_without_their_room(edited: Edited, measured: Measured) -> None:
    samples = edited.result()
    old = edited.old.mean(axis=0, keepdims=True).astype(np.float32)
    mono = np.concatenate(list(audio.resample([old], edited.rate, 16_000)), axis=1)
    pauses = [(a / 16_000, b / 16_000) for a, b in levels.pauses(mono[0])]
    for start, end in pauses:
        for first, last in edited.spans:
            samples[:, max(first, frames(start, edited.rate)) : min(last, frames(end, edited.rate))] = 0
    quality = measured("silent", samples)
    level = "level of the pauses in the edits, median change"
    assert level in failed(quality) and failed(quality) <= {level, "spectrum of the pauses in the edits"}


def test_a_result_of_one_channel_and_of_fewer_samples(edited: Edited, measured: Measured) -> None:
    samples = edited.result().mean(axis=0, keepdims=True)[:, :-1000]
    found = failed(measured("poor", samples))
    assert {"channels more or fewer", "samples more or fewer", "stereo balance changed, median"} <= found
    assert "null test: largest difference outside the edits" in found


@pytest.mark.parametrize("muted", ["the result", "the reference"])
def test_silence_is_said_and_ends_nothing(edited: Edited, tmp_path: Path, muted: str) -> None:
    settings = resolve(pipeline.schema())
    limits: Any = settings["verify"]
    embedder = pipeline.backends(pipeline.stage("verify"), settings, Runtime())["embed"]
    clip = tmp_path / "clip.wav"
    audio.write(clip, np.zeros((1, 10 * edited.rate), np.float32), edited.rate)
    new = edited.original - edited.old if muted == "the result" else edited.result()
    reference = edited.reference if muted == "the result" else clip
    with files.opened(edited.mix, edited.write("muted", new), edited.truth, edited.speaker, reference) as pair:
        quality = measure(pair, limits, {"embed": embedder})
    alike = [figure for figure in quality.figures if "to the reference" in figure.name]
    assert len(alike) == 2 and all("silent" in figure.note and figure.value is None for figure in alike)
    assert ("words lost" in failed(quality)) is (muted == "the result")
    assert all(figure.note for figure in quality.figures if figure.value is None)


def test_a_truth_with_words_of_no_length_and_past_the_end(edited: Edited, tmp_path: Path) -> None:
    """Whatever a truth says, each figure has a value or a reason."""
    segment = {"speaker": "A", "start": 0.4, "end": 99, "words": [["a", 0.6, 0.6], ["b", 0.7, 0.71], ["c", 98, 99]]}
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({"segments": [segment]}))
    samples = edited.original.copy()
    samples[:, frames(0.55, edited.rate) : frames(0.8, edited.rate)] *= 0.5
    path = edited.write("odd", samples)
    limits: Any = resolve(pipeline.schema())["verify"]
    embedder = pipeline.backends(pipeline.stage("verify"), resolve(pipeline.schema()), Runtime())["embed"]
    with files.opened(edited.mix, path, truth, "A", edited.reference) as pair:
        quality = measure(pair, limits, {"embed": embedder})
    json.dumps(quality.model_dump(mode="json"), allow_nan=False)
    assert all(figure.note for figure in quality.figures if figure.value is None)
