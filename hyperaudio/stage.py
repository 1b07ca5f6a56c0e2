"""A stage: a function from files of the job to files of the job, with what the pipeline must know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from hyperaudio.backend import Chosen, Task
from hyperaudio.events import Event, Report
from hyperaudio.files import read_json, write_json
from hyperaudio.job import Job
from hyperaudio.settings import Runtime, Section

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Context:
    """What a running stage has: its job to read, its folder to write, its settings and backends."""

    job: Job
    stage: str
    folder: Path
    settings: Any
    """The stage's own section."""
    backends: Mapping[Task, Chosen]
    runtime: Runtime
    report: Report

    def path(self, name: str) -> Path:
        """A file of an earlier stage, such as ``preprocess/audio.wav``."""
        return self.job.path / name

    def read(self, name: str, kind: type[Model]) -> Model:
        """A validated JSON file of an earlier stage."""
        return read_json(self.path(name), kind)

    def write(self, name: str, value: BaseModel) -> None:
        """A JSON file of this stage."""
        write_json(self.folder / name, value)

    def progress(self, fraction: float) -> None:
        self.report(Event("progress", self.stage, fraction=min(1.0, max(0.0, fraction))))

    def between(self, start: float, end: float) -> Callable[[float], None]:
        """A progress for a part of the stage, mapped onto ``start`` to ``end`` of the whole."""
        return lambda fraction: self.progress(start + (end - start) * fraction)

    def note(self, message: str) -> None:
        self.report(Event("note", self.stage, message))

    def warn(self, message: str) -> None:
        self.report(Event("warning", self.stage, message))


@dataclass(frozen=True, slots=True)
class Wish:
    """A backend a stage wants for a task: its name or ``auto``, and whether the stage can do without."""

    name: str = "auto"
    needed: bool = True


def _nothing(job: Job) -> dict[str, Any]:
    return {}


def _no_backends(settings: Any) -> dict[Task, Wish]:
    return {}


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        name: its command, folder and settings section.
        summary: one line of help.
        settings: its section.
        revision: grows when the same inputs and settings begin to give other results.
        reads: files of earlier stages it depends on.
        run: does the work; writes into ``context.folder`` only.
        backends: which backend each task it uses is to be done by, from its settings.
        request: what it takes from ``job.json``, for the recipe.
    """

    name: str
    summary: str
    settings: type[Section]
    revision: int
    reads: tuple[str, ...]
    run: Callable[[Context], None]
    backends: Callable[[Any], dict[Task, Wish]] = field(default=_no_backends)
    request: Callable[[Job], dict[str, Any]] = field(default=_nothing)
