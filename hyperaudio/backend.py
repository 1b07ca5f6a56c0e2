"""Backends: one Protocol per task, and how a backend is found, judged available, and loaded.

A backend is a module ``hyperaudio/backends/<task>/<name>.py`` (its place registers it), or an entry
point of the group ``hyperaudio.<task>`` from another package. The module holds

* ``Settings``: a frozen :class:`hyperaudio.settings.Section`; empty where there is nothing to set,
* ``REVISION``: an int that grows when the same settings begin to give other results,
* ``RANK``: an int; ``auto`` tries high ranks first,
* ``PACKAGES``: the distributions it runs on, whose versions go into the fingerprint,
* ``WEIGHTS``: the catalogue names of the weights it loads, or a function of its settings that gives them,
* ``LANGUAGES``, where it is limited to some: a frozenset of ISO 639-1 codes,
* ``load(settings, runtime)``: returns the object that keeps the task's Protocol.

The first line of its docstring says what it is. Heavy imports stay inside ``load``, so that looking at a
backend costs nothing. Backends get arrays and plain types, never a job. All arrays are float32 in -1..1; mono
is ``(frames,)``, several channels are ``(channels, frames)``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from hyperaudio.errors import ConfigError, MissingError
from hyperaudio.events import Progress
from hyperaudio.models import store
from hyperaudio.settings import Runtime, Section, Settings
from hyperaudio.timeline import Segment, Word

Samples = npt.NDArray[np.float32]
SPEECH_RATE = 16_000
"""Hz of the mono analysis copy that diarizers, transcribers and embedders hear."""


class Separator(Protocol):
    """Takes speech out of a mix."""

    rate: int
    """Hz it works at."""

    def vocals(self, mix: Samples) -> Samples:
        """The speech in ``mix``, both ``(2, frames)`` at ``rate``; called with half a minute or so at a time."""


@dataclass(frozen=True, slots=True)
class SpeakerBounds:
    """What is known of the number of speakers; ``None`` is unknown."""

    exactly: int | None = None
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Diarization:
    """Who speaks when: segments with the backend's own labels, and one unit-norm embedding per label."""

    segments: Sequence[Segment]
    embeddings: dict[str, Samples]


class Diarizer(Protocol):
    """Finds who speaks when."""

    def diarize(self, speech: Samples, bounds: SpeakerBounds, progress: Progress) -> Diarization:
        """Segments of ``speech`` ``(frames,)`` at 16 kHz; overlapping speech as overlapping segments."""


@dataclass(frozen=True, slots=True)
class Transcription:
    """Words in order of time, and the language (ISO 639-1) with its probability."""

    words: Sequence[Word]
    language: str
    language_probability: float


class Transcriber(Protocol):
    """Writes down what is said."""

    def transcribe(self, speech: Samples, language: str | None, progress: Progress) -> Transcription:
        """Words of ``speech`` ``(frames,)`` at 16 kHz; the language is detected where it is ``None``."""


class Embedder(Protocol):
    """Maps speech to a point such that one person's points lie close together."""

    def embed(self, speech: Samples) -> Samples:
        """Unit-norm embedding ``(dimensions,)`` of ``speech`` ``(frames,)`` at 16 kHz."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The voice to put in: ``samples`` ``(frames,)`` at ``rate`` Hz, one person, checked before."""

    samples: Samples
    rate: int


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance to be said again.

    Attributes:
        text: what is said.
        words: its words, with times in seconds from the line's first frame.
        language: ISO 639-1.
        original: the removed voice ``(frames,)`` at ``rate``, the line's exact span.
        rate: Hz.
        prosody: how much of the original's melody, energy and rate to take over, 0 to 1.
        attempt: 0 for the backend's best way; each higher number asks for another one, as the last fell short.
    """

    text: str
    words: Sequence[Word]
    language: str
    original: Samples
    rate: int
    prosody: float = 1.0
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Take:
    """The new voice for one line: ``samples`` ``(frames,)`` at the line's rate and of the line's length.

    ``figures`` are measurements worth recording (JSON scalars), ``notes`` are lines for a person.
    """

    samples: Samples
    figures: dict[str, float | str]
    notes: tuple[str, ...] = ()


class Voice(Protocol):
    """A backend made ready for one reference: says lines in that voice."""

    figures: dict[str, float | str]
    """What is worth recording of the choice made (JSON scalars)."""

    def take(self, line: Line) -> Take:
        """The line in the new voice, on the original's timing.

        Raises:
            BackendError: the line cannot be said (no phonemes for it, say); the original is then kept.
        """


class Synthesizer(Protocol):
    """Task ``speak`` (text to speech on the original's timing) and task ``convert`` (new timbre on the
    original's own performance) have one shape: a reference makes a voice, a voice makes takes.
    """

    def voice(self, reference: Reference, own: Reference, embedder: Embedder, progress: Progress) -> Voice:
        """Prepare the reference's voice to stand in for ``own``, the target's own voice in the recording."""


Task = Literal["separate", "diarize", "transcribe", "embed", "speak", "convert"]
TASKS: tuple[Task, ...] = ("separate", "diarize", "transcribe", "embed", "speak", "convert")


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend's module with what can be said of it before it is loaded."""

    task: Task
    name: str
    module: ModuleType

    @property
    def key(self) -> str:
        """Its section in the settings."""
        return f"{self.task}.{self.name}"

    @property
    def settings(self) -> type[Section]:
        return self.module.Settings

    @property
    def rank(self) -> int:
        return int(self.module.RANK)

    @property
    def summary(self) -> str:
        """What it is, in one line: the first of the module's docstring."""
        return (self.module.__doc__ or self.name).strip().splitlines()[0].rstrip(".")

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes it is limited to; ``None`` where language does not matter."""
        return getattr(self.module, "LANGUAGES", None)

    def weights(self, section: Section) -> tuple[str, ...]:
        """Catalogue names of the weights it loads under these settings."""
        named = self.module.WEIGHTS
        return tuple(named(section) if callable(named) else named)

    def missing(self, section: Section, runtime: Runtime) -> MissingError | None:
        """Why it cannot run here and what brings it, or ``None`` where it can."""
        for package in self.module.PACKAGES:
            try:
                importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                return MissingError(f"{self.key} needs the package {package}", f"pip install {package}")
        for weights in self.weights(section):
            if not store.present(weights, runtime.models):
                return MissingError(f"{self.key} needs the weights {weights}", f"hyperaudio models pull {weights}")
        return None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A backend with the settings it is to run under, not loaded yet."""

    backend: Backend
    section: Section
    runtime: Runtime
    passed_over: tuple[MissingError, ...] = ()
    """Why each better one was not taken."""

    def identity(self) -> dict[str, Any]:
        """What makes its results what they are: goes into the fingerprint."""
        module = self.backend.module
        return {
            "name": self.backend.name,
            "revision": module.REVISION,
            "packages": {package: importlib.metadata.version(package) for package in module.PACKAGES},
            "weights": {name: store.identity(name, self.runtime.models) for name in self.backend.weights(self.section)},
            "settings": self.section.model_dump(mode="json"),
        }

    def load(self) -> Any:
        """The object that keeps the task's Protocol."""
        return self.backend.module.load(self.section, self.runtime)


@cache
def find(task: Task) -> dict[str, Backend]:
    """All backends of a task by name, highest rank first; a module whose name starts with ``_`` is none.

    Raises:
        ConfigError: two of them have the same name.
    """
    package = importlib.import_module(f"hyperaudio.backends.{task}")
    found = {
        info.name: Backend(task, info.name, importlib.import_module(f"{package.__name__}.{info.name}"))
        for info in pkgutil.iter_modules(package.__path__)
        if not info.name.startswith("_")
    }
    for entry in importlib.metadata.entry_points(group=f"hyperaudio.{task}"):
        if entry.name in found:
            raise ConfigError(f"two backends for {task} are called {entry.name}", f"uninstall {entry.value}")
        found[entry.name] = Backend(task, entry.name, entry.load())
    return dict(sorted(found.items(), key=lambda item: -item[1].rank))


def schema() -> dict[str, type[Section]]:
    """The settings of every backend that has any, by section name."""
    return {
        backend.key: backend.settings
        for task in TASKS
        for backend in find(task).values()
        if backend.settings.model_fields
    }


def choose(task: Task, name: str, settings: Settings, runtime: Runtime) -> Chosen:
    """The backend a name stands for; for ``auto`` the first available one.

    Raises:
        ConfigError: there is no such backend.
        MissingError: it, or each of them for ``auto``, lacks a package or weights.
    """
    known = find(task)
    if name != "auto" and name not in known:
        raise ConfigError(f"no backend {name} for {task}", f"there are: auto, {', '.join(known)}")
    passed: list[MissingError] = []
    for backend in known.values() if name == "auto" else [known[name]]:
        section = settings.sections.get(backend.key) or backend.settings()
        why = backend.missing(section, runtime)
        if why is None:
            return Chosen(backend, section, runtime, tuple(passed))
        passed.append(why)
    raise passed[0] if passed else MissingError(f"no backend for {task}", "reinstall hyperaudio")
