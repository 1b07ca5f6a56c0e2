"""A small edit with exact truth that meets every threshold, made without the pipeline, to be spoilt in single ways."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hyperaudio import audio
from hyperaudio.dsp import fades
from hyperaudio.timeline import frames
from tests.conftest import Podcast

PITCH, FORMANTS = 0.72, 0.84
"""What makes another person of a voice: a lower one with a longer vocal tract."""
OWN_PAN, OTHER_PAN = (1.0, 0.6), (0.6, 1.0)
REFLECTIONS = (0.011, 0.017)
ROOM = 10 ** (-58 / 20)
FADE, AROUND = 0.02, 0.12


@dataclass(frozen=True)
class Edited:
    """Tracks ``(channels, frames)`` of a recording in stereo whose target was replaced, and where they lie as files."""

    folder: Path
    rate: int
    speaker: str
    spans: list[tuple[int, int]]
    words: list[tuple[str, float, float]]
    original: np.ndarray
    old: np.ndarray
    new: np.ndarray

    @property
    def mix(self) -> Path:
        return self.folder / "mix.wav"

    @property
    def truth(self) -> Path:
        return self.folder / "truth.json"

    @property
    def reference(self) -> Path:
        return self.folder / "reference.wav"

    def result(self, new: np.ndarray | None = None) -> np.ndarray:
        """The recording with a voice in place of the target's."""
        made = self.original.copy()
        voice = self.new if new is None else new
        for first, last in self.spans:
            fade = frames(FADE, self.rate)
            curve = fades.window(last - first, fade, fade)
            made[:, first:last] += curve * (voice - self.old)[:, first:last]
        return made

    def write(self, name: str, samples: np.ndarray) -> Path:
        path = self.folder / f"{name}.wav"
        audio.write(path, samples.astype(np.float32), self.rate)
        return path


def another(voice: np.ndarray, rate: int) -> np.ndarray:
    """A voice ``(frames,)`` as another person's, with the same timing, pitch contour and level over 100 ms."""
    import pyworld
    from scipy.ndimage import uniform_filter1d

    signal = np.ascontiguousarray(voice, np.float64)
    rough, times = pyworld.dio(signal, rate)
    pitch = pyworld.stonemask(signal, rough, times, rate)
    envelope, noise = pyworld.cheaptrick(signal, pitch, times, rate), pyworld.d4c(signal, pitch, times, rate)
    bins = np.arange(envelope.shape[1])
    source = np.minimum(bins / FORMANTS, bins[-1])
    warped = np.exp(np.stack([np.interp(source, bins, np.log(row + 1e-16)) for row in envelope]))
    said = pyworld.synthesize(pitch * PITCH, warped, noise, rate)[: len(signal)]
    said = np.pad(said, (0, len(signal) - len(said)))
    window = frames(0.1, rate)
    was, now = (np.sqrt(uniform_filter1d(x**2, window)) for x in (signal, said))
    return said * np.clip((was + 1e-5) / (now + 1e-5), 0.1, 10.0)


def placed(voice: np.ndarray, pan: tuple[float, float], rate: int) -> np.ndarray:
    """A voice ``(frames,)`` in stereo, with another reflection from either side."""
    late = [np.pad(voice, (frames(time, rate), 0))[: len(voice)] for time in REFLECTIONS]
    return np.stack([gain * (voice + 0.5 * echo) for gain, echo in zip(pan, late, strict=True)])


@pytest.fixture(scope="session")
def edited(podcast: Podcast, tmp_path_factory: pytest.TempPathFactory) -> Edited:
    folder = tmp_path_factory.mktemp("edited")
    segments = podcast.truth["segments"]
    speaker = segments[0]["speaker"]
    rate = audio.probe(podcast.mix).rate
    stems = {who: audio.read(path).mean(axis=0, dtype=np.float64) for who, path in podcast.stems.items()}
    own, length = stems[speaker], len(stems[speaker])
    rest = np.sum([track for who, track in stems.items() if who != speaker], axis=0)
    room = ROOM * np.random.default_rng(1).standard_normal((2, length))
    old, others = placed(own, OWN_PAN, rate), placed(rest, OTHER_PAN, rate)
    new = placed(another(own, rate), OWN_PAN, rate)
    spans = list(_spans(segments, speaker, rate, length))
    clip = audio.read_mono(podcast.clips[speaker])
    clip_rate = audio.probe(podcast.clips[speaker]).rate
    audio.write(folder / "reference.wav", another(clip, clip_rate).astype(np.float32), clip_rate)
    audio.write(folder / f"stem_{speaker}.wav", old.astype(np.float32), rate)
    for who, track in stems.items():
        if who != speaker:
            audio.write(folder / f"stem_{who}.wav", placed(track, OTHER_PAN, rate).astype(np.float32), rate)
    (folder / "truth.json").write_text(json.dumps(podcast.truth))
    words = [(text, a, b) for s in segments if s["speaker"] == speaker for text, a, b in s["words"]]
    made = Edited(folder, rate, speaker, spans, words, (old + others + room), old, new)
    made.write("mix", made.original)
    return made


def _spans(segments: list[dict], speaker: str, rate: int, length: int) -> Iterable[tuple[int, int]]:  # type: ignore[type-arg]
    """Each of a speaker's turns with a little around it, but not beyond half way to the next."""
    for index, segment in enumerate(segments):
        if segment["speaker"] != speaker:
            continue
        before = segments[index - 1]["end"] if index else 0.0
        after = segments[index + 1]["start"] if index + 1 < len(segments) else length / rate
        start = max(segment["start"] - AROUND, (before + segment["start"]) / 2)
        end = min(segment["end"] + AROUND, (after + segment["end"]) / 2)
        yield frames(start, rate), min(frames(end, rate), length)
