"""The stages in their order, and running them: reuse what is current, run what is not, commit as one step."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from hyperaudio import __version__, backend, fingerprint
from hyperaudio.errors import ConfigError, JobError, MissingError
from hyperaudio.events import Event, Report, no_report
from hyperaudio.files import folder_commit, locked, sha256, write_json
from hyperaudio.job import Job, Manifest, State, Status
from hyperaudio.settings import Layer, Runtime, Schema, Settings, Values, resolve
from hyperaudio.stage import Context, Stage
from hyperaudio.stages import diarize, preprocess, reconstruct, separate, synthesize, transcribe, verify

STAGES: tuple[Stage, ...] = (
    preprocess.STAGE,
    separate.STAGE,
    diarize.STAGE,
    transcribe.STAGE,
    synthesize.STAGE,
    reconstruct.STAGE,
    verify.STAGE,
)


def stage(name: str) -> Stage:
    """A stage by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    for known in STAGES:
        if known.name == name:
            return known
    raise ConfigError(f"no stage {name}", f"there are: {', '.join(known.name for known in STAGES)}")


def schema() -> Schema:
    """Every section of settings there is: the stages' and the backends'."""
    sections = {known.name: known.settings for known in STAGES if known.settings.model_fields}
    return {**sections, **backend.schema()}


def peak_memory_mb() -> float:
    """The most memory this process has held so far, in MB (2**20 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def backends(known: Stage, settings: Settings, runtime: Runtime) -> dict[backend.Task, backend.Chosen]:
    """The backend for each task of a stage; a task it can do without is left out where nothing is present.

    Raises:
        MissingError: a needed one lacks a package or weights.
    """
    found = {}
    for task, wish in known.backends(settings[known.name]).items():
        try:
            found[task] = backend.choose(task, wish.name, settings, runtime)
        except MissingError:
            if wish.needed:
                raise
    return found


def recipe(job: Job, known: Stage, settings: Settings, runtime: Runtime) -> fingerprint.Recipe:
    """What a stage would be made from now.

    Raises:
        JobError: a file it reads is not there.
        MissingError: its backend lacks a package or weights.
    """
    absent = [name for name in known.reads if not (job.path / name).is_file()]
    if absent:
        first = absent[0].partition("/")[0]
        raise JobError(f"{known.name} needs {absent[0]}", f"run hyperaudio {first} {job.path} first")
    return fingerprint.build(
        known.name,
        known.revision,
        settings[known.name].model_dump(mode="json"),
        {task: chosen.identity() for task, chosen in backends(known, settings, runtime).items()},
        {name: sha256(job.path / name) for name in known.reads},
        known.request(job),
    )


def status(job: Job, known: Stage, settings: Settings, runtime: Runtime) -> Status:
    """How a stage stands; one that lacks what it reads is absent or stale."""
    try:
        return job.status(known.name, recipe(job, known, settings, runtime))
    except JobError as error:
        if job.manifest(known.name) is None:
            return Status(State.ABSENT)
        return Status(State.STALE, (error.message,))


def _execute(job: Job, known: Stage, settings: Settings, runtime: Runtime, report: Report) -> None:
    made_from = recipe(job, known, settings, runtime)
    chosen = backends(known, settings, runtime)
    for task, pick in chosen.items():
        for reason in pick.passed_over:
            report(Event("note", known.name, f"{task} by {pick.backend.name}: {reason}"))
    report(Event("start", known.name, known.summary))
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    with folder_commit(job.path / known.name) as folder:
        known.run(Context(job, known.name, folder, settings[known.name], chosen, runtime, report))
        outputs = {
            path.relative_to(folder).as_posix(): sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()
        }
        manifest = Manifest(
            stage=known.name,
            recipe=made_from,
            fingerprint=fingerprint.fingerprint(made_from),
            outputs=outputs,
            started=started,
            seconds=round(time.monotonic() - clock, 3),
            peak_memory_mb=round(peak_memory_mb(), 1),
        )
        write_json(folder / "manifest.json", manifest)
    report(Event("done", known.name, seconds=manifest.seconds))


def _run_one(job: Job, known: Stage, settings: Settings, runtime: Runtime, report: Report, force: bool) -> None:
    found = Status(State.ABSENT) if force else status(job, known, settings, runtime)
    if found.state is State.EDITED:
        report(Event("warning", known.name, f"kept as it is: {'; '.join(found.reasons)} (--force makes it anew)"))
        report(Event("reused", known.name, "edited"))
    elif found.state is State.CURRENT:
        report(Event("reused", known.name, "current"))
    else:
        if found.state is State.STALE:
            report(Event("note", known.name, f"again, for {'; '.join(found.reasons)}"))
        _execute(job, known, settings, runtime, report)


def run_stage(
    job: Job,
    name: str,
    settings: Settings | None = None,
    runtime: Runtime | None = None,
    report: Report = no_report,
    *,
    force: bool = False,
) -> None:
    """Run one stage, unless it is current or was edited by hand; ``force`` runs it all the same.

    Raises:
        HyperaudioError: as the stage does; the job is then as it was before.
    """
    run_stages(job, (name,), settings, runtime, report, force=force)


def run_stages(
    job: Job,
    names: Sequence[str],
    settings: Settings | None = None,
    runtime: Runtime | None = None,
    report: Report = no_report,
    *,
    force: bool = False,
) -> None:
    """Run stages in the given order, as :func:`run_stage` does each, holding the job's lock."""
    runtime = runtime or Runtime()
    settings = settings or job_settings(job)
    with locked(job.path):
        advance(job, names, settings, runtime, report, force=force)


def advance(
    job: Job, names: Sequence[str], settings: Settings, runtime: Runtime, report: Report, *, force: bool = False
) -> None:
    """Run stages in the given order; the caller holds the job's lock."""
    job.update(version=__version__)
    remembered = [
        f"{key} = {value}"
        for name in names
        for key, value in _own(stage(name), job.request.settings).items()
        if settings.given.get(key) == value
    ]
    if remembered:
        report(Event("note", message=f"as set before for this job: {', '.join(remembered)}"))

    def logged(event: Event) -> None:
        if event.kind != "progress":
            job.log({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **asdict(event)})
        report(event)

    for name in names:
        known = stage(name)
        _run_one(job, known, settings, runtime, logged, force)
        # Remembered only once they have worked.
        before = job.request.settings
        others = {key: before[key] for key in before.keys() - _own(known, before).keys()}
        job.update(settings={**others, **_own(known, settings.given)})


def _own(known: Stage, values: Values) -> dict[str, Any]:
    """Those of some settings that belong to a stage or to the backends of its tasks."""
    tasks = known.backends(known.settings())
    heads = {known.name, *tasks}
    return {key: value for key, value in values.items() if key.split(".")[0] in heads}


def job_settings(job: Job, *layers: Layer) -> Settings:
    """The settings a job remembers, with layers on top.

    Raises:
        ConfigError: one of them is unknown or does not fit.
    """
    return resolve(schema(), Layer(str(job.path / "job.json"), job.request.settings), *layers)


def check_backends(names: Iterable[str], settings: Settings, runtime: Runtime) -> None:
    """Make sure before anything long that each stage has what it runs on.

    Raises:
        MissingError: packages or weights are missing; all of them are named.
    """
    missing: dict[str, MissingError] = {}
    for name in names:
        try:
            backends(stage(name), settings, runtime)
        except MissingError as error:
            missing[error.message] = error
    if len(missing) > 1:
        raise MissingError("; ".join(missing), "hyperaudio models pull starter brings them all")
    for only in missing.values():
        raise only
