"""Running the command line on a podcast, a process per stage, and what each stage costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hyperaudio import audio
from hyperaudio.measures.figures import Figure, Quality

ANALYSIS = ("preprocess", "separate", "diarize", "transcribe")
EDITING = ("synthesize", "reconstruct", "verify")
REFERENCES = {"F": ("p225", "ls367", "lj"), "M": ("p226", "ls2609", "ls1688")}
"""Women's voices for the women, men's for the men: the first two who are not in the podcast."""
CLIPS = 3


@dataclass
class Run:
    """Cost of the stages of one job: seconds and peak MB by stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)

    def __call__(self, stage: str, *arguments: str | Path) -> str:
        """Run a stage's command in a process of its own, and return what it prints; verify may end with 9."""
        command = [sys.executable, "-m", "hyperaudio", stage, *map(str, arguments), "--quiet"]
        clock = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        self.seconds[stage] = time.monotonic() - clock
        self.memory[stage] = usage.ru_maxrss / 1024
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, 9):
            raise SystemExit(f"{' '.join(command)} ended with {code}")
        return printed


def reference(data: Path, voice: str, folder: Path) -> Path:
    """A reference clip of some twenty seconds."""
    path = folder / f"{voice}.wav"
    if not path.is_file():
        paths = sorted((data / "voices" / voice).glob("*.flac"))[:CLIPS]
        clips = [audio.read(p) for p in paths]
        audio.write(path, np.concatenate(clips, axis=1), audio.probe(paths[0]).rate, "PCM_16")
    return path


def references(truth: dict[str, Any], who: str) -> list[str]:
    """The two voices that stand in for a speaker."""
    present = {about["source_speaker"] for about in truth["speakers"].values()}
    return [voice for voice in REFERENCES[truth["speakers"][who]["sex"]] if voice not in present][:2]


@dataclass(frozen=True)
class Replaced:
    """One replacement: what was asked for, what was measured of it against the truth, and what it cost."""

    title: str
    method: str
    quality: Quality
    costs: Run

    def cell(self, name: str) -> str:
        """A figure as a table shows it: in bold where it misses its threshold."""
        found = [figure for figure in self.quality.figures if figure.name == name]
        if not found or found[0].value is None:
            return "-"
        text = f"{found[0].value:.3g}"
        return f"**{text}**" if found[0].passed is False else text


def replaced(
    job: Path, source: Path, who: str, label: str, clip: Path, settings: dict[str, str], costs: Run, *, whole: bool
) -> Replaced:
    """A speaker of an analysed podcast replaced, and judged by its truth; the job's own verify only for ``whole``."""
    flags = [part for key, value in settings.items() for part in (f"--{key}", value)]
    costs("synthesize", job, "--speaker", label, "--voice", clip, *flags)
    costs("reconstruct", job)
    if whole:
        costs("verify", job)
    printed = Run()(
        "verify",
        source / "mix.flac",
        job / "reconstruct/result.wav",
        *("--truth", source / "truth.json", "--speaker", who, "--voice", clip, "--json"),
    )
    title = f"{who} → {clip.stem}"
    return Replaced(title, settings["method"], Quality.model_validate_json(printed), costs)


def goals(done: Sequence[Replaced]) -> dict[str, tuple[str, str]]:
    """The figures there are, in their order, each with its unit and threshold; some depend on what is measured."""
    found: dict[str, list[Figure]] = {}
    for run in done:
        for figure in run.quality.figures:
            found.setdefault(figure.name, []).append(figure)
    return {name: (figures[0].unit, _goal(figures)) for name, figures in found.items()}


def _goal(figures: Sequence[Figure]) -> str:
    limits = sorted({figure.threshold for figure in figures if figure.threshold is not None})
    relation = next((figure.relation for figure in figures if figure.relation), "")
    return (
        f"{relation} {' to '.join(f'{limit:.3g}' for limit in dict.fromkeys([limits[0], limits[-1]]))}"
        if limits
        else ""
    )
