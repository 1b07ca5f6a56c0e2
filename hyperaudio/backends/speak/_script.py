"""A text as Kokoro is asked for it in one voice, and what the model itself would make of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperaudio.backends.speak import _english, _layout, _timing
from hyperaudio.backends.speak._graph import RATE, UNIT, Doubles, Floats, Kokoro
from hyperaudio.dsp import durations, pitch
from hyperaudio.dsp.alignment import STEP
from hyperaudio.editing import warping

VOICED = 40.0
"""Hz above which the model's own contour counts as voiced (its generator's threshold is 10)."""
STEADY = 150
"""Symbols from which on a voice's style hardly depends on the length of the text. For ten symbols its timbre is 30 to
60 % off and its prosody more: a short line would be said in another voice than the lines around it."""
SLOWEST, FASTEST = 1.5, 0.65
"""Limits of its own durations' scale, spoken slower or faster."""


@dataclass(frozen=True, slots=True)
class Script:
    """Arrays over ``n`` tokens.

    Attributes:
        symbols: what the tokens stand for, ``n`` long, blanks at either end.
        tokens: ``(1, n)``.
        owners: for each token its word, ``-1`` between words.
        style: ``(1, 256)`` of the voice.
        own: ``(n,)`` durations in units.
        melody, energy: the model's own for them, two values per unit.
        sounding: ``(n + 1,)`` units where tokens sound in them.
    """

    symbols: str
    tokens: npt.NDArray[np.int64]
    owners: tuple[int, ...]
    style: Floats
    own: npt.NDArray[np.int64]
    melody: Floats
    energy: Floats
    sounding: Doubles

    @property
    def seconds(self) -> Doubles:
        """``(n + 1,)`` seconds where tokens sound at the model's own pace."""
        return self.sounding * (UNIT / RATE)

    @property
    def needs_time(self) -> npt.NDArray[np.bool_]:
        """``(n,)`` false for stress marks."""
        return np.array([symbol not in _english.STRESS for symbol in self.symbols])

    @property
    def spans(self) -> dict[int, tuple[int, int]]:
        """First and last token (exclusive) of each word that has any."""
        found: dict[int, tuple[int, int]] = {}
        for token, word in enumerate(self.owners):
            if word >= 0:
                found[word] = (found.get(word, (token, 0))[0], token + 1)
        return found


def written(model: Kokoro, voice: str, spoken: _english.Spoken, pace: float = 1.0) -> Script:
    """The script of a pronounced text; ``pace`` scales the model's own durations."""
    tokens = model.tokens(spoken.symbols)
    style = model.style(voice, max(len(spoken.symbols), STEADY))
    owners = (-1, *spoken.words, -1)
    own = model.durations(tokens, style)
    if pace != 1.0:
        own = durations.whole(np.concatenate([[0], np.cumsum(own)]) * pace, np.minimum(own, 1))
    melody, energy = model.prosody(tokens, style, own)
    return Script(
        f" {spoken.symbols} ", tokens, owners, style, own, melody, energy, _timing.sounding(own, energy, owners)
    )


def natural(model: Kokoro, script: Script) -> Floats:
    """The text as the model itself says it: ``(frames,)`` at 24 kHz."""
    return model.sound(script.tokens, script.style, script.own, script.melody, script.energy)


@dataclass(frozen=True, slots=True)
class Melody:
    """How a melody is made for the new voice.

    Attributes:
        contour: the original's pitch in Hz, one per ``alignment.STEP``, 0 where unvoiced.
        registers: median pitch in Hz of the original speaker, and the one wanted.
        share: of the original's movement, 0 to 1; the rest is the voice's own.
    """

    contour: Doubles
    registers: tuple[float, float]
    share: float

    def moved(self, own: Floats, times: Doubles) -> Floats:
        """A contour of the model in the register wanted, where it is voiced; ``times`` are its values' in the
        original, in seconds, or not a number where nothing corresponds.
        """
        usual, register = self.registers
        voiced = own > VOICED
        if not voiced.any():
            return own
        moved = own * np.where(voiced, register / np.median(own[voiced]), 1.0)
        original = pitch.continuous(self.contour)
        if original.any():
            known = voiced & np.isfinite(times)
            wanted = np.interp(times[known], np.arange(len(original)) * STEP, original) * register / usual
            moved[known] = moved[known] ** (1 - self.share) * wanted**self.share
        return moved.astype(np.float32)


def rendered(
    model: Kokoro, script: Script, edges: Doubles, gaps: tuple[_timing.Gap, ...], melody: Melody, seconds: float
) -> Floats:
    """The text said with its tokens at ``edges``, at 24 kHz over ``seconds``: nothing is stretched."""
    layout = _layout.laid_out(edges, gaps, script.needs_time, script.own, script.sounding)
    own, energy = (_layout.warped(values, script.sounding, layout.edges) for values in (script.melody, script.energy))
    times = np.full(len(own), np.nan)
    for a, b in layout.phrases:
        first, last = round(2 * layout.edges[a]), round(2 * layout.edges[b])
        times[first:last] = edges[a] + (np.arange(last - first) + 0.5) * UNIT / RATE / 2
    pitched, hushed = melody.moved(own, times), _layout.hushed(energy, layout)
    sound = model.sound(script.tokens, script.style, layout.durations, pitched, hushed)
    canvas = np.zeros(int(np.ceil(seconds * RATE)), np.float32)
    rooms = _layout.rooms(edges, layout.phrases, seconds)
    for (a, b), room in zip(layout.phrases, rooms, strict=True):
        first, last = round(layout.edges[a] * UNIT), round(layout.edges[b] * UNIT)
        _layout.place(canvas, sound, first, last, float(edges[a]), room)
    return canvas


def stretched(
    model: Kokoro, script: Script, edges: Doubles, melody: Melody, seconds: float
) -> tuple[Floats, list[warping.Misfit]]:
    """The text said at the model's own pace, then warped to ``edges``, at 24 kHz over ``seconds``; what did not fit."""
    halves = (np.arange(len(script.melody)) + 0.5) / 2
    pitched = melody.moved(script.melody, np.interp(halves, script.sounding, edges))
    sound = model.sound(script.tokens, script.style, script.own, pitched, script.energy)
    kinds = [_kind(symbol, word) for symbol, word in zip(script.symbols, script.owners, strict=True)]
    warp = warping.planned(script.seconds, edges, kinds, script.owners)
    return warping.apply(sound, RATE, warp, seconds), list(warp.misfits)


def pace(script: Script, edges: Doubles) -> float:
    """How much longer the words last at ``edges`` than at the model's own pace, within the limits."""
    spans = script.spans.values()
    wanted, own = (sum(times[b] - times[a] for a, b in spans) for times in (edges, script.seconds))
    return float(np.clip(wanted / max(own, 1e-3), FASTEST, SLOWEST))


def _kind(symbol: str, word: int) -> warping.Kind:
    if word < 0:
        return "pause"
    return "vowel" if symbol in _english.VOWELS else "consonant"
