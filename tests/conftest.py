"""What the tests run on: the starter set's weights, and speech with exact truth.

``HYPERAUDIO_DATA`` (by default ``shared/data`` beside the repository) is a folder of real speech. Where it
is absent, a conversation spoken by the starter set's own voices stands in.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import filelock
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import hyperaudio
from hyperaudio import audio
from hyperaudio.events import Event
from hyperaudio.models import catalogue, store
from hyperaudio.settings import models_folder

ROOT = Path(__file__).resolve().parents[1]

# How fast a machine is, and how busy, is no property of the program.
settings.register_profile("hyperaudio", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hyperaudio")


@dataclass(frozen=True)
class Podcast:
    """A recording with its truth.

    ``truth`` is ``{"segments": [{speaker, start, end, text, words: [[word, start, end]]}]}``; ``clips`` has a
    few seconds of each speaker that are not in the recording, ``reference`` somebody else.
    """

    mix: Path
    stems: dict[str, Path]
    truth: dict[str, Any]
    clips: dict[str, Path]
    reference: Path


@pytest.fixture(scope="session")
def models() -> Path:
    """The models folder, with the starter set in it."""
    root = models_folder()
    absent = [model.name for model in catalogue.CATALOGUE if model.starter and not store.present(model.name, root)]
    if absent:
        pytest.fail(f"weights are missing ({', '.join(absent)}): run hyperaudio models pull starter", pytrace=False)
    return root


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real speech."""
    folder = Path(os.environ.get("HYPERAUDIO_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "podcasts").is_dir():
        pytest.skip("no folder of real speech (HYPERAUDIO_DATA)")
    return folder


@pytest.fixture(scope="session")
def podcast(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Podcast:
    """About twenty seconds of two people in turns."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent  # one for all workers
    folder = shared / "podcast"
    with filelock.FileLock(shared / "podcast.lock"):
        if not (folder / "podcast.json").exists():
            folder.mkdir(exist_ok=True)
            real = Path(os.environ.get("HYPERAUDIO_DATA", ROOT.parent / "shared" / "data"))
            made = _from_data(real, folder) if (real / "podcasts").is_dir() else _from_demo(folder)
            (folder / "podcast.json").write_text(json.dumps(made))
    made = json.loads((folder / "podcast.json").read_text())
    return Podcast(
        Path(made["mix"]),
        {k: Path(v) for k, v in made["stems"].items()},
        made["truth"],
        {k: Path(v) for k, v in made["clips"].items()},
        Path(made["reference"]),
    )


def _from_data(real: Path, folder: Path) -> dict[str, Any]:
    source = real / "podcasts" / "dev1_60s_2spk_dry"
    truth = json.loads((source / "truth.json").read_text())
    rate, stop = truth["sample_rate"], 20.45
    names = {"mix": "mix", **{f"stem_{who}": f"stem_{who}" for who in truth["speakers"]}}
    for name in names:
        part = audio.read(source / f"{name}.flac", 0, round(stop * rate))
        audio.write(folder / f"{name}.wav", part, rate, "PCM_16")
    segments = [segment for segment in truth["segments"] if segment["end"] < stop]
    voices = {"host": ("lj", "LJ001-0006", "LJ001-0007"), "guest": ("ls2414", "2414-128291-0005")}
    voices["reference"] = ("p226", "p226_003", "p226_008")
    for name, (voice, *clips) in voices.items():
        rate_ = audio.probe(real / "voices" / voice / f"{clips[0]}.flac").rate
        joined = np.concatenate([audio.read(real / "voices" / voice / f"{clip}.flac") for clip in clips], axis=1)
        audio.write(folder / f"{name}.wav", joined, rate_, "PCM_16")
    return {
        "mix": str(folder / "mix.wav"),
        "stems": {who: str(folder / f"stem_{who}.wav") for who in truth["speakers"]},
        "truth": {"segments": segments},
        "clips": {who: str(folder / f"{who}.wav") for who in ("host", "guest")},
        "reference": str(folder / "reference.wav"),
    }


def _from_demo(folder: Path) -> dict[str, Any]:
    from hyperaudio import demo

    made = demo.write(folder)
    dry = sum(audio.read(folder / f"stem_{who}.wav") for who in made.clips)
    audio.write(folder / "mix.wav", dry, demo.RATE, "PCM_16")
    return {
        "mix": str(folder / "mix.wav"),
        "stems": {who: str(folder / f"stem_{who}.wav") for who in made.clips},
        "truth": json.loads(made.truth.read_text()),
        "clips": {who: str(path) for who, path in made.clips.items()},
        "reference": str(made.reference),
    }


@pytest.fixture(scope="session")
def recording(podcast: Podcast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replace") / "podcast.mp3"
    samples, rate = audio.read(podcast.mix), audio.probe(podcast.mix).rate
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libmp3lame", rate=rate, layout="stereo", bit_rate=128_000)
        container.metadata.update({"title": "Clocks", "artist": "The Workshop"})
        frame: Any = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def attempts() -> list[Any]:
    return []


@pytest.fixture(scope="session")
def done(
    recording: Path, podcast: Podcast, models: Path, attempts: list[Any]
) -> tuple[hyperaudio.Replacement, list[Event]]:
    """The guest replaced, named by a clip, from async code, with the network cut."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        attempts.append(args)
        raise OSError("the network is off in this test")

    events: list[Event] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "create_connection", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)

        async def main() -> hyperaudio.Replacement:
            voices = {str(podcast.clips["guest"]): podcast.reference}
            return await asyncio.to_thread(hyperaudio.replace, recording, voices, report=events.append)

        result = asyncio.run(main())
    return result, events


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Refuses every connection, and lists those that were tried."""
    tried: list[Any] = []

    def refuse(*args: Any, **kwargs: Any) -> Any:
        tried.append(args)
        raise OSError("the network is off in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield tried
