"""Command options made from the settings' own declarations, so that nothing is declared twice."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic.fields import FieldInfo

from hyperaudio import backend
from hyperaudio.errors import UsageError
from hyperaudio.settings import Layer, Runtime, from_pairs
from hyperaudio.stage import Stage

Config = Annotated[
    Path | None, typer.Option("--config", help="TOML file of settings; hyperaudio settings prints one.", metavar="FILE")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Any setting by its dotted name; may be repeated. VALUE none takes an optional one off.",
        metavar="SECTION.NAME=VALUE",
    ),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.", envvar="HYPERAUDIO_DEVICE")]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", help="CPU threads a model may use.  \\[default: all]", min=1, envvar="HYPERAUDIO_THREADS"
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on stderr but warnings and errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Do it again even if it is current or was edited by hand.")]
JobFolder = Annotated[
    Path, typer.Argument(help="The job folder that replace or preprocess made.", metavar="JOB", show_default=False)
]


NewJob = Annotated[
    Path | None,
    typer.Option("--job", help="Job folder.  \\[default: NAME.hyperaudio beside INPUT]", metavar="DIR"),
]


def runtime(device: str, threads: int | None) -> Runtime:
    """Where and how fast.

    Raises:
        UsageError: there is no such kind of device.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        raise UsageError(f"no device {device}", "use auto, cpu, cuda or cuda:N")
    return Runtime(device=device, threads=threads) if threads else Runtime(device=device)


RESERVED = frozenset({"job", "config", "set", "force", "device", "threads", "quiet", "json", "speaker", "voice"})
"""Names that commands have for themselves."""


def in_pairs(speakers: list[str] | None, voices: list[Path] | None) -> dict[str, Path]:
    """Each --speaker with its --voice.

    Raises:
        UsageError: one of them lacks the other, or a speaker is named twice.
    """
    names, clips = speakers or [], voices or []
    if len(names) != len(clips):
        raise UsageError(
            f"{len(names)} --speaker and {len(clips)} --voice were given", "give one --voice for each --speaker"
        )
    if len(set(names)) != len(names):
        raise UsageError("a speaker is named twice", "give each speaker one --voice")
    return dict(zip(names, clips, strict=True))


@dataclass(frozen=True, slots=True)
class Flag:
    """One generated option: the parameter it fills, and the setting that stands for."""

    parameter: str
    key: str
    annotation: Any


def flags(stage: Stage) -> list[Flag]:
    """The options of a stage: its own settings, then those of each backend of its tasks.

    A backend's setting is called by its own name where that is free, else with the backend's in front.
    """
    own = [(stage.name, stage.settings, "")]
    used = [
        (known.key, known.settings, name)
        for task in stage.backends(stage.settings())
        for name, known in backend.find(task).items()
    ]
    taken = Counter(name for _, kind, _ in [*own, *used] for name in kind.model_fields)
    made = []
    for section, kind, prefix in [*own, *used]:
        for name, info in kind.model_fields.items():
            parameter = f"{prefix}_{name}" if prefix and (taken[name] > 1 or name in RESERVED) else name
            made.append(_flag(parameter, section, name, info))
    return made


def _flag(parameter: str, section: str, name: str, info: FieldInfo) -> Flag:
    default = info.get_default(call_default_factory=True)
    # Rich reads square brackets as markup.
    shown = "" if default is None else f"  \\[default: {_shown(default)}]"
    option = typer.Option(
        *_names(parameter, info.annotation),
        help=f"{' '.join((info.description or '').split())}{shown}",
        show_default=False,
        rich_help_panel=f"Settings of {section}",
    )
    return Flag(parameter, f"{section}.{name}", Annotated[_plain(info.annotation) | None, option])


def _names(name: str, annotation: Any) -> tuple[str, ...]:
    dashed = name.replace("_", "-")
    return (f"--{dashed}/--no-{dashed}",) if _plain(annotation) is bool else (f"--{dashed}",)


def _plain(annotation: Any) -> Any:
    """The type an option takes: optional and constrained types lose what only validation needs."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return _plain(next(kind for kind in typing.get_args(annotation) if kind is not type(None)))
    if typing.get_origin(annotation) is Annotated:
        return _plain(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) is Literal or annotation in (int, float, bool, str):
        return annotation
    return str


def _shown(default: Any) -> str:
    return ("yes" if default else "no") if isinstance(default, bool) else str(default)


def with_flags(function: Callable[..., None], made: list[Flag]) -> Callable[..., None]:
    """``function(..., flags: Layer)`` as a command whose generated options arrive as that layer."""

    def command(**given: Any) -> None:
        own = {flag.key: given.pop(flag.parameter) for flag in made}
        chosen = {key: value for key, value in own.items() if value is not None}
        pairs = from_pairs(given.pop("set_") or [])
        function(**given, flags=Layer("the command line", {**pairs.values, **chosen}))

    hints = typing.get_type_hints(function, include_extras=True)
    kept = [p for p in inspect.signature(function).parameters.values() if p.name != "flags"]
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[p.name]) for p in kept]
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters.append(inspect.Parameter("set_", keyword, default=None, annotation=Set))
    parameters += [
        inspect.Parameter(flag.parameter, keyword, default=None, annotation=flag.annotation) for flag in made
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = function.__doc__
    return command
