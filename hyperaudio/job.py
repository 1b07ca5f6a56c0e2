"""A job: the folder that holds everything known of one recording, and is the checkpoint.

A stage's folder exists if and only if it is complete; its ``manifest.json``, written last, says from
what it was made (the recipe) and what it holds (digests).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hyperaudio.errors import InputError, JobError
from hyperaudio.files import locked, read_json, sha256, write_json
from hyperaudio.fingerprint import Recipe, explain

SCHEMA = 1
SUFFIX = ".hyperaudio"


class Document(BaseModel):
    """A JSON file of the job; ``schema`` grows when its shape changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: int = Field(default=SCHEMA, alias="schema", ge=SCHEMA, le=SCHEMA)

    def model_dump(self, **options: Any) -> dict[str, Any]:
        return super().model_dump(**{"by_alias": True, **options})


class Record(BaseModel):
    """Part of a document."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Record):
    """The recording a job is about."""

    path: str
    sha256: str
    size: int


class Target(Record):
    """One replacement that was asked for: a speaker's label, and the reference's WAV within the job."""

    speaker: str
    voice: str
    name: str
    """What the reference is called outside the job, for messages."""


class Request(Document):
    """``job.json``: what was asked for."""

    source: Source
    settings: dict[str, Any] = {}
    targets: tuple[Target, ...] = ()
    version: str = ""


class Manifest(Document):
    """``manifest.json`` of a stage."""

    stage: str
    recipe: Recipe
    fingerprint: str
    outputs: dict[str, str]
    started: str
    seconds: float
    peak_memory_mb: float


class State(StrEnum):
    """How a stage's folder stands to what would be made now."""

    ABSENT = "absent"
    CURRENT = "current"
    STALE = "stale"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Status:
    """A state with the reasons for it, a line each."""

    state: State
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A job folder, by its path."""

    path: Path

    @classmethod
    def beside(cls, source: Path) -> Job:
        """The job a recording has by default: ``podcast.hyperaudio`` beside ``podcast.mp3``."""
        return cls(source.with_name(source.stem + SUFFIX))

    @classmethod
    def open(cls, path: Path) -> Job:
        """An existing job.

        Raises:
            InputError: there is no job at ``path``.
        """
        if not (path / "job.json").is_file():
            hint = (
                f"make one with: hyperaudio preprocess {path}"
                if path.is_file()
                else "give the folder that replace or preprocess made, NAME.hyperaudio"
            )
            raise InputError(f"{path} is no job folder", hint)
        return cls(path)

    def create(self, source: Path) -> None:
        """Make the folder for a recording, or find that it is that recording's already.

        Raises:
            InputError: the folder cannot be made.
            JobError: it belongs to another recording.
        """
        digest = Source(path=str(source.resolve()), sha256=sha256(source), size=source.stat().st_size)
        if (self.path / "job.json").exists():
            known = self.request.source
            if known.sha256 != digest.sha256 and Path(known.path).name != source.name:
                raise JobError(
                    f"{self.path} belongs to another recording, {Path(known.path).name}",
                    "give this one its own folder with --job DIR",
                )
            if known != digest:
                with locked(self.path):
                    self.update(source=digest)
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if any(entry.name != ".lock" for entry in self.path.iterdir()):
                raise JobError(f"{self.path} is neither empty nor a job folder", "choose another --job DIR")
            write_json(self.path / "job.json", Request(source=digest))
        except OSError as error:
            raise InputError(
                f"cannot make the job folder {self.path}: {error.strerror}", "choose a place with --job DIR"
            ) from error

    @property
    def request(self) -> Request:
        return read_json(self.path / "job.json", Request)

    def update(self, **changes: Any) -> None:
        """Change fields of ``job.json``."""
        request = self.request
        changed = request.model_copy(update=changes)
        if changed != request:
            write_json(self.path / "job.json", changed)

    def manifest(self, stage: str) -> Manifest | None:
        """The manifest of a stage, ``None`` where the stage has not run.

        Raises:
            JobError: it is damaged.
        """
        path = self.path / stage / "manifest.json"
        return read_json(path, Manifest) if path.is_file() else None

    def status(self, stage: str, recipe: Recipe | None) -> Status:
        """How a stage stands against the recipe it would have now; ``None`` compares digests only."""
        manifest = self.manifest(stage)
        if manifest is None:
            return Status(State.ABSENT)
        folder = self.path / stage
        there = {name: (folder / name).is_file() for name in manifest.outputs}
        gone = [f"{name} is gone" for name, present in there.items() if not present]
        edited = [name for name, here in there.items() if here and sha256(folder / name) != manifest.outputs[name]]
        reasons = (*gone, *(explain(manifest.recipe, recipe) if recipe is not None else ()))
        if edited:  # first: what somebody wrote is never thrown away unasked
            return Status(State.EDITED, (*(f"{name} is not as it was written" for name in edited), *reasons))
        return Status(State.STALE, reasons) if reasons else Status(State.CURRENT)

    def log(self, entry: dict[str, Any]) -> None:
        """Append one line to ``events.jsonl``."""
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")


def is_job(path: Path) -> bool:
    """Whether a path is a job folder with a readable ``job.json``."""
    try:
        Request.model_validate_json((path / "job.json").read_bytes())
    except (OSError, ValidationError):
        return False
    return True
