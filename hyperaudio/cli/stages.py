"""A command for each stage, made from what the stage says of itself."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import typer

from hyperaudio import pipeline, replacement
from hyperaudio.cli import show
from hyperaudio.cli.options import (
    Config,
    Device,
    Force,
    JobFolder,
    Json,
    NewJob,
    Quiet,
    Threads,
    flags,
    in_pairs,
    runtime,
    with_flags,
)
from hyperaudio.cli.progress import Drawer
from hyperaudio.errors import InputError, UsageError, VerificationError
from hyperaudio.events import Event
from hyperaudio.files import read_json, write_text
from hyperaudio.job import Job, is_job
from hyperaudio.measures import figures, files
from hyperaudio.measures.figures import Quality
from hyperaudio.measures.limits import Limits
from hyperaudio.measures.table import measure
from hyperaudio.settings import Layer, Runtime, Settings, resolve
from hyperaudio.stage import Stage

PANEL = "Stages"
AGAIN = """Reads and writes the job folder; what is current is not done again.

Example: hyperaudio {name} podcast.hyperaudio"""


def add(app: typer.Typer) -> None:
    """Give an app a command for every stage, in order."""
    special = {"preprocess": _preprocess, "synthesize": _synthesize, "verify": _verify}
    for stage in pipeline.STAGES:
        command = special.get(stage.name, _plain)(stage)
        app.command(name=stage.name, rich_help_panel=PANEL)(with_flags(command, flags(stage)))


def judge(quality: Quality) -> None:
    """Say which figures miss their thresholds.

    Raises:
        VerificationError: some do.
    """
    failed = dict.fromkeys(figure.name for figure in quality.figures if figure.passed is False)
    if failed:
        raise VerificationError(
            f"verification fell short: {'; '.join(failed)}",
            "listen to the worst places; thresholds are settings of verify, see hyperaudio settings verify",
        )


def _opened(job: Path, config: Path | None, given: Layer) -> tuple[Job, Settings]:
    """A job with its settings."""
    opened = Job.open(job)
    return opened, pipeline.job_settings(opened, *replacement.layers(config, given))


def _run(stage: Stage, job: Path, config: Path | None, given: Layer, where: Runtime, force: bool, quiet: bool) -> Path:
    """Run a stage of a job, drawing its progress; the job's folder."""
    opened, settings = _opened(job, config, given)
    with Drawer(quiet) as drawer:
        pipeline.run_stage(opened, stage.name, settings, where, drawer.report, force=force)
    return opened.path


def _documented(command: Callable[..., None], stage: Stage, more: str = AGAIN) -> Callable[..., None]:
    command.__doc__ = f"{stage.summary}\n\n{more.format(name=stage.name)}"
    return command


def _plain(stage: Stage) -> Callable[..., None]:
    def command(
        job: JobFolder,
        config: Config = None,
        force: Force = False,
        device: Device = "auto",
        threads: Threads = None,
        quiet: Quiet = False,
        *,
        flags: Layer,
    ) -> None:
        print(_run(stage, job, config, flags, runtime(device, threads), force, quiet) / stage.name)

    return _documented(command, stage)


def _preprocess(stage: Stage) -> Callable[..., None]:
    def command(
        source: Annotated[
            Path, typer.Argument(metavar="INPUT|JOB", help="A recording, or a job to do again.", show_default=False)
        ],
        job: NewJob = None,
        config: Config = None,
        force: Force = False,
        quiet: Quiet = False,
        *,
        flags: Layer,
    ) -> None:
        if is_job(source):
            opened, settings = _opened(source, config, flags)
        else:
            above = replacement.layers(config, flags)
            opened, settings = replacement.open_job(source, job, above, (stage.name,), Runtime())
        with Drawer(quiet) as drawer:
            pipeline.run_stage(opened, stage.name, settings, report=drawer.report, force=force)
        print(opened.path)

    return _documented(command, stage, "Makes the job folder, and prints its path.")


def _synthesize(stage: Stage) -> Callable[..., None]:
    plain = _plain(stage)

    def command(
        job: JobFolder,
        speaker: Annotated[
            list[str] | None,
            typer.Option(
                help="Who is to be replaced: a label (SPEAKER_01), or a clip of that person. May be repeated, each "
                "with its --voice.  \\[default: as asked before]",
                metavar="LABEL|CLIP",
            ),
        ] = None,
        voice: Annotated[
            list[Path] | None,
            typer.Option(help="Reference clip of the voice to put in, 10 to 30 s of one person.", metavar="REF"),
        ] = None,
        config: Config = None,
        force: Force = False,
        device: Device = "auto",
        threads: Threads = None,
        quiet: Quiet = False,
        *,
        flags: Layer,
    ) -> None:
        if pairs := in_pairs(speaker, voice):
            opened, settings = _opened(job, config, flags)
            with Drawer(quiet) as drawer:
                replacement.set_targets(opened, pairs, settings, runtime(device, threads), drawer.report)
        plain(job, config, force, device, threads, quiet, flags=flags)

    return _documented(command, stage, f"{AGAIN} --speaker SPEAKER_01 --voice ref.wav")


def _verify(stage: Stage) -> Callable[..., None]:
    def command(
        job: Annotated[
            Path, typer.Argument(metavar="JOB|ORIGINAL", help="A job folder, or a recording.", show_default=False)
        ],
        result: Annotated[
            Path | None, typer.Argument(metavar="RESULT", help="What any tool made of ORIGINAL.", show_default=False)
        ] = None,
        truth: Annotated[
            Path | None,
            typer.Option(
                help='Who says what and when in ORIGINAL: {"segments": \\[{"speaker", "start", "end", "words": '
                "\\[\\[text, start, end], ...]}, ...]}, in seconds. A file stem_NAME.flac or .wav beside it is that "
                "speaker's own track.",
                metavar="FILE",
            ),
        ] = None,
        speaker: Annotated[
            str | None,
            typer.Option(
                help="Who was replaced, as the truth calls them.  \\[default: whose turns changed most]", metavar="NAME"
            ),
        ] = None,
        voice: Annotated[Path | None, typer.Option(help="Clip of the voice that was put in.", metavar="REF")] = None,
        labels: Annotated[
            Path | None,
            typer.Option(
                help="Audacity label file to write the worst places to; a job has verify/labels.txt.", metavar="FILE"
            ),
        ] = None,
        config: Config = None,
        force: Force = False,
        device: Device = "auto",
        threads: Threads = None,
        json: Json = False,
        quiet: Quiet = False,
        *,
        flags: Layer,
    ) -> None:
        where = runtime(device, threads)
        _fitting(job, result, truth, speaker, voice, labels)
        if result is None:
            folder = _run(stage, job, config, flags, where, force, quiet)
            found = read_json(folder / "verify/quality.json", Quality)
        else:
            settings = resolve(pipeline.schema(), *replacement.layers(config, flags))
            chosen = pipeline.backends(stage, settings, where)
            with files.opened(job, result, truth, speaker, voice) as pair, Drawer(quiet) as drawer:
                drawer.report(Event("start", stage.name, stage.summary))
                found = measure(
                    pair,
                    cast(Limits, settings[stage.name]),
                    chosen,
                    progress=lambda done: drawer.report(Event("progress", stage.name, fraction=done)),
                )
        if labels is not None:
            write_text(labels, figures.labels(found))
        show.as_json(found) if json else show.quality(found)
        judge(found)

    return _documented(
        command,
        stage,
        "Of a job, or of any RESULT beside its ORIGINAL, whatever tool made it. Prints each figure with its threshold, "
        "and the worst 20 places; ends with 9 where a threshold is missed.\n\n"
        "Examples: hyperaudio verify podcast.hyperaudio; "
        "hyperaudio verify podcast.wav edited.wav --voice ref.wav --labels places.txt",
    )


def _fitting(
    job: Path, result: Path | None, truth: Path | None, speaker: str | None, voice: Path | None, labels: Path | None
) -> None:
    """Find out before any work whether the arguments of verify go together.

    Raises:
        UsageError: they do not.
        InputError: the label file cannot be written.
    """
    if result is None and job.is_file():
        raise UsageError(
            f"{job} is a recording, and there is no RESULT", f"hyperaudio verify {shlex.quote(str(job))} RESULT"
        )
    if result is None and (truth or speaker or voice):
        files_of = (job / "preprocess/audio.wav", job / "reconstruct/result.wav")
        raise UsageError(
            "--truth, --speaker and --voice go with two files",
            f"{shlex.join(['hyperaudio', 'verify', *map(str, files_of)])} --truth FILE",
        )
    if result is not None and (found := next((path for path in (job, result) if is_job(path)), None)):
        raise UsageError(
            f"{found} is a job, which has its original and its result",
            f"hyperaudio verify {shlex.quote(str(found))}, or name two recordings",
        )
    if labels is not None and labels.is_dir():
        raise InputError(f"{labels} is a folder", "name a file with --labels")
    if labels is not None and not labels.parent.is_dir():
        raise InputError(f"there is no folder {labels.parent}", f"mkdir -p {shlex.quote(str(labels.parent))}")
