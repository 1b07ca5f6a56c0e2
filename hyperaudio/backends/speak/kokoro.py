"""Voice matching with Kokoro-82M: the nearest of its voices says the line in the original's timing and melody.

Not cloning: 28 English voices are all there is, and the nearest is coloured toward the reference by a filter.
A first rendering, in the voice nearest to the *original* speaker, is aligned with the original, which tells when
each phone is spoken. The line is then rendered in those durations and the original's pitch contour, moved
to the reference's register; how far its words still miss their places is measured, and it is rendered again
with that taken off. Nothing is stretched, unless that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from hyperaudio import backend
from hyperaudio.backends.speak import _closing, _english, _layout, _script, _timing, _voices
from hyperaudio.backends.speak._graph import RATE, Doubles, Floats, Kokoro
from hyperaudio.dsp import alignment, pitch, spectrum
from hyperaudio.editing import level
from hyperaudio.errors import BackendError, InputError
from hyperaudio.models import store
from hyperaudio.settings import Runtime, Section
from hyperaudio.timeline import Word

if TYPE_CHECKING:
    from hyperaudio.backend import Embedder, Line, Reference, Take
    from hyperaudio.events import Progress

REVISION = 3
RANK = 10
PACKAGES = ("onnxruntime", "onnx", "hibari-tts", "pyworld-prebuilt", "python-stretch", "soxr", "scipy")
WEIGHTS = ("kokoro-82m",)
LANGUAGES = frozenset({"en"})

WORST_COST = 1.9
"""Feature distance from which an alignment is no better than chance."""
BANDS = np.geomspace(80, 11_000, 40)
"""Hz at which long-term spectra are compared."""
WELL_PACED = 0.1
"""Difference of pace up to which speech is stretched without being spoken again faster or slower."""
LOUDNESS = 6.0
"""Most dB by which the energy follows the original's."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to say a line.

    Attributes:
        guide: the voice that tells the original's timing, by its nearness to the original's.
        even: share of the model's own proportions in the durations within a word, where an alignment is noisy.
        other: stretch where the setting says render, and the other way round.
    """

    guide: int
    even: float
    other: bool


WAYS = (Way(0, 0.5, False), Way(1, 0.7, False), Way(0, 0.5, True), Way(2, 0.3, False))
"""The best way first; what is asked for past the last takes ever other guides."""


class Settings(Section):
    """What can be set of the voice."""

    voice: str = "auto"
    """One of Kokoro's English voices by name, or auto for the nearest to the reference."""
    colour: bool = True
    """Bring the voice's long-term spectrum toward the reference's."""
    timing: Literal["render", "stretch"] = "render"
    """render asks the model for the original's own durations; stretch lets it speak at its own pace and warps that."""
    correct: int = Field(default=1, ge=0, le=3)
    """How often a line is rendered again with its measured deviations taken off."""


class Synthesizer:
    """Keeps the Synthesizer protocol."""

    rate = RATE

    def __init__(self, model: Kokoro, settings: Settings, runtime: Runtime) -> None:
        self._model = model
        self._settings = settings
        self._runtime = runtime

    def voice(self, reference: Reference, own: Reference, embedder: Embedder, progress: Progress) -> KokoroVoice:
        """Choose the voice for the reference and the guide for ``own``.

        Raises:
            InputError: nothing in the reference or in ``own`` is voiced.
        """
        model = self._model
        heard = _voices.known(model, embedder, store.identity(WEIGHTS[0], self._runtime.models), progress)
        wanted, present = _resampled(reference), _resampled(own)
        register, usual = (pitch.median(pitch.contour(s, alignment.FEATURE_RATE)) for s in (wanted, present))
        if not register or not usual:
            raise InputError(
                f"no voiced speech in {'the target' if register else 'the reference'}", "give a longer clip"
            )
        ranking = _voices.nearest(heard, embedder.embed(wanted), register)
        if self._settings.voice != "auto":
            named = [row for row in ranking if row[0] == self._settings.voice]
            if not named:
                raise InputError(f"no English voice {self._settings.voice}", f"there are: {', '.join(sorted(heard))}")
            ranking = named + [row for row in ranking if row not in named]
        (name, similarity), (second, runner_up) = ranking[:2]
        guides = [guide for guide, _ in _voices.nearest(heard, embedder.embed(present), usual)]
        taps = self._taps(name, reference) if self._settings.colour else np.ones(1)
        return KokoroVoice(
            model,
            self._settings,
            name,
            guides,
            (usual, register),
            taps,
            {
                "voice": name,
                "similarity": round(similarity, 3),
                "runner_up": second,
                "runner_up_similarity": round(runner_up, 3),
                "reference_pitch_hz": round(register, 1),
                "own_pitch_hz": round(usual, 1),
                "guide": guides[0],
            },
        )

    def say(self, text: str, voices: Sequence[str]) -> tuple[Floats, list[tuple[str, float, float]]]:
        """A text at the model's own pace in the mean of some voices: ``(frames,)`` at ``rate``, and for each
        word its start and end in seconds.
        """
        return _voices.timed(self._model, voices, text)

    def _taps(self, name: str, reference: Reference) -> Doubles:
        """The filter at 24 kHz that brings the voice's long-term spectrum toward the reference's."""
        said = np.concatenate([_voices.plain(self._model, name, text) for text in _voices.SENTENCES])
        bands = BANDS[0.47 * min(reference.rate, RATE) > BANDS]
        source = spectrum.mean_envelope(said, RATE, bands)
        wanted = spectrum.mean_envelope(reference.samples, reference.rate, bands)
        return spectrum.matching_filter(source, wanted, bands, RATE)


class KokoroVoice:
    """Keeps the Voice protocol.

    Args:
        guides: voices, nearest to the original speaker first.
        registers: median pitch in Hz of the original speaker, and the one wanted.
        taps: filter at 24 kHz.
    """

    def __init__(
        self,
        model: Kokoro,
        settings: Settings,
        name: str,
        guides: Sequence[str],
        registers: tuple[float, float],
        taps: Doubles,
        figures: dict[str, float | str],
    ) -> None:
        self._model = model
        self._settings = settings
        self._name = name
        self._guides = guides
        self._registers = registers
        self._taps = taps
        self.figures = figures
        self._known = frozenset(model.vocabulary)

    def take(self, line: Line) -> Take:
        """The line in the new voice.

        Raises:
            BackendError: it has no words that can be pronounced, is silent, or does not match the recording.
        """
        import soxr

        if not line.words:
            raise BackendError(f"no words in the line {line.text!r}", "the original is kept there")
        if not line.original.any():
            raise BackendError(f"silence where {line.text!r} should be", "check the transcript there")
        heard = soxr.resample(line.original, line.rate, alignment.FEATURE_RATE)
        seconds = len(line.original) / line.rate
        canvas = np.zeros(int(np.ceil(seconds * RATE)), np.float32)
        costs, off, notes = [], [], []
        for words, start, end in self._parts(line.words, seconds):
            frames = slice(round(start * alignment.FEATURE_RATE), round(end * alignment.FEATURE_RATE))
            shifted = [
                w.model_copy(update={"start": max(0.0, w.start - start), "end": max(0.0, w.end - start)}) for w in words
            ]
            part, cost = self._say(shifted, heard[frames], line.prosody, line.attempt)
            at = round(start * RATE)
            canvas[at : at + len(part.sound)] += part.sound[: len(canvas) - at]
            costs.append(cost)
            off.append(part.off)
            notes += part.notes
        sound = spectrum.apply(canvas, self._taps)
        sound = _fitted(soxr.resample(sound, RATE, line.rate), len(line.original))
        sound = sound * level.contour(sound, line.original, line.rate, LOUDNESS) ** np.float32(line.prosody)
        power = float(np.mean(sound.astype(np.float64) ** 2))
        gain = np.sqrt(float(np.mean(line.original.astype(np.float64) ** 2)) / power) if power > 0 else 0.0
        return backend.Take(
            samples=(sound * gain).astype(np.float32),
            figures={
                "alignment_cost": round(float(np.mean(costs)), 3),
                "words_off_ms": round(1000 * float(np.mean(off)), 1),
                "timing": self._mode(line.attempt),
            },
            notes=tuple(notes),
        )

    def _way(self, attempt: int) -> Way:
        return WAYS[attempt] if attempt < len(WAYS) else Way(attempt - 1, 0.5, attempt % 2 == 0)

    def _mode(self, attempt: int) -> str:
        other = {"render": "stretch", "stretch": "render"}
        return other[self._settings.timing] if self._way(attempt).other else self._settings.timing

    def _parts(self, words: Sequence[Word], seconds: float) -> list[tuple[Sequence[Word], float, float]]:
        """The line in parts short enough to be rendered, parted in the longest pauses."""
        return _layout.parted(words, 0.0, seconds, lambda part: len(self._spoken(part).symbols))

    def _spoken(self, words: Sequence[Word]) -> _english.Spoken:
        return _english.pronounce([w.text for w in words], self._known, _voices.is_british(self._name))

    def _say(self, words: Sequence[Word], heard: Floats, prosody: float, attempt: int) -> tuple[_closing.Said, float]:
        """A part of the line, which ``heard`` is the original of, and the cost of its alignment."""
        model, way, text = self._model, self._way(attempt), " ".join(w.text for w in words)
        spoken = self._spoken(words)
        if not any(word >= 0 for word in spoken.words):
            raise BackendError(f"no phonemes for {text!r}", "the original is kept there")
        guide = _script.written(model, self._guides[way.guide % len(self._guides)], spoken)
        script = _script.written(model, self._name, spoken)
        timing = self._timed(guide, words, heard, text)
        # Without the original's prosody words keep their places, and their sounds the voice's own proportions.
        edges = _layout.evened(timing.edges, script.sounding, script.owners, 1 - (1 - way.even) * prosody)
        contour = pitch.contour(heard, alignment.FEATURE_RATE)
        melody = _script.Melody(contour, self._registers, prosody)
        seconds = len(heard) / alignment.FEATURE_RATE
        notes: list[str] = []
        stretch = self._mode(attempt) == "stretch"
        if stretch and abs((pace := _script.pace(script, edges)) - 1) > WELL_PACED:
            script = _script.written(model, self._name, spoken, pace)
            notes.append(f"spoken at {1 / pace:.2f} of the voice's own speed to fit")

        def said(aim: Doubles) -> tuple[Floats, list[str]]:
            if not stretch:
                return _script.rendered(model, script, aim, timing.gaps, melody, seconds), []
            sound, misfits = _script.stretched(model, script, aim, melody, seconds)
            return sound, [
                f"{words[m.word].text!r} begins {m.start:+.2f} s and ends {m.end:+.2f} s off" for m in misfits
            ]

        part = _closing.closed(said, edges, script, words, heard, self._settings.correct)
        return _closing.Said(part.sound, part.off, [*notes, *part.notes]), timing.cost

    def _timed(self, guide: _script.Script, words: Sequence[Word], heard: Floats, text: str) -> _timing.Timing:
        """When the tokens are spoken in the original, by a rendering in the guide's voice."""
        import soxr

        sound = soxr.resample(_script.natural(self._model, guide), RATE, alignment.FEATURE_RATE)
        times = [(w.start, w.end) for w in words]
        try:
            timing = _timing.align(heard, sound, guide.seconds, guide.owners, times)
        except ValueError as error:
            raise BackendError(f"cannot time {text!r}: {error}", "the original is kept there") from error
        if timing.cost > WORST_COST:
            raise BackendError(
                f"the recording does not sound like {text!r} (distance {timing.cost:.2f})", "check the transcript there"
            )
        return timing


def load(settings: Settings, runtime: Runtime) -> Synthesizer:
    """The synthesizer, on the CPU.

    Raises:
        MissingError: the weights are not there.
        BackendError: they are not the export that this backend knows.
    """
    return Synthesizer(Kokoro(store.path(WEIGHTS[0], runtime.models), threads=1), settings, runtime)


def _resampled(reference: Reference) -> Floats:
    import soxr

    return soxr.resample(reference.samples, reference.rate, alignment.FEATURE_RATE)


def _fitted(samples: Floats, frames: int) -> Floats:
    """Cut or padded with silence to ``frames``."""
    return np.pad(samples[:frames], (0, max(0, frames - len(samples))))
