"""The folder of weights: ``<root>/<model>/<file>``; what is there, and whether it is what the catalogue says."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hyperaudio.errors import MissingError
from hyperaudio.files import sha256
from hyperaudio.models import catalogue


def present(name: str, root: Path) -> bool:
    """Whether all files of a model lie under ``root``; looks at their sizes, reads nothing."""
    model = catalogue.find(name)
    files = [root / name / file for file in model.files]
    return all(file.is_file() for file in files) and sum(file.stat().st_size for file in files) == model.size


def identity(name: str, root: Path) -> str:
    """Short digest of the catalogued weights; reads no file, as :func:`path` lets only these bytes through."""
    return catalogue.find(name).identity


def path(name: str, root: Path) -> Path:
    """The model's folder, each of its files checked against its digest (once in the life of the process).

    Raises:
        MissingError: a file is absent, or is not what the catalogue says.
    """
    folder = root / name
    for file, digest in catalogue.find(name).files.items():
        if not (folder / file).is_file():
            raise MissingError(f"the weights {name} are not in {root}: no {file}", f"hyperaudio models pull {name}")
        stat = (folder / file).stat()
        if _sha256(folder / file, stat.st_size, stat.st_mtime_ns) != digest:
            raise MissingError(
                f"the weights {name} are damaged; pull again: {folder / file}", f"hyperaudio models pull {name}"
            )
    return folder


@cache
def _sha256(file: Path, size: int, changed: int) -> str:
    return sha256(file)
