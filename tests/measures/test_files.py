from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperaudio import audio
from hyperaudio.errors import InputError
from hyperaudio.measures import files
from hyperaudio.measures.pair import Format, Pair

RATE = 16_000


def noise(seconds: float, channels: int = 2, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, round(seconds * RATE)))).astype(np.float32)


def turn(speaker: str, start: float, end: float) -> dict[str, Any]:
    return {"speaker": speaker, "start": start, "end": end, "text": "x", "words": [["x", start, end]], "clip": "1"}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Ten seconds: A until 4 s, B from 6 s on; with tracks of both."""
    stems = {"A": noise(10, seed=1), "B": noise(10, seed=2)}
    stems["A"][:, 4 * RATE :] = 0
    stems["B"][:, : 6 * RATE] = 0
    audio.write(tmp_path / "mix.wav", stems["A"] + stems["B"] + 0.01 * noise(10, seed=3), RATE)
    for name, track in stems.items():
        audio.write(tmp_path / f"stem_{name}.wav", track, RATE)
    (tmp_path / "truth.json").write_text(json.dumps({"segments": [turn("A", 0, 4), turn("B", 6, 10)], "name": "t"}))
    return tmp_path / "mix.wav"


def spoilt(recording: Path, *spans: tuple[float, float]) -> Path:
    samples = audio.read(recording)
    for start, end in spans:
        samples[:, round(start * RATE) : round(end * RATE)] *= 0.5
    path = recording.with_name("result.wav")
    audio.write(path, samples, RATE)
    return path


def seconds(pair: Pair) -> list[tuple[float, float]]:
    return [(round(a, 2), round(b, 2)) for a, b in pair.seconds]


def test_edits_are_where_samples_differ(recording: Path) -> None:
    with files.opened(recording, spoilt(recording, (1, 2), (2.05, 3), (5, 5.01))) as pair:
        assert seconds(pair) == [(1, 3)] and pair.targets == (files.SOMEBODY,)
        assert pair.voices is None and pair.words == ()


def test_with_a_truth_they_are_of_whom_the_turns_changed_most(recording: Path) -> None:
    truth = recording.with_name("truth.json")
    with files.opened(recording, spoilt(recording, (6, 8), (0.5, 0.6)), truth) as pair:
        assert seconds(pair) == [(6, 8)] and pair.targets == ("B",)
        assert [w.speaker for w in pair.words] == ["A", "B"] and set(pair.stems) == {"A", "B"}
        assert pair.voices is not None
        total = audio.read(recording.with_name("stem_A.wav")) + audio.read(recording.with_name("stem_B.wav"))
        assert np.array_equal(audio.read(pair.voices), total)
        folder = pair.voices.parent
    assert not folder.exists()
    with files.opened(recording, spoilt(recording, (6, 8), (0.5, 0.6)), truth, "A") as pair:
        assert seconds(pair) == [(0.5, 0.6)]


def test_an_edit_does_not_reach_far_beyond_its_turn(recording: Path) -> None:
    with files.opened(recording, spoilt(recording, (1, 7)), recording.with_name("truth.json"), "A") as pair:
        assert seconds(pair) == [(1, 4 + files.REACH)]


def test_where_everything_was_made_anew_they_are_the_turns(recording: Path) -> None:
    with files.opened(recording, spoilt(recording, (0, 10)), recording.with_name("truth.json"), "B") as pair:
        assert seconds(pair) == [(6, 10)] and "nearly all samples differ" in pair.edits_from
    with files.opened(recording, spoilt(recording, (0, 10))) as pair:
        assert seconds(pair) == [(0, 10)]


def test_a_result_of_another_shape_is_brought_to_the_originals(recording: Path) -> None:
    made = audio.read(spoilt(recording, (1, 2))).mean(axis=0, keepdims=True)
    half = np.concatenate(list(audio.resample([made], RATE, 8_000)), axis=1)[:, :-500]
    audio.write(recording.with_name("other.wav"), half, 8_000)
    with files.opened(recording, recording.with_name("other.wav"), recording.with_name("truth.json"), "A") as pair:
        assert pair.now == Format(8_000, 1, 5 * RATE - 500) and pair.was == Format(RATE, 2, 10 * RATE)
        assert audio.read(pair.result).shape == (2, 10 * RATE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "does not fit"),
        ("[]", "does not fit"),
        ('{"segments": []}', "nobody speaks"),
        ('{"segments": [{"speaker": "A", "start": 2, "end": 1}]}', "segments.0"),
        ('{"segments": [{"speaker": "A", "start": 0, "end": 1, "words": [["x", 1, 0]]}]}', "does not fit"),
        ('{"segments": [{"speaker": "../A", "start": 0, "end": 1}]}', "segments.0.speaker"),
    ],
)
def test_a_truth_that_is_none(recording: Path, text: str, said: str) -> None:
    truth = recording.with_name("bad.json")
    truth.write_text(text)
    with pytest.raises(InputError, match=said):
        files.read_truth(truth)


def test_what_cannot_be_compared(recording: Path) -> None:
    result, truth = spoilt(recording, (1, 2)), recording.with_name("truth.json")
    with pytest.raises(InputError, match="no speaker C"), files.opened(recording, result, truth, "C"):
        pytest.fail("opened")
    with (
        pytest.raises(InputError, match="cannot read the truth"),
        files.opened(recording, result, truth.with_name("t")),
    ):
        pytest.fail("opened")
    with pytest.raises(InputError, match="has the samples of"), files.opened(recording, recording):
        pytest.fail("opened")
    with pytest.raises(InputError, match="does not exist"), files.opened(recording, result.with_name("no.wav")):
        pytest.fail("opened")
