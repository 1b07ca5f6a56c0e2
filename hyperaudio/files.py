"""Files that are either whole or not there: digests, atomic JSON, atomic folders, the lock."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import filelock
from pydantic import BaseModel, ValidationError

from hyperaudio.errors import InputError, JobError

Model = TypeVar("Model", bound=BaseModel)


def sha256(path: Path) -> str:
    """Hex digest of a file's content, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: sorted keys, no blanks, UTF-8; equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sync_folder(folder: Path) -> None:
    """Make renames within a folder survive a power loss, where the system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make a file's content survive a power loss."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Replace a text file as one step: whoever reads sees the old or the new, never a part."""
    partial = path.with_name(f".{path.name}.new")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(
            f"cannot write {path}: {error.strerror}", "check the folder's permissions and space"
        ) from error
    sync_folder(path.parent)


def write_json(path: Path, value: BaseModel | Any) -> None:
    """Write a model or plain JSON value, indented for a person who may edit it, as one step."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    write_text(path, json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, kind: type[Model]) -> Model:
    """Load and validate a JSON file of the job.

    Raises:
        JobError: it is missing, no JSON, or does not fit ``kind``; the message names the place.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise JobError(f"{path} is missing", f"run hyperaudio {path.parent.name} {path.parents[1]}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise JobError(
            f"{path} does not fit: {place}: {first['msg']}",
            "mend it, or make it anew by running its stage with --force",
        ) from error


@contextmanager
def folder_commit(target: Path) -> Iterator[Path]:
    """A scratch folder that becomes ``target``, synced, when the block ends well, and is removed otherwise.

    An older ``target`` stays in place until the new one is complete.
    """
    scratch, old = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        yield scratch
        for path in sorted(scratch.rglob("*")):
            if path.is_file():
                sync_file(path)
        sync_folder(scratch)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
        scratch.rename(target)
        sync_folder(target.parent)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def recover(folder: Path) -> None:
    """Finish or undo what a killed run left in ``folder``: unfinished scratch goes, a set-aside original returns."""
    for old in folder.glob(".*.old"):
        target = folder / old.name[1 : -len(".old")]
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(target)
    for scratch in folder.glob(".*.new"):
        if scratch.is_dir():
            shutil.rmtree(scratch, ignore_errors=True)
        else:
            scratch.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process, mended of what a killed run left; it is let go when the process dies.

    Raises:
        JobError: another process holds it.
    """
    try:
        with filelock.FileLock(folder / ".lock", timeout=0):
            recover(folder)
            yield
    except filelock.Timeout as error:
        raise JobError(
            f"{folder} is in use by another run", "wait for it to end, or give this one its own --job folder"
        ) from error
