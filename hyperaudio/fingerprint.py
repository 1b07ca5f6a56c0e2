"""Recipes: what a stage's result was made from, their fingerprint, and a difference in words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from hyperaudio.files import canonical

FORMAT = 1

Recipe = dict[str, Any]
"""JSON: format, stage, revision, settings, backends {task: identity with settings}, inputs {path: sha256}."""


def build(
    stage: str,
    revision: int,
    settings: Mapping[str, Any],
    backends: Mapping[str, Any],
    inputs: Mapping[str, str],
    request: Mapping[str, Any],
) -> Recipe:
    """A recipe in its one shape; ``request`` is what was asked of the stage outside its settings."""
    return {
        "format": FORMAT,
        "stage": stage,
        "revision": revision,
        "settings": dict(settings),
        "backends": dict(backends),
        "inputs": dict(inputs),
        "request": dict(request),
    }


def fingerprint(recipe: Recipe) -> str:
    """sha256 of the recipe's canonical JSON."""
    return hashlib.sha256(canonical(recipe)).hexdigest()


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for key in value:
            yield from _leaves(value[key], (*path, str(key)))
    else:
        yield path, value


def explain(old: Recipe, new: Recipe) -> list[str]:
    """What differs, a line each: ``beam_size 5 -> 3``, ``diarize/segments.json changed``; empty where nothing does."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    lines = []
    for path in sorted(before.keys() | after.keys()):
        was, now = before.get(path), after.get(path)
        if was == now:
            continue
        if path[0] == "inputs":
            lines.append(f"{'/'.join(path[1:])} changed")
        elif path[0] == "request":
            lines.append(f"{'.'.join(path[1:])} changed")
        else:
            # A backend's setting is known by its own name.
            name = path[3:] if path[0] == "backends" and "settings" in path[2:3] else path[1:] or path
            lines.append(f"{'.'.join(name)} {_word(was)} -> {_word(now)}")
    return lines


def _word(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 24 else f"{text[:12]}..."
