"""Which of Kokoro's English voices lies nearest to a person, by speaker embedding and pitch."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hyperaudio.backends.speak import _english
from hyperaudio.backends.speak._graph import RATE, UNIT, Floats, Kokoro
from hyperaudio.dsp import pitch

if TYPE_CHECKING:
    from hyperaudio.backend import Embedder
    from hyperaudio.events import Progress

ENGLISH = ("af_", "am_", "bf_", "bm_")
WHISPERED = "af_nicole"
"""Lies near to many people by embedding and has no voice to carry a melody: last in every ranking."""
SENTENCES = (
    "The morning train was late again, so we walked along the river and talked about the weather.",
    "Please call me when you have time to look over the plans for our next meeting.",
)
"""What each voice says to be known by."""
EMBEDDING_RATE = 16_000
REGISTER = 0.35
"""Octaves of median pitch within which a voice has a person's register: it can be moved that far unharmed."""
OCTAVE = 2.0
"""Similarity that each octave past that costs."""


@dataclass(frozen=True, slots=True)
class Known:
    """A voice's unit-norm embedding and its median pitch in Hz."""

    embedding: Floats
    pitch: float


def plain(model: Kokoro, voice: str, text: str) -> Floats:
    """A sentence in a voice, as the model itself says it: ``(frames,)`` at 24 kHz."""
    return timed(model, (voice,), text)[0]


def timed(model: Kokoro, voices: Sequence[str], text: str) -> tuple[Floats, list[tuple[str, float, float]]]:
    """As :func:`plain`, in the mean of several voices' styles, with start and end of each word in seconds."""
    words = text.split()
    spoken = _english.pronounce(words, frozenset(model.vocabulary), british=is_british(voices[0]))
    tokens = model.tokens(spoken.symbols)
    style: Floats = np.stack([model.style(voice, len(spoken.symbols)) for voice in voices]).mean(axis=0)
    durations = model.durations(tokens, style)
    edges = np.concatenate([[0], np.cumsum(durations)]) * UNIT / RATE
    owners = np.array([-1, *spoken.words, -1])
    spans = [(word, np.flatnonzero(owners == index)) for index, word in enumerate(words)]
    times = [(word, float(edges[own[0]]), float(edges[own[-1] + 1])) for word, own in spans if len(own)]
    return model.sound(tokens, style, durations, *model.prosody(tokens, style, durations)), times


def is_british(voice: str) -> bool:
    return voice.startswith("b")


def known(model: Kokoro, embedder: Embedder, weights: str, progress: Progress) -> dict[str, Known]:
    """All English voices, as the embedder hears them.

    Kept in a file beside the model under a name that tells the weights (``weights``: their identity) and the
    embedder (by its answer to a fixed signal). The file is a cache: it may be deleted, and where
    it cannot be written the voices are heard anew next time.
    """
    file = model.folder / f"voices-{_digest(weights, embedder)}.cache.json"
    try:
        rows = json.loads(file.read_text("utf-8"))
        return {name: Known(np.array(row["embedding"], np.float32), float(row["pitch"])) for name, row in rows.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        found = _hear(model, embedder, progress)
    rows = {name: {"pitch": voice.pitch, "embedding": voice.embedding.tolist()} for name, voice in found.items()}
    _keep(file, json.dumps(rows, indent=1))
    return found


def nearest(voices: dict[str, Known], embedding: Floats, median_pitch: float) -> list[tuple[str, float]]:
    """Voices with their cosine to ``embedding``, best first; those of another register come after."""
    cosine = {name: float(voice.embedding @ embedding) for name, voice in voices.items()}

    def merit(name: str) -> float:
        away = abs(np.log2(voices[name].pitch / median_pitch)) if median_pitch * voices[name].pitch > 0 else 0.0
        return float(cosine[name] - OCTAVE * max(0.0, away - REGISTER)) - (10.0 if name == WHISPERED else 0.0)

    return [(name, cosine[name]) for name in sorted(voices, key=lambda name: (-merit(name), name))]


def _hear(model: Kokoro, embedder: Embedder, progress: Progress) -> dict[str, Known]:
    import soxr

    names = model.voices(ENGLISH)
    found: dict[str, Known] = {}
    for done, name in enumerate(names):
        progress(done / len(names))
        sound = np.concatenate([plain(model, name, text) for text in SENTENCES])
        sound = soxr.resample(sound, RATE, EMBEDDING_RATE)
        found[name] = Known(embedder.embed(sound), pitch.median(pitch.contour(sound, EMBEDDING_RATE)))
    progress(1.0)
    return found


def _digest(weights: str, embedder: Embedder) -> str:
    """Short digest of the weights, the sentences and the embedder's answer to two seconds of a fixed buzz."""
    time = np.arange(2 * EMBEDDING_RATE) / EMBEDDING_RATE
    probe = np.sin(2 * np.pi * 140 * time + 3 * np.sin(2 * np.pi * 4 * time)) ** 15 * 0.3
    answer = np.round(embedder.embed(probe.astype(np.float32)), 2) + 0.0
    parts = (weights, *SENTENCES, type(embedder).__qualname__, answer.astype(np.float32).tobytes().hex())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _keep(file: Path, text: str) -> None:
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".new")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(file)
    except OSError:
        return
