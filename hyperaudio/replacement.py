"""The one-command operation: a recording, speakers and voices in; the same recording with other voices out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperaudio import audio, delivery, pipeline, speakers
from hyperaudio.errors import InputError
from hyperaudio.events import Event, Report, no_report
from hyperaudio.files import folder_commit, locked, read_json, sha256
from hyperaudio.job import Job, Target
from hyperaudio.measures.figures import Quality
from hyperaudio.reference import judge
from hyperaudio.settings import Layer, Runtime, Settings, from_environment, from_toml, resolve
from hyperaudio.stages.edits import Edits

ANALYSIS = ("preprocess", "separate", "diarize", "transcribe")
EDITING = ("synthesize", "reconstruct", "verify")


@dataclass(frozen=True, slots=True)
class Replacement:
    """What came of it.

    Attributes:
        job: the job folder, with everything in between.
        output: the delivered file.
        targets: what was replaced by what.
        edits: each change, and what was kept and why.
        quality: the verification; ``quality.passed`` is whether each figure meets its threshold.
    """

    job: Job
    output: Path
    targets: tuple[Target, ...]
    edits: Edits
    quality: Quality


def layers(config: Path | None, flags: Layer) -> list[Layer]:
    """Settings above those a job remembers: the file, the environment, the command line; later ones win."""
    return [*([from_toml(config)] if config else []), from_environment(os.environ), flags]


def open_job(
    source: Path, folder: Path | None, above: list[Layer], stages: Sequence[str], runtime: Runtime
) -> tuple[Job, Settings]:
    """The job of a recording, made where there is none, with its settings; ``stages`` are to be run on it.

    Raises:
        InputError: the recording or the folder cannot be used.
        JobError: the folder is another recording's.
        ConfigError: a setting is unknown or does not fit.
        MissingError: one of the stages lacks a package or weights.
    """
    audio.probe(source)
    # What is wrong is said before anything is made.
    pipeline.check_backends(stages, resolve(pipeline.schema(), *above), runtime)
    job = Job(folder) if folder else Job.beside(source)
    job.create(source)
    settings = pipeline.job_settings(job, *above)
    pipeline.check_backends(stages, settings, runtime)
    return job, settings


def analyse(
    source: Path | str,
    *,
    job: Path | str | None = None,
    config: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    runtime: Runtime | None = None,
    report: Report = no_report,
) -> Job:
    """Run as far as the speakers are known and what they say; see :func:`replace` for the arguments."""
    runtime = runtime or Runtime()
    above = layers(Path(config) if config else None, Layer("the settings given", settings or {}))
    opened, resolved = open_job(Path(source), Path(job) if job else None, above, ANALYSIS, runtime)
    with locked(opened.path):
        pipeline.advance(opened, ANALYSIS, resolved, runtime, report)
    return opened


def replace(
    source: Path | str,
    voices: Mapping[str, Path | str],
    *,
    output: Path | str | None = None,
    job: Path | str | None = None,
    config: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    force: bool = False,
    runtime: Runtime | None = None,
    report: Report = no_report,
) -> Replacement:
    """Replace the voices of speakers in a recording, and leave everything else as it was.

    What an earlier run of the same job has done is used again. From async code call it through
    ``asyncio.to_thread``; ``report`` is then called from that thread.

    Args:
        source: the recording.
        voices: a reference clip for each speaker, who is named by label (``SPEAKER_01``) or by the
            path of a clip of that person.
        output: the file to write; by default ``NAME.replaced.EXT`` beside the source. Its suffix
            chooses the format.
        job: the job folder; by default ``NAME.hyperaudio`` beside the source.
        config: a TOML file of settings.
        settings: by dotted key, ``{"synthesize.method": "speak"}``; wins over file and environment.
        force: overwrite ``output``.
        runtime: device, threads, models folder.
        report: called with each :class:`hyperaudio.events.Event`.

    Raises:
        HyperaudioError: see :mod:`hyperaudio.errors`; the job stays good, and the same call goes on.
    """
    if not voices:
        raise InputError("no voice to put in was given", "name speakers and their reference clips")
    source, runtime = Path(source), runtime or Runtime()
    above = layers(Path(config) if config else None, Layer("the settings given", settings or {}))
    audio.check_file(source)
    for name, clip in voices.items():
        audio.probe(Path(clip))
        if _is_path(name):
            audio.probe(Path(name))
    out = Path(output) if output else delivery.default_output(source)
    delivery.check_output(source, out)
    if out.exists() and not force:
        raise InputError(f"{out} exists already", "add --force to overwrite it, or name another --output")
    opened, resolved = open_job(source, Path(job) if job else None, above, (*ANALYSIS, *EDITING), runtime)
    with locked(opened.path):
        kept = _keep(opened, voices, resolved, runtime)
        pipeline.advance(opened, ANALYSIS, resolved, runtime, report)
        targets = _targets(opened, kept, resolved, runtime, report)
        opened.update(targets=targets)
        pipeline.advance(opened, EDITING, resolved, runtime, report)
        edits = read_json(opened.path / "reconstruct/edits.json", Edits)
        report(Event("note", message=f"writing {out}"))
        delivery.deliver(source, opened.path / "reconstruct/result.wav", edits.changed, out)
    quality = read_json(opened.path / "verify/quality.json", Quality)
    return Replacement(opened, out, targets, edits, quality)


def _is_path(speaker: str) -> bool:
    """Whether a speaker is named by a clip: ``host.wav``, not ``Dr. Smith``."""
    return os.sep in speaker or Path(speaker).suffix[1:].isalnum()


def set_targets(
    job: Job, voices: Mapping[str, Path | str], settings: Settings, runtime: Runtime, report: Report = no_report
) -> tuple[Target, ...]:
    """Say which speakers of a diarized job get which voices; the references are checked and copied into the job.

    Raises:
        InputError: a reference cannot serve, or there is no such speaker.
    """
    with locked(job.path):
        targets = _targets(job, _keep(job, voices, settings, runtime), settings, runtime, report)
        job.update(targets=targets)
    return targets


def _keep(
    job: Job, voices: Mapping[str, Path | str], settings: Settings, runtime: Runtime
) -> dict[str, tuple[str, str]]:
    """Check references, and copy them into the job as WAV under their digests: place there and name, by speaker."""
    embedder = pipeline.backends(pipeline.stage("synthesize"), settings, runtime)["embed"].load()
    kept = {}
    for speaker, path in voices.items():
        clip = Path(path)
        judge(clip, clip.name, embedder)
        folder = job.path / "voices" / sha256(clip)[:16]
        if not (folder / "voice.wav").is_file():
            folder.parent.mkdir(exist_ok=True)
            with folder_commit(folder) as scratch:
                audio.decode(clip, scratch / "voice.wav")
        kept[speaker] = (f"voices/{folder.name}/voice.wav", clip.name)
    return kept


def _targets(
    job: Job, kept: Mapping[str, tuple[str, str]], settings: Settings, runtime: Runtime, report: Report
) -> tuple[Target, ...]:
    known = speakers.labels(job)
    targets: list[Target] = []
    for name, (voice, clip) in kept.items():
        label = name
        if name not in known:
            if not _is_path(name):
                raise InputError(
                    f"there is no speaker {name} in {Path(job.request.source.path).name}",
                    f"there are {', '.join(known)}; hyperaudio speakers {job.path} tells who is who",
                )
            found = speakers.match(job, Path(name), settings, runtime)
            label = found.label
            if label not in known:
                raise InputError(
                    f"{Path(name).name} is {label}, who was renamed since", f"name the speaker: {', '.join(known)}"
                )
            report(Event("note", message=f"{Path(name).name} is {label}: {found.likeness}, ahead by {found.margin}"))
        if any(target.speaker == label for target in targets):
            raise InputError(f"{label} was given two voices", "give each speaker one")
        targets.append(Target(speaker=label, voice=voice, name=clip))
    return tuple(targets)
