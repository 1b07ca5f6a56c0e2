from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from hyperaudio.backend import Embedder, Samples, find
from hyperaudio.errors import BackendError
from hyperaudio.settings import Runtime

VOICES = ("lj", "ls2414", "ls3331", "p226")
LOWEST_MARGIN = {"wespeaker": 0.3, "campplus": 0.3, "ge2e": 0.1}


def speech(file: Path) -> Samples:
    samples, rate = soundfile.read(file, dtype="float32")
    return np.asarray(soxr.resample(samples, rate, 16_000), dtype=np.float32)


@pytest.fixture(scope="module")
def clips(data: Path) -> dict[str, list[Samples]]:
    return {voice: [speech(f) for f in sorted((data / "voices" / voice).glob("*.flac"))[:3]] for voice in VOICES}


@pytest.fixture(scope="module", params=sorted(LOWEST_MARGIN))
def embedder(request: pytest.FixtureRequest, models: Path) -> tuple[str, Embedder]:
    module: Any = find("embed")[request.param].module
    return request.param, module.load(module.Settings(), Runtime(threads=1, models=models))


def test_one_person_is_nearer_than_any_other(embedder: tuple[str, Embedder], clips: dict[str, list[Samples]]) -> None:
    name, model = embedder
    who = np.array([voice for voice, own in clips.items() for _ in own])
    points = np.stack([model.embed(clip) for own in clips.values() for clip in own])
    cosines = points @ points.T
    same = who[:, None] == who[None]
    assert cosines[same].min() > cosines[~same].max()
    assert cosines[same].mean() - cosines[~same].mean() > LOWEST_MARGIN[name]


def test_embedding_is_unit_norm_float32_and_repeatable(
    embedder: tuple[str, Embedder], clips: dict[str, list[Samples]]
) -> None:
    _, model = embedder
    first, second = model.embed(clips["lj"][0]), model.embed(clips["lj"][0])
    assert first.dtype == np.float32
    assert first.ndim == 1
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-5)
    assert first.tobytes() == second.tobytes()


def test_level_and_long_silence_hardly_matter(embedder: tuple[str, Embedder], clips: dict[str, list[Samples]]) -> None:
    _, model = embedder
    clip = clips["ls2414"][1]
    padded = np.concatenate([clip, np.zeros(40 * 16_000, np.float32)])
    assert model.embed(clip) @ model.embed(0.25 * clip) > 0.95
    assert model.embed(clip) @ model.embed(padded) > 0.7


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.zeros(0, np.float32), "too short"),
        (np.full(4_000, 0.1, np.float32), "too short"),
        (np.zeros(32_000, np.float32), "silent"),
        (np.full(32_000, np.nan, np.float32), "not numbers"),
        (np.full((2, 32_000), 0.1, np.float32), "mono"),
    ],
)
def test_what_cannot_be_embedded_is_refused(embedder: tuple[str, Embedder], samples: Samples, says: str) -> None:
    with pytest.raises(BackendError, match=says) as refused:
        embedder[1].embed(samples)
    assert refused.value.hint
