"""Settings: declared once as fields of a :class:`Section`, merged from defaults, job, TOML, environment and flags.

A schema maps dotted section names (``transcribe``, ``separate.htdemucs``) to their classes. Settings
decide what comes out and are part of every fingerprint; :class:`Runtime` decides only where and how
fast it is computed, and is not.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs
import tomli
from pydantic import BaseModel, ConfigDict, ValidationError

from hyperaudio.errors import ConfigError


class Section(BaseModel):
    """A group of settings. Each field is described, and the help, the TOML and the docs are made from that."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


Schema = Mapping[str, type[Section]]
Values = Mapping[str, Any]
"""Settings by dotted key: ``{"transcribe.language": "en"}``."""

ENV_PREFIX = "HYPERAUDIO_"


def models_folder() -> Path:
    """Where weights live: ``$HYPERAUDIO_MODELS``, else the user's cache folder."""
    return Path(os.environ.get("HYPERAUDIO_MODELS") or platformdirs.user_cache_path("hyperaudio") / "models")


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where and how fast; never part of a fingerprint.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads a model may use; ``$HYPERAUDIO_THREADS``, or all there are.
        models: the folder of weights.
    """

    device: str = "auto"
    threads: int = field(default_factory=lambda: int(os.environ.get("HYPERAUDIO_THREADS") or os.cpu_count() or 1))
    models: Path = field(default_factory=models_folder)


@dataclass(frozen=True, slots=True)
class Layer:
    """Some settings and where they come from, for messages: a file, the environment, the command line."""

    origin: str
    values: Values


def keys(schema: Schema) -> Iterator[tuple[str, type[Section], str]]:
    """Every dotted key with its section class and field name."""
    for name, section in schema.items():
        for field_name in section.model_fields:
            yield f"{name}.{field_name}", section, field_name


def from_toml(path: Path) -> Layer:
    """The settings of a TOML file.

    Raises:
        ConfigError: it is not there or no TOML.
    """
    try:
        tree = tomli.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the settings {path}: {error.strerror}", "check --config") from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}", "mend that line") from error
    return Layer(str(path), dict(_flat(tree)))


def from_environment(environment: Mapping[str, str]) -> Layer:
    """``HYPERAUDIO_TRANSCRIBE__LANGUAGE=de`` sets ``transcribe.language``; a double underscore stands for a dot."""
    found = {
        name[len(ENV_PREFIX) :].lower().replace("__", "."): value
        for name, value in environment.items()
        if name.startswith(ENV_PREFIX) and "__" in name
    }
    return Layer("the environment", found)


def from_pairs(pairs: list[str]) -> Layer:
    """``--set transcribe.language=de`` and the like; ``none`` takes off what a job remembers of an optional setting.

    Raises:
        ConfigError: an entry has no ``=``.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator:
            raise ConfigError(f"--set {pair} has no value", "write --set section.name=value")
        try:
            values[key.strip()] = None if text.strip() == "none" else tomli.loads(f"x = {text}")["x"]
        except tomli.TOMLDecodeError:
            values[key.strip()] = text
    return Layer("--set", values)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@dataclass(frozen=True, slots=True)
class Settings:
    """All sections, validated. ``settings["transcribe"]`` is that stage's section."""

    sections: Mapping[str, Section]
    given: Values
    """What differs from nothing at all: the keys somebody set, as plain JSON values."""

    def __getitem__(self, name: str) -> Section:
        return self.sections[name]


def resolve(schema: Schema, *layers: Layer) -> Settings:
    """Merge layers, later ones winning, over the defaults.

    Raises:
        ConfigError: a key is unknown (the nearest is named) or a value does not fit.
    """
    known = {key: (key.rpartition(".")[0], field_name) for key, _, field_name in keys(schema)}
    chosen: dict[str, dict[str, Any]] = {name: {} for name in schema}
    origins: dict[str, str] = {}
    for layer in layers:
        for key, value in layer.values.items():
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]}?" if near else "hyperaudio settings lists them all"
                raise ConfigError(f"unknown setting {key} in {layer.origin}", hint)
            section, name = known[key]
            chosen[section][name] = value
            origins[key] = layer.origin
    sections = {}
    for name, kind in schema.items():
        try:
            sections[name] = kind.model_validate(chosen[name])
        except ValidationError as error:
            first = error.errors()[0]
            key = f"{name}.{first['loc'][0]}" if first["loc"] else name
            where = {origin for known, origin in origins.items() if known == key or not first["loc"]}
            reason = first["msg"].removeprefix("Value error, ")
            raise ConfigError(
                f"{key} = {first['input']!r} in {', '.join(sorted(where))}: {reason}", f"see hyperaudio settings {name}"
            ) from error
    given = {
        f"{name}.{key}": value
        for name in schema
        for key, value in sections[name].model_dump(mode="json", include=set(chosen[name])).items()
    }
    return Settings(sections, given)


def to_toml(schema: Schema) -> str:
    """The defaults as a commented TOML file."""
    lines: list[str] = []
    for name, section in schema.items():
        if not section.model_fields:
            continue
        lines += ["", f"[{name}]"]
        for field_name, info in section.model_fields.items():
            lines.append(f"# {' '.join((info.description or '').split())}")
            value = info.get_default(call_default_factory=True)
            lines.append(f"# {field_name} =" if value is None else f"{field_name} = {_toml_value(value)}")
    return "\n".join(lines).lstrip() + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)
