"""``make bench``: what the README's figures are made from.

Runs the command line, a process per stage, on both podcasts of ``$HYPERAUDIO_DATA`` - each speaker replaced
by two voices and each method - and prints tables in Markdown. ``--readme`` puts them between the README's marks.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
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
from tests.bench.runs import ANALYSIS, EDITING, Replaced, Run, goals, reference, references, replaced
from tests.readme import table

ROOT = Path(__file__).resolve().parents[2]
PODCASTS = ("dev1_60s_2spk_dry", "dev2_120s_2spk_music")
WAYS: dict[str, dict[str, str]] = {
    "speak": {"method": "speak", "timing": "render"},
    "speak, stretched": {"method": "speak", "timing": "stretch"},
    "convert": {"method": "convert"},
}
SIDE_BY_SIDE = "speak, stretched"
"""Only done for the first voice and podcast: what it is compared by is timing."""


def analysed(data: Path, name: str, work: Path) -> tuple[list[str], Run]:
    """A podcast's job as far as the transcript, its figures as a table row, and the costs."""
    source, job, run = data / "podcasts" / name, work / f"{name}.hyperaudio", Run()
    mix = source / "mix.flac"
    run("preprocess", mix, "--job", job)
    for stage in ANALYSIS[1:]:
        run(stage, job)
    truth = json.loads((source / "truth.json").read_text())
    transcript = read_json(job / "transcribe/transcript.json", Transcript)
    found = sorted((w.start, w.text) for u in transcript.utterances for w in u.words)
    words = sorted((w for s in truth["segments"] for w in s["words"]), key=lambda w: w[1])
    onsets = figures.onset_errors(words, [(text, start) for start, text in found])
    said = " ".join(s["text"] for s in truth["segments"])
    heard = " ".join(u.text for u in sorted(transcript.utterances, key=lambda u: u.start))
    voices, speech, whole = audio.read(job / "separate/vocals.wav"), figures.stems(source), audio.read(mix)
    rttm, own = [source / "truth_speech.rttm", source / "truth.rttm"], job / "diarize/segments.rttm"
    return [
        name,
        *(f"{100 * figures.error_rate(t, own, c):.1f} %" for t in rttm for c in (0.25, 0.0)),
        f"{100 * figures.word_error_rate(said, heard):.1f} %",
        f"{np.median(onsets):.0f} / {np.percentile(onsets, 95):.0f} ms",
        f"{figures.si_sdr(whole, speech):.1f} -> {figures.si_sdr(voices, speech):.1f} dB"
        if truth["music"]
        else "no music: passed through",
    ], run


def edited(data: Path, name: str, work: Path, ways: Sequence[str], costs: Run) -> dict[str, list[Replaced]]:
    """Each speaker of an analysed podcast replaced by two voices, in each way."""
    source, job = data / "podcasts" / name, work / f"{name}.hyperaudio"
    truth = json.loads((source / "truth.json").read_text())
    segments = read_json(job / "diarize/segments.json", Segments).segments
    done: dict[str, list[Replaced]] = {way: [] for way in ways}
    for who in truth["speakers"]:
        label = figures.same_speaker(source / "truth.rttm", segments, who)
        for number, voice in enumerate(references(truth, who)):
            clip = reference(data, voice, work)
            for way in ways:
                if way != SIDE_BY_SIDE or (number == 0 and name == PODCASTS[0]):
                    own = replace(costs, seconds=dict(costs.seconds), memory=dict(costs.memory))
                    done[way].append(replaced(job, source, who, label, clip, WAYS[way], own, whole=not done[way]))
    return done


def whole_table(done: Sequence[Replaced]) -> str:
    """Every figure of some replacements, a column for each; what misses its threshold is bold."""
    rows = []
    for name, (unit, goal) in goals(done).items():
        rows.append([f"{name}, {unit}" if unit else name, goal, *(run.cell(name) for run in done)])
    return table(["figure", "goal", *(run.title for run in done)], rows)


def cost_row(name: str, way: str, run: Run, seconds: float) -> list[str]:
    """Times over the recording's length, and the most memory."""
    stages = (*ANALYSIS, *EDITING)
    total = sum(run.seconds[s] for s in stages)
    return [
        f"{name}, {way}",
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


def report(data: Path, work: Path, ways: Sequence[str]) -> str:
    """All tables."""
    analysis, costs, wholes = [], [], []
    for name in PODCASTS:
        seconds = audio.probe(data / "podcasts" / name / "mix.flac").seconds
        row, run = analysed(data, name, work)
        analysis.append(row)
        for way, done in edited(data, name, work, ways, run).items():
            if not done:
                continue
            costs.append(cost_row(name, way, done[0].costs, seconds))
            wholes.append(f"**{name}, {way}**\n\n{whole_table(done)}")
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
                analysis,
            ),
            table(
                ["conversation", "speakers found", der.format("turns", "0.25"), der.format("turns", "0")],
                conversations(data, work),
            ),
            *wholes,
            table(["time over length", *ANALYSIS, *EDITING, "total", "peak memory"], costs),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", action="store_true", help="put the tables into README.md")
    parser.add_argument("--work", type=Path, help="keep the jobs in this folder")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    options: Any = parser.parse_args()
    data = Path(os.environ.get("HYPERAUDIO_DATA", ROOT.parent / "shared" / "data"))
    if not (data / "podcasts").is_dir():
        raise SystemExit("set HYPERAUDIO_DATA to the folder of real speech with podcasts in it")
    work = options.work or Path(tempfile.mkdtemp(prefix="hyperaudio-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    text = report(data, work, options.ways)
    print(text)
    if options.readme:
        readme.README.write_text(readme.put(readme.README.read_text(), "bench", text))
    if not options.work:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
