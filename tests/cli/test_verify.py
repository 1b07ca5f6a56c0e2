"""hyperaudio verify on two files: what it prints, and what it says of files that cannot be compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperaudio import audio
from hyperaudio.job import Job

RATE = 16_000
Cli = Callable[..., Any]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """An original, a result that differs from 1 to 2 s and has a stray sample at 5 s, a truth; and no models."""
    monkeypatch.setenv("HYPERAUDIO_MODELS", str(tmp_path / "none"))
    samples = (0.1 * np.random.default_rng(0).standard_normal((1, 6 * RATE))).astype(np.float32)
    original, result, truth = (tmp_path / name for name in ("mix.wav", "result.wav", "truth.json"))
    audio.write(original, samples, RATE)
    samples[:, RATE : 2 * RATE] = samples[:, RATE : 2 * RATE][:, ::-1]
    samples[:, 5 * RATE] += 0.25
    audio.write(result, samples, RATE)
    turn = {"speaker": "host", "start": 1, "end": 2, "text": "so", "words": [["so", 1.2, 1.8]]}
    truth.write_text(json.dumps({"segments": [turn]}))
    return original, result, truth


def test_the_table_the_places_and_the_labels(cli: Cli, files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    original, result, truth = files
    outcome = cli("verify", original, result, "--truth", truth, "--labels", tmp_path / "labels.txt", "-q")
    assert outcome.code == 9
    assert "verification fell short" in outcome.complaint and "null test" in outcome.complaint
    assert "Worst places" in outcome.out and "FAIL" in outcome.out and "not measured" in outcome.out
    lines = (tmp_path / "labels.txt").read_text().splitlines()
    assert any(line.startswith("5.000\t5.000\tnull test") for line in lines)


def test_the_same_as_json(cli: Cli, files: tuple[Path, Path, Path]) -> None:
    outcome = cli("verify", *files[:2], "--truth", files[2], "--json", "-q")
    assert outcome.code == 9
    found = json.loads(outcome.out)
    null = next(f for f in found["figures"] if f["name"].startswith("null test"))
    assert null["passed"] is False and null["value"] == pytest.approx(0.25, abs=1e-3)
    assert found["passed"] is False and found["places"][0]["excess"] >= found["places"][-1]["excess"]


def test_a_threshold_is_an_option_for_two_files_too(cli: Cli, files: tuple[Path, Path, Path]) -> None:
    for limit, passed in (("0.0001", False), ("5", True)):
        outcome = cli("verify", *files[:2], "--loudness-change-lu", limit, "--json", "-q")
        figures = {f["name"]: f["passed"] for f in json.loads(outcome.out)["figures"]}
        assert figures["integrated loudness change"] is passed


@pytest.mark.parametrize(
    ("truth", "speaker", "said"),
    [
        ("{", None, "does not fit"),
        ('{"segments": [{"speaker": "host", "start": "x", "end": 1}]}', None, "segments.0.start"),
        (None, "nobody", "no speaker nobody"),
    ],
)
def test_a_truth_that_does_not_serve(
    cli: Cli, files: tuple[Path, Path, Path], truth: str | None, speaker: str | None, said: str
) -> None:
    if truth is not None:
        files[2].write_text(truth)
    outcome = cli("verify", *files[:2], "--truth", files[2], *(["--speaker", speaker] if speaker else []), "-q")
    assert outcome.code == 3 and said in outcome.complaint and outcome.out == ""
    assert len([line for line in outcome.err.splitlines() if line.startswith("error:")]) == 1


def test_files_that_are_missing_or_the_same(cli: Cli, files: tuple[Path, Path, Path]) -> None:
    original, result, truth = files
    for arguments, said in (
        ((original, result.with_name("reslut.wav")), "did you mean result.wav?"),
        ((original, result, "--truth", truth.with_name("no.json")), "cannot read the truth"),
        ((original, result, "--voice", truth.with_name("no.wav")), "no.wav does not exist"),
        ((original, original), "nothing was replaced"),
    ):
        outcome = cli("verify", *arguments, "-q")
        assert outcome.code == 3 and said in outcome.complaint, outcome.err


def test_arguments_that_do_not_go_together_are_told_before_any_work(
    cli: Cli, files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    original, result, _ = files
    job = tmp_path / "podcast.hyperaudio"
    Job(job).create(original)
    for arguments, code, said in (
        ((original,), 2, f"hyperaudio verify {original} RESULT"),
        ((job, result), 2, "is a job, which has its original and its result"),
        ((original, job), 2, f"hyperaudio verify {job}"),
        ((original, result, "--labels", tmp_path / "no/labels.txt"), 3, f"there is no folder {tmp_path / 'no'}"),
        ((original, result, "--labels", tmp_path), 3, "is a folder"),
    ):
        outcome = cli("verify", *arguments)
        assert outcome.code == code and said in outcome.complaint, outcome.err
        assert outcome.out == "" and len(outcome.err.splitlines()) == 1


def test_the_table_names_who_was_replaced_and_what_could_not_be_measured(
    cli: Cli, files: tuple[Path, Path, Path]
) -> None:
    outcome = cli("verify", *files[:2], "--truth", files[2], "-q")
    assert outcome.out.startswith("Replaced: host") and "(host)" not in outcome.out
    assert "-12 dBFS; edits are where samples differ near host's turns" in outcome.out
    assert "6.000 -> 6.000 s" in outcome.out and "not measured: no transcriber is present" in outcome.out


def test_a_truth_goes_with_two_files(cli: Cli, files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    outcome = cli("verify", tmp_path, "--truth", files[2])
    assert outcome.code == 2 and "two files" in outcome.complaint
