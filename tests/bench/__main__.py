"""``make bench``: what the README's figures are made from.

Runs the command line, a process per stage, on both podcasts of ``$HYPERAUDIO_DATA`` - each speaker replaced
by each method - and prints tables in Markdown. ``--readme`` puts them between the README's marks.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hyperaudio import audio
from hyperaudio.files import read_json
from hyperaudio.job import Job
from hyperaudio.stages.diarize import Segments
from hyperaudio.stages.transcribe import Transcript
from tests import readme
from tests.bench import figures
from tests.readme import table

ROOT = Path(__file__).resolve().parents[2]
ANALYSIS = ("preprocess", "separate", "diarize", "transcribe")
EDITING = ("synthesize", "reconstruct", "verify")
PODCASTS = ("dev1_60s_2spk_dry", "dev2_120s_2spk_music")
REFERENCES = {"F": ("p225", "lj"), "M": ("p226", "ls2609")}
"""A woman's voice for the women, a man's for the men: the first who is not in the podcast."""
CLIPS = 3


@dataclass
class Run:
    """Cost of the stages of one job: seconds and peak MB by stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)

    def __call__(self, stage: str, *arguments: str | Path) -> None:
        """Run a stage's command in a process of its own; verify may end with 9."""
        command = [sys.executable, "-m", "hyperaudio", stage, *map(str, arguments), "--quiet"]
        clock = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        self.seconds[stage] = time.monotonic() - clock
        self.memory[stage] = usage.ru_maxrss / 1024
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, 9):
            raise SystemExit(f"{' '.join(command)} ended with {code}")


def reference(data: Path, sex: str, present: set[str], folder: Path) -> Path:
    """A reference clip of some twenty seconds."""
    voice = next(name for name in REFERENCES[sex] if name not in present)
    paths = sorted((data / "voices" / voice).glob("*.flac"))[:CLIPS]
    path = folder / f"{voice}.wav"
    audio.write(path, np.concatenate([audio.read(p) for p in paths], axis=1), audio.probe(paths[0]).rate, "PCM_16")
    return path


def podcast(data: Path, name: str, work: Path, methods: Sequence[str]) -> dict[str, list[list[str]]]:
    """All figures of one podcast, as table rows."""
    source = data / "podcasts" / name
    mix, job = source / "mix.flac", work / f"{name}.hyperaudio"
    seconds = audio.probe(mix).seconds
    run = Run()
    run("preprocess", mix, "--job", job)
    for stage in ANALYSIS[1:]:
        run(stage, job)
    truth = json.loads((source / "truth.json").read_text())
    transcript = read_json(job / "transcribe/transcript.json", Transcript)
    segments = read_json(job / "diarize/segments.json", Segments).segments
    found = sorted((w.start, w.text) for u in transcript.utterances for w in u.words)
    words = sorted((w for s in truth["segments"] for w in s["words"]), key=lambda w: w[1])
    onsets = figures.onset_errors(words, [(text, start) for start, text in found])
    said = " ".join(s["text"] for s in truth["segments"])
    heard = " ".join(u.text for u in sorted(transcript.utterances, key=lambda u: u.start))
    voices, speech, whole = audio.read(job / "separate/vocals.wav"), figures.stems(source), audio.read(mix)
    speech_rttm, turn_rttm, own = source / "truth_speech.rttm", source / "truth.rttm", job / "diarize/segments.rttm"
    analysis = [
        name,
        *(f"{100 * figures.error_rate(t, own, c):.1f} %" for t in (speech_rttm, turn_rttm) for c in (0.25, 0.0)),
        f"{100 * figures.word_error_rate(said, heard):.1f} %",
        f"{np.median(onsets):.0f} / {np.percentile(onsets, 95):.0f} ms",
        f"{figures.si_sdr(whole, speech):.1f} -> {figures.si_sdr(voices, speech):.1f} dB"
        if truth["music"]
        else "no music: passed through",
    ]
    edits, costs = [], []
    for who, about in truth["speakers"].items():
        label = figures.same_speaker(turn_rttm, segments, who)
        clip = reference(data, about["sex"], {a["source_speaker"] for a in truth["speakers"].values()}, work)
        for method in methods:
            for stage in EDITING:
                extra = ["--speaker", label, "--voice", clip, "--method", method] if stage == "synthesize" else []
                run(stage, job, *extra)
            edits.append(_edit_row(f"{name}, {who} -> {clip.stem}", method, job))
            costs.append(_cost_row(name, method, run, seconds))
    return {"analysis": [analysis], "edits": edits, "costs": costs[: len(methods)]}


def _edit_row(title: str, method: str, job: Path) -> list[str]:
    quality = json.loads((job / "verify/quality.json").read_text())
    value = {f["name"]: f for f in quality["figures"]}

    def shown(name: str, form: str = "{:.2f}", unit: str = "") -> str:
        found = value.get(name, {}).get("value")
        return "-" if found is None else form.format(found) + unit

    note = value["likeness to the reference"]["note"]
    before, ceiling = note.split(";")[0].split()[-1], note.split(";")[1].split()[-1]
    noise = [value[f"word start deviation, {n}"]["note"].split()[-2] for n in ("median", "95th percentile")]
    return [
        title,
        method,
        shown("null test: largest difference outside the edits", "{:g}"),
        f"{shown('word start deviation, median', '{:.0f}')}"
        f" / {shown('word start deviation, 95th percentile', '{:.0f}')}"
        f" ({' / '.join(noise)}) ms",
        f"{before} -> {shown('likeness to the reference')} ({ceiling})",
        shown("likeness to the old voice"),
        shown("integrated loudness change", "{:.2f}", " LU"),
        shown("true peak above the source's", "{:.2f}", " dB"),
        shown("worst joint", "{:.2f}", "x"),
        "pass" if quality["passed"] else "; ".join(f["name"] for f in quality["figures"] if f["passed"] is False),
    ]


def _cost_row(name: str, method: str, run: Run, seconds: float) -> list[str]:
    stages = (*ANALYSIS, *EDITING)
    total = sum(run.seconds[s] for s in stages)
    return [
        f"{name}, {method}",
        *(f"{run.seconds[s] / seconds:.2f}x" for s in stages),
        f"{total / seconds:.2f}x",
        f"{max(run.memory.values()):.0f} MB ({max(run.memory, key=lambda s: run.memory[s])})",
    ]


def conversations(data: Path, work: Path) -> list[list[str]]:
    """Diarization of the short conversations."""
    rows = []
    for path in sorted((data / "conversations").glob("*.flac")):
        job, run = work / f"{path.stem}.hyperaudio", Run()
        run("preprocess", path, "--job", job)
        run("separate", job)
        run("diarize", job)
        truth, own = path.with_suffix(".rttm"), job / "diarize/segments.rttm"
        people = {line.split()[7] for line in truth.read_text().splitlines()}
        counted = {s.speaker for s in read_json(Job(job).path / "diarize/segments.json", Segments).segments}
        rates = [f"{100 * figures.error_rate(truth, own, c):.1f} %" for c in (0.25, 0.0)]
        rows.append([path.stem, f"{len(counted)} of {len(people)}", *rates])
    return rows


def report(data: Path, work: Path, methods: Sequence[str]) -> str:
    """All tables."""
    all_rows: dict[str, list[list[str]]] = {"analysis": [], "edits": [], "costs": []}
    for name in PODCASTS:
        for kind, rows in podcast(data, name, work, methods).items():
            all_rows[kind] += rows
    der = "DER against {}, collar {} s"
    return "\n\n".join(
        [
            table(
                [
                    "podcast",
                    *(der.format(t, c) for t in ("speech", "turns") for c in ("0.25", "0")),
                    "WER",
                    "word starts, median / 95th percentile",
                    "SI-SDR of the voices, before -> after",
                ],
                all_rows["analysis"],
            ),
            table(
                ["conversation", "speakers found", der.format("turns", "0.25"), der.format("turns", "0")],
                conversations(data, work),
            ),
            table(
                [
                    "replaced",
                    "method",
                    "null test",
                    "word starts moved, median / 95th (the aligner by itself)",
                    "likeness to the reference, before -> after (the reference with itself)",
                    "to the old voice",
                    "loudness change",
                    "true peak over the source's",
                    "worst joint",
                    "verdict",
                ],
                all_rows["edits"],
            ),
            table(["time over length", *ANALYSIS, *EDITING, "total", "peak memory"], all_rows["costs"]),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", action="store_true", help="put the tables into README.md")
    parser.add_argument("--work", type=Path, help="keep the jobs in this folder")
    parser.add_argument("--methods", nargs="+", default=["speak", "convert"])
    options: Any = parser.parse_args()
    data = Path(os.environ.get("HYPERAUDIO_DATA", ROOT.parent / "shared" / "data"))
    if not (data / "podcasts").is_dir():
        raise SystemExit("set HYPERAUDIO_DATA to the folder of real speech with podcasts in it")
    work = options.work or Path(tempfile.mkdtemp(prefix="hyperaudio-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    text = report(data, work, options.methods)
    print(text)
    if options.readme:
        readme.README.write_text(readme.put(readme.README.read_text(), "bench", text))
    if not options.work:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
