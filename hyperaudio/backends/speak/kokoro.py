"""Voice matching with Kokoro-82M: the nearest of its voices says the line in the original's timing and melody.

Not cloning: 28 English voices are all there is, and the nearest is coloured toward the reference by a filter.
Each line is rendered twice. The first rendering, in the voice nearest to the *original* speaker, is aligned
with the original, which tells when each phone is spoken; the second takes those durations and the
original's pitch contour, moved to the reference's register. Nothing is stretched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hyperaudio import backend
from hyperaudio.backends.speak import _english, _layout, _timing, _voices
from hyperaudio.backends.speak._graph import RATE, UNIT, Kokoro
from hyperaudio.dsp import alignment, pitch, spectrum
from hyperaudio.errors import BackendError, InputError
from hyperaudio.models import store
from hyperaudio.settings import Runtime, Section
from hyperaudio.timeline import Word

if TYPE_CHECKING:
    from hyperaudio.backend import Embedder, Line, Reference, Take
    from hyperaudio.events import Progress

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

REVISION = 2
RANK = 10
PACKAGES = ("onnxruntime", "onnx", "hibari-tts", "pyworld-prebuilt", "soxr", "scipy")
WEIGHTS = ("kokoro-82m",)
LANGUAGES = frozenset({"en"})

VOICED = 40.0
"""Hz above which the model's own contour counts as voiced (its generator's threshold is 10)."""
WORST_COST = 1.9
"""Feature distance from which an alignment is no better than chance."""
BANDS = np.geomspace(80, 11_000, 40)
"""Hz at which long-term spectra are compared."""


class Settings(Section):
    """What can be set of the voice."""

    voice: str = "auto"
    """One of Kokoro's English voices by name, or auto for the nearest to the reference."""
    colour: bool = True
    """Bring the voice's long-term spectrum toward the reference's."""


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
        guide = _voices.nearest(heard, embedder.embed(present), usual)[0][0]
        taps = self._taps(name, reference) if self._settings.colour else np.ones(1)
        return KokoroVoice(
            model,
            name,
            guide,
            (usual, register),
            taps,
            {
                "voice": name,
                "similarity": round(similarity, 3),
                "runner_up": second,
                "runner_up_similarity": round(runner_up, 3),
                "reference_pitch_hz": round(register, 1),
                "own_pitch_hz": round(usual, 1),
                "guide": guide,
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
        registers: median pitch in Hz of the original speaker, and the one wanted.
        taps: filter at 24 kHz.
    """

    def __init__(
        self,
        model: Kokoro,
        name: str,
        guide: str,
        registers: tuple[float, float],
        taps: Doubles,
        figures: dict[str, float | str],
    ) -> None:
        self._model = model
        self._name = name
        self._guide = guide
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
        costs = []
        for words, start, end in self._parts(line.words, seconds):
            frames = slice(round(start * alignment.FEATURE_RATE), round(end * alignment.FEATURE_RATE))
            costs.append(self._say(words, start, heard[frames], canvas))
        sound = spectrum.apply(canvas, self._taps)
        sound = _fitted(soxr.resample(sound, RATE, line.rate), len(line.original))
        power = float(np.mean(sound.astype(np.float64) ** 2))
        gain = np.sqrt(float(np.mean(line.original.astype(np.float64) ** 2)) / power) if power > 0 else 0.0
        return backend.Take(
            samples=(sound * gain).astype(np.float32), figures={"alignment_cost": round(float(np.mean(costs)), 3)}
        )

    def _parts(self, words: Sequence[Word], seconds: float) -> list[tuple[Sequence[Word], float, float]]:
        """The line in parts short enough to be rendered, parted in the longest pauses."""
        return _layout.parted(words, 0.0, seconds, lambda part: len(self._spoken(part, self._name).symbols))

    def _spoken(self, words: Sequence[Word], voice: str) -> _english.Spoken:
        return _english.pronounce([w.text for w in words], self._known, _voices.is_british(voice))

    def _say(self, words: Sequence[Word], start: float, heard: Floats, canvas: Floats) -> float:
        """Add a part of the line, which begins at ``start``, to the canvas; the alignment's cost."""
        model, text = self._model, " ".join(w.text for w in words)
        spoken = self._spoken(words, self._name)
        if not any(word >= 0 for word in spoken.words):
            raise BackendError(f"no phonemes for {text!r}", "the original is kept there")
        tokens = model.tokens(spoken.symbols)
        owners = (-1, *spoken.words, -1)
        times = [(max(0.0, w.start - start), max(0.0, w.end - start)) for w in words]
        timing = self._timed(tokens, owners, times, heard, text)
        marks = np.array([False, *(s in _english.STRESS for s in spoken.symbols), False])
        style = model.style(self._name, len(spoken.symbols))
        own = model.durations(tokens, style)
        melody, energy = model.prosody(tokens, style, own)
        sounding = _timing.sounding(own, energy, owners)
        edges = _layout.evened(timing.edges, sounding, owners)
        layout = _layout.laid_out(edges, timing.gaps, ~marks, own, sounding)
        melody, energy = (_layout.warped(values, sounding, layout.edges) for values in (melody, energy))
        contour = pitch.contour(heard, alignment.FEATURE_RATE)
        spans = [(layout.edges[a], layout.edges[b], edges[a]) for a, b in layout.phrases]
        melody = self._moved(melody, contour, [(round(2 * a), round(2 * b), at) for a, b, at in spans])
        sound = model.sound(tokens, style, layout.durations, melody, _layout.hushed(energy, layout))
        rooms = _layout.rooms(edges, layout.phrases, len(heard) / alignment.FEATURE_RATE)
        for (a, b, at), room in zip(spans, rooms, strict=True):
            _layout.place(canvas, sound, round(a * UNIT), round(b * UNIT), start + at, room)
        return timing.cost

    def _timed(
        self,
        tokens: npt.NDArray[np.int64],
        owners: Sequence[int],
        times: Sequence[tuple[float, float]],
        heard: Floats,
        text: str,
    ) -> _timing.Timing:
        """When the tokens are spoken in the original, by a rendering in the guide's voice."""
        import soxr

        model = self._model
        style = model.style(self._guide, tokens.shape[1] - 2)
        own = model.durations(tokens, style)
        melody, energy = model.prosody(tokens, style, own)
        guide = model.sound(tokens, style, own, melody, energy)
        edges = _timing.sounding(own, energy, owners) * UNIT / RATE
        try:
            timing = _timing.align(heard, soxr.resample(guide, RATE, alignment.FEATURE_RATE), edges, owners, times)
        except ValueError as error:
            raise BackendError(f"cannot time {text!r}: {error}", "the original is kept there") from error
        if timing.cost > WORST_COST:
            raise BackendError(
                f"the recording does not sound like {text!r} (distance {timing.cost:.2f})", "check the transcript there"
            )
        return timing

    def _moved(self, melody: Floats, contour: Doubles, phrases: Sequence[tuple[int, int, float]]) -> Floats:
        """The model's melody with the original's contour in the new register where the model is voiced."""
        usual, register = self._registers
        voiced = melody > VOICED
        if not voiced.any():
            return melody
        original = pitch.continuous(contour)
        moved = melody * np.where(voiced, register / np.median(melody[voiced]), 1.0)
        if original.any():
            points = np.arange(len(original)) * alignment.STEP
            for first, last, at in phrases:
                times = at + (np.arange(last - first) + 0.5) * UNIT / RATE / 2
                wanted = np.interp(times, points, original) * register / usual
                moved[first:last] = np.where(voiced[first:last], wanted, moved[first:last])
        return moved.astype(np.float32)


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
