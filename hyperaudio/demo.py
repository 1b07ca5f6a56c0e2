"""A two-speaker conversation over a music bed, with exact truth, spoken by voices of the starter set.

No recording comes with the program, so this is what it is shown and tried on: a stereo mix, the stems that
add up to it, who says which word when, a clip of each speaker, and a reference to replace one of them with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from hyperaudio import audio, backend
from hyperaudio.backend import Samples
from hyperaudio.events import Progress, no_progress
from hyperaudio.files import write_json, write_text
from hyperaudio.settings import Runtime, Settings, resolve
from hyperaudio.timeline import frames

RATE = 44_100
SPEECH_RMS = 0.1
"""Level of each voice while it speaks: -20 dBFS."""
BED_DB = -18.0
"""Music under the speech, relative to it."""
INTRO_DB = -6.0
"""Music alone, relative to the speech."""
LEAD_IN, TAIL = 3.0, 3.0
"""Seconds of music alone before and after."""
VOICES = {"host": ("am_michael",), "guest": ("af_bella",)}
REFERENCE = ("bf_emma", "af_nicole")
"""The reference is spoken by the mean of two voices, so that no voice of the set is that person's."""
PAN = {"host": -0.25, "guest": 0.25}
"""Constant-power place of each voice, -1 left to 1 right."""
TURNS = (
    ("host", 0.0, "Welcome back to the workshop, the show about people who repair old things."),
    ("host", 0.4, "Today we talk about clocks, and about the patience they ask for."),
    ("guest", 0.5, "Thank you for having me. I have wanted to tell this story for a long time."),
    ("host", 0.35, "You found the first one in your grandfather's garden, is that right?"),
    ("guest", 0.4, "Yes, under an apple tree, in a wooden box full of sand and broken glass."),
    ("guest", 0.6, "It took me three winters to make it run again, and it still loses a minute every day."),
    ("host", 0.3, "Some of our listeners would call that a good clock."),
    ("guest", 0.45, "I would call it an honest one. It tells you that time is never quite what you expected."),
)
SAMPLES = {
    "host": "Good evening. Let me read you the letter that came to the studio this week.",
    "guest": "I keep my tools in the kitchen, because the light is better there in the morning.",
    "reference": "The harbour was quiet when we arrived, and the boats lay side by side in the fog. "
    "Nobody spoke for a while. Then somebody opened a window and asked us in for tea.",
}


@dataclass(frozen=True, slots=True)
class Demo:
    """The folder's files."""

    mix: Path
    reference: Path
    clips: dict[str, Path]
    truth: Path


def write(
    folder: Path, settings: Settings | None = None, runtime: Runtime | None = None, progress: Progress = no_progress
) -> Demo:
    """Speak and mix the conversation into ``folder``: ``conversation.wav``, ``stem_*.wav``, ``music.wav``,
    ``truth.json``, ``transcript.txt``, ``host.wav``, ``guest.wav`` and ``reference.wav``.

    Raises:
        MissingError: the starter set is not there.
    """
    runtime = runtime or Runtime()
    chosen = backend.choose("speak", "kokoro", settings or resolve(backend.schema()), runtime)
    speaker = chosen.load()
    folder.mkdir(parents=True, exist_ok=True)

    lines: list[_Line] = []
    clock = LEAD_IN
    for done, (who, gap, text) in enumerate(TURNS):
        spoken, words = speaker.say(text, VOICES[who])
        start = clock + gap
        lines.append(_Line(who, start, text, _levelled(spoken, speaker.rate), words))
        clock = start + len(spoken) / speaker.rate
        progress((done + 1) / (len(TURNS) + len(SAMPLES)))
    length = frames(clock + TAIL, RATE)

    stems = {who: np.zeros((2, length), np.float32) for who in VOICES}
    for line in lines:
        angle = (PAN[line.who] + 1) * np.pi / 4
        place = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)], np.float32)
        first = frames(line.start, RATE)
        stems[line.who][:, first : first + len(line.voice)] += place[:, None] * line.voice
    bed = _bed(length, lines[0].start, clock)
    mix = bed + sum(stems.values())
    gain = np.float32(0.9 / np.abs(mix).max())

    for name, stem in {"conversation": mix, "music": bed, **{f"stem_{who}": s for who, s in stems.items()}}.items():
        audio.write(folder / f"{name}.wav", stem * gain, RATE, "PCM_16")
    for count, (name, text) in enumerate(SAMPLES.items()):
        spoken, _ = speaker.say(text, VOICES.get(name, REFERENCE))
        audio.write(folder / f"{name}.wav", _levelled(spoken, speaker.rate), RATE, "PCM_16")
        progress((len(TURNS) + count + 1) / (len(TURNS) + len(SAMPLES)))
    _write_truth(folder, lines, length)
    return Demo(
        folder / "conversation.wav",
        folder / "reference.wav",
        {who: folder / f"{who}.wav" for who in VOICES},
        folder / "truth.json",
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A turn as spoken: ``voice`` at :data:`RATE` from ``start`` seconds on, words with times within it."""

    who: str
    start: float
    text: str
    voice: Samples
    words: list[tuple[str, float, float]]


def _write_truth(folder: Path, lines: list[_Line], length: int) -> None:
    segments = [
        {
            "speaker": line.who,
            "start": round(line.start + line.words[0][1], 3),
            "end": round(line.start + line.words[-1][2], 3),
            "text": line.text,
            "words": [[word, round(line.start + a, 3), round(line.start + b, 3)] for word, a, b in line.words],
        }
        for line in lines
    ]
    write_json(
        folder / "truth.json",
        {"name": "conversation", "sample_rate": RATE, "duration": round(length / RATE, 3), "segments": segments},
    )
    write_text(folder / "transcript.txt", "".join(f"{s['start']:8.2f} {s['speaker']}: {s['text']}\n" for s in segments))


def _levelled(spoken: Samples, rate: int) -> Samples:
    """At :data:`RATE` and :data:`SPEECH_RMS`, pauses not counted."""
    there = soxr.resample(spoken, rate, RATE).astype(np.float32)
    windows = there[: len(there) // 882 * 882].reshape(-1, 882)
    power = np.mean(windows.astype(np.float64) ** 2, axis=1)
    active = power[power > 1e-3 * power.max()]
    return there * np.float32(SPEECH_RMS / np.sqrt(active.mean()))


def _bed(length: int, speech_start: float, speech_end: float) -> Samples:
    """Music ``(2, length)``: plucked chords, louder where nobody speaks."""
    music = _music(length)
    time = np.arange(length) / RATE
    points = [0.0, speech_start - 1.0, speech_start, speech_end, speech_end + 1.0, length / RATE]
    level = np.interp(time, points, [INTRO_DB, INTRO_DB, BED_DB, BED_DB, INTRO_DB, INTRO_DB])
    end = np.clip((length / RATE - time) / 1.0, 0, 1)
    power = np.sqrt(np.mean(music.astype(np.float64) ** 2))
    return (music / power * SPEECH_RMS * 10 ** (level / 20) * end).astype(np.float32)


def _music(length: int) -> Samples:
    """Four chords over and over, each note a decaying string of harmonics, spread over the stereo width."""
    beat = 60 / 96
    chords = ((45, 52, 57, 60, 64), (41, 48, 53, 57, 60), (48, 55, 60, 64, 67), (43, 50, 55, 59, 62))
    music = np.zeros((2, length + 4 * RATE), np.float32)
    for number in range(int(length / RATE / (beat / 2)) + 1):
        chord = chords[(number // 8) % 4]
        note = chord[0] if number % 8 == 0 else chord[1 + (number * 3) % 4]
        place = 0.5 + 0.35 * np.sin(number)
        sound = _string(440 * 2 ** ((note - 69) / 12), 1.6)
        at = frames(number * beat / 2, RATE)
        music[:, at : at + len(sound)] += np.outer([np.sqrt(1 - place), np.sqrt(place)], sound).astype(np.float32)
    return music[:, :length]


def _string(hertz: float, seconds: float) -> Samples:
    """One plucked note: harmonics that fall off and die away the faster the higher they are."""
    time = np.arange(frames(seconds, RATE)) / RATE
    attack = np.minimum(time / 0.004, 1.0)
    sound = sum(
        np.sin(2 * np.pi * hertz * k * time) / k**1.3 * np.exp(-time * (1.5 + 0.9 * k))
        for k in range(1, 12)
        if hertz * k < 12_000
    )
    return (attack * sound).astype(np.float32)
