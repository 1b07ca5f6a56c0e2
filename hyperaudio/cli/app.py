"""The commands."""

from __future__ import annotations

import os
import shlex
import sys
import traceback
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hyperaudio import __version__
from hyperaudio.cli import models, show, stages
from hyperaudio.cli.options import Config, Device, JobFolder, Json, NewJob, Quiet, Set, Threads, in_pairs, runtime
from hyperaudio.cli.progress import Drawer
from hyperaudio.cli.stages import judge
from hyperaudio.errors import INTERRUPTED, HyperaudioError, UsageError, exit_codes
from hyperaudio.settings import from_pairs

app = typer.Typer(
    name="hyperaudio",
    help="Replace one speaker's voice in a recording and leave everything else as it was.\n\n"
    "Begin with [bold]hyperaudio models pull starter[/bold], then [bold]hyperaudio replace podcast.mp3[/bold] "
    "tells who is in it, and [bold]hyperaudio replace podcast.mp3 --speaker SPEAKER_01 --voice ref.wav[/bold] "
    "replaces one of them.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in exit_codes()),
)
app.add_typer(models.app, name="models")
stages.add(app)


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    del version  # its callback has done all there is to do


@app.command()
def replace(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="The recording, in any format.", show_default=False)],
    speaker: Annotated[
        list[str] | None,
        typer.Option(
            help="Who is to be replaced: a label (SPEAKER_01), or a clip of that person (host.wav). May be repeated, "
            "each with its --voice. Without it the speakers are listed.",
            metavar="LABEL|CLIP",
        ),
    ] = None,
    voice: Annotated[
        list[Path] | None,
        typer.Option(help="Reference clip of the voice to put in, 10 to 30 s of one person.", metavar="REF"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write; its suffix chooses the format.  \\[default: NAME.replaced.EXT]",
            metavar="OUT",
        ),
    ] = None,
    job: NewJob = None,
    method: Annotated[
        Literal["auto", "convert", "speak"] | None,
        typer.Option(help="speak says the words again, convert changes the timbre.  \\[default: auto, the better one]"),
    ] = None,
    config: Config = None,
    set_: Set = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output file.")] = False,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Replace a speaker's voice; without --speaker, tell who is in the recording.

    What was done before for the same recording is used again. Only the edited stretches of the output differ
    from the input; format, rate, channels, length, tags and cover stay.

    Example: hyperaudio replace podcast.mp3 --speaker SPEAKER_01 --voice ref.wav
    """
    from hyperaudio import replacement
    from hyperaudio.events import Event
    from hyperaudio.speakers import describe

    pairs = in_pairs(speaker, voice)
    chosen = {**from_pairs(set_ or []).values, **({"synthesize.method": method} if method else {})}
    common: dict[str, Any] = {"job": job, "config": config, "settings": chosen, "runtime": runtime(device, threads)}
    with Drawer(quiet) as drawer:
        if not pairs:
            done = replacement.analyse(source, report=drawer.report, **common)
            found = describe(done)
        else:
            result = replacement.replace(source, pairs, output=output, force=force, report=drawer.report, **common)
            overlaps = [stretch for stretch in result.edits.overlaps if stretch.decision != "replaced"]
            kept = sorted((*overlaps, *result.edits.kept), key=lambda stretch: stretch.start)
            for stretch in kept:
                where = f"{stretch.start:.2f} - {stretch.end:.2f} s"
                drawer.report(Event("note", message=f"kept as it was: {where}, {stretch.speaker}: {stretch.reason}"))
    if not pairs:
        show.as_json({"job": done.path, "speakers": found}) if json else show.speakers(found)
        place = ["--job", str(job)] if job else []
        command = ["hyperaudio", "replace", str(source), "--speaker", found[0].label, "--voice", "REF.wav", *place]
        if not quiet:
            drawer.line(f"Go on with: {shlex.join(command)}")
        return
    if json:
        show.as_json(
            {
                "output": result.output,
                "job": result.job.path,
                "targets": result.targets,
                "edits": len(result.edits.edits),
                "kept": kept,
                "quality": result.quality,
            }
        )
    else:
        if not quiet:
            show.quality(result.quality, stderr=True)
        print(result.output)
    judge(result.quality)


@app.command()
def speakers(job: JobFolder, json: Json = False) -> None:
    """Who is in the recording: talk time, share, words per minute, pitch, a quote and a clip of each."""
    from hyperaudio.job import Job
    from hyperaudio.speakers import describe

    found = describe(Job.open(job))
    show.as_json(found) if json else show.speakers(found)


@app.command()
def status(job: JobFolder, config: Config = None, set_: Set = None, json: Json = False) -> None:
    """How each stage of a job stands: current, stale (and why), edited by hand, or not done."""
    from hyperaudio import pipeline, replacement
    from hyperaudio.errors import MissingError
    from hyperaudio.job import Job
    from hyperaudio.settings import Runtime

    opened = Job.open(job)
    settings = pipeline.job_settings(opened, *replacement.layers(config, from_pairs(set_ or [])))
    found = []
    for stage in pipeline.STAGES:
        manifest = opened.manifest(stage.name)
        try:
            state = pipeline.status(opened, stage, settings, Runtime())
            row: dict[str, Any] = {"stage": stage.name, "state": str(state.state), "reasons": list(state.reasons)}
        except MissingError as error:
            row = {"stage": stage.name, "state": "unknown", "reasons": [str(error)]}
        row["seconds"] = manifest.seconds if manifest else None
        row["peak_memory_mb"] = manifest.peak_memory_mb if manifest else None
        found.append(row)
    if json:
        show.as_json(found)
        return
    cells = [
        (
            row["stage"],
            row["state"],
            "" if row["seconds"] is None else f"{row['seconds']:.1f} s",
            "" if row["peak_memory_mb"] is None else f"{row['peak_memory_mb']:.0f} MB",
            "; ".join(row["reasons"]),
        )
        for row in found
    ]
    show.rows("", ("stage", "state", "time", "memory", "why"), cells, numbers=(2, 3))


@app.command()
def settings(
    section: Annotated[str, typer.Argument(help="Only this section.", metavar="[SECTION]")] = "",
) -> None:
    """Print every setting with its default as a TOML file for --config."""
    from hyperaudio import pipeline
    from hyperaudio.errors import ConfigError
    from hyperaudio.settings import to_toml

    known = pipeline.schema()
    wanted = {
        name: kind for name, kind in known.items() if not section or name.split(".")[0] == section or name == section
    }
    if not wanted:
        raise ConfigError(f"no section {section}", f"there are: {', '.join(known)}")
    print(to_toml(wanted), end="")


@app.command()
def doctor(json: Json = False) -> None:
    """Which backend each task would use here, what is missing, and the command that brings it."""
    from hyperaudio import backend, pipeline
    from hyperaudio.errors import MissingError
    from hyperaudio.settings import Runtime, resolve

    resolved, where = resolve(pipeline.schema()), Runtime()
    found: list[dict[str, Any]] = []
    for task in backend.TASKS:
        used = False
        for name, known in backend.find(task).items():
            section = resolved.sections.get(known.key) or known.settings()
            why = known.missing(section, where)
            row = {"task": task, "backend": name, "what": known.summary, "ready": why is None}
            row["used"] = why is None and not used
            used = used or why is None
            row["missing"], row["bring"] = (why.message, why.hint) if why else ("", "")
            found.append(row)
    if json:
        show.as_json({"models": where.models, "backends": found})
    cells = [
        (
            row["task"],
            row["backend"],
            "auto uses it" if row["used"] else "ready" if row["ready"] else "missing",
            row["bring"] or row["what"],
        )
        for row in found
    ]
    if not json:
        show.rows(
            f"models folder: {where.models}", ("task", "backend", "state", "what it is, or what brings it"), cells
        )
    idle = [task for task in backend.TASKS if not any(row["used"] for row in found if row["task"] == task)]
    if idle:
        raise MissingError(f"nothing is ready for {', '.join(idle)}", "hyperaudio models pull starter")


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Folder to write into; made where absent.", show_default=False)],
    quiet: Quiet = False,
) -> None:
    """Write a two-speaker conversation over music, with exact truth, to try everything on.

    It is spoken by voices of the starter set. The folder gets the mix, its stems, clips of both speakers, a
    reference voice, and truth.json.
    """
    from hyperaudio import demo
    from hyperaudio.events import Event

    with Drawer(quiet) as drawer:
        drawer.report(Event("start", "demo", "speak and mix a conversation"))
        made = demo.write(folder, progress=lambda done: drawer.report(Event("progress", "demo", fraction=done)))
        drawer.report(Event("note", "demo", "written"))
    print(made.mix)


def run() -> None:
    """Run the command line; the only place where errors become exit codes."""
    warnings.filterwarnings("ignore")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        ended = app(standalone_mode=False)
        code = ended if isinstance(ended, int) else 0
        if code == INTERRUPTED:
            raise KeyboardInterrupt
    except HyperaudioError as error:
        code = error.exit_code
        _complain(f"error: {error}")
    except KeyboardInterrupt:
        code = INTERRUPTED
        _complain("interrupted; what is complete is kept, and the same command goes on from there")
    except Exception as error:
        code = _other(error)
    sys.stdout.flush()
    sys.exit(code)


def _other(error: Exception) -> int:
    """Errors of the command line's own library, and bugs."""
    if isinstance(error, typer.Abort):
        _complain("interrupted")
        return INTERRUPTED
    shown = getattr(error, "format_message", None)
    if callable(shown):
        if shown():  # empty where no arguments were given and the help was printed
            _complain(f"error: {shown()} - see --help")
        return UsageError.exit_code
    traceback.print_exc()
    _complain("error: this is a bug in hyperaudio; please report the lines above")
    return HyperaudioError.exit_code


def _complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
