"""Taking named data members out of wheels and tarballs, as streams, to places the caller names."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO


class ArchiveError(Exception):
    """The archive cannot be read, or lacks a member."""


def extract(archive: Path, members: Mapping[str, Path]) -> None:
    """Write regular files of a zip or gzipped tar to the places given for them; nothing else is unpacked.

    A name inside the archive never decides where bytes go.

    Raises:
        ArchiveError: it is damaged, or a member is absent, a link or a device.
    """
    left = dict(members)
    try:
        with _opened(archive, members) as entries:
            for name, stream in entries:
                place = left.pop(name)
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("wb") as target:
                    shutil.copyfileobj(stream, target, 1 << 20)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, KeyError) as error:
        raise ArchiveError(f"{archive.name} cannot be read: {error}") from error
    if left:
        raise ArchiveError(f"{archive.name} has no file {', '.join(left)}")


def join(parts: list[Path], target: Path) -> None:
    """Move ``parts``, one after the other, into one file."""
    first, *rest = parts
    with first.open("ab") as stream:
        for part in rest:
            with part.open("rb") as source:
                shutil.copyfileobj(source, stream, 1 << 20)
            part.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    first.replace(target)


@contextmanager
def _opened(archive: Path, members: Mapping[str, Path]) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    with ExitStack() as stack:
        if zipfile.is_zipfile(archive):
            wheel = stack.enter_context(zipfile.ZipFile(archive))
            yield ((name, stack.enter_context(wheel.open(name))) for name in members)
        else:
            tarball = stack.enter_context(tarfile.open(archive, "r|gz"))
            # One pass: seeking in a compressed stream starts over each time.
            yield (
                (entry.name, stream)
                for entry in tarball
                if entry.name in members and entry.isreg() and (stream := tarball.extractfile(entry))
            )
