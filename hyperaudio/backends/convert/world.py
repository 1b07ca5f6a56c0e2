"""The original performance moved toward the reference by signal processing: WORLD analysis and synthesis.

Pitch goes to the reference's median, formants are shifted a little, the long-term spectrum is matched; timing is
not touched. This makes a different *sound* of the same person: listeners will still recognise who speaks.
It needs no weights and takes any language, and laughter.

WORLD: Morise, Yokomori and Ozawa, IEICE Trans. Inf. & Syst. E99-D(7), 2016.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hyperaudio import backend
from hyperaudio.dsp import pitch, spectrum
from hyperaudio.errors import InputError
from hyperaudio.settings import Runtime, Section

if TYPE_CHECKING:
    from hyperaudio.backend import Embedder, Line, Reference, Take, Voice
    from hyperaudio.events import Progress

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

REVISION = 2
RANK = 0
PACKAGES = ("pyworld-prebuilt", "scipy", "soxr")
WEIGHTS: tuple[str, ...] = ()

STEP_MS = 5.0
HIGHEST_RATE = 48_000
"""Hz of the analysis; what is faster is brought down to it and back."""
FORMANT_SHARE = 1 / 3
"""Octaves of formant shift per octave of pitch: women's formants lie a fifth higher than men's (Peterson and
Barney 1952) at nearly twice the pitch."""
MOST_WARP = 1.18
"""Limit of the formant ratio, either way: further sounds processed."""
BANDS = np.geomspace(80, 16_000, 40)
"""Hz at which long-term spectra are compared."""
NOTE = "signal processing only: the voice is coloured toward the reference, the person may still be recognised"


class Settings(Section):
    """What can be set of the conversion."""

    formants: bool = True
    """Shift the formants along with the pitch."""
    colour: bool = True
    """Bring the voice's long-term spectrum toward the reference's."""


class World:
    """Keeps the Synthesizer protocol."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def voice(self, reference: Reference, own: Reference, embedder: Embedder, progress: Progress) -> Voice:
        """Measure what must change between ``own`` and ``reference``; ``embedder`` is not asked.

        Raises:
            InputError: one of them has no voiced speech.
        """
        wanted, usual = (pitch.median(pitch.contour(clip.samples, clip.rate)) for clip in (reference, own))
        if not wanted or not usual:
            raise InputError(f"no voiced speech in {'the target' if wanted else 'the reference'}", "give a longer clip")
        ratio = wanted / usual
        warp = float(np.clip(ratio**FORMANT_SHARE, 1 / MOST_WARP, MOST_WARP)) if self._settings.formants else 1.0
        progress(0.5)
        gain = self._gain(reference, own, warp)
        progress(1.0)
        return WorldVoice(ratio, warp, gain)

    def _gain(self, reference: Reference, own: Reference, warp: float) -> tuple[Doubles, Doubles]:
        """Bands in Hz, and what the warped voice lacks there in dB."""
        bands = BANDS[0.47 * min(reference.rate, own.rate) > BANDS]
        if not self._settings.colour:
            return bands, np.zeros(len(bands))
        moved = _converted(own.samples, own.rate, 1.0, warp)
        source = spectrum.mean_envelope(moved, own.rate, bands)
        return bands, spectrum.mean_envelope(reference.samples, reference.rate, bands) - source


class WorldVoice:
    """Keeps the Voice protocol.

    Args:
        ratio: of the wanted median pitch to the speaker's own.
        warp: of the wanted formants to the speaker's own.
        gain: frequencies in Hz, and dB to add there.
    """

    def __init__(self, ratio: float, warp: float, gain: tuple[Doubles, Doubles]) -> None:
        self._ratio = ratio
        self._warp = warp
        self._gain = gain
        self.figures: dict[str, float | str] = {"pitch_ratio": round(ratio, 3), "formant_ratio": round(warp, 3)}

    def take(self, line: Line) -> Take:
        """The line with its own timing; words are not needed."""
        bands, gain = self._gain
        if not line.original.any():
            return backend.Take(samples=np.zeros_like(line.original), figures={}, notes=(NOTE,))
        taps = spectrum.matching_filter(np.zeros(len(bands)), gain, bands, line.rate)
        sound = spectrum.apply(_converted(line.original, line.rate, self._ratio, self._warp), taps)
        power = float(np.mean(sound.astype(np.float64) ** 2))
        level = np.sqrt(float(np.mean(line.original.astype(np.float64) ** 2)) / power) if power > 0 else 0.0
        return backend.Take(samples=(sound * level).astype(np.float32), figures={}, notes=(NOTE,))


def load(settings: Settings, runtime: Runtime) -> World:
    """The converter; there is nothing to load."""
    return World(settings)


def _converted(samples: Floats, rate: int, ratio: float, warp: float) -> Floats:
    """``samples`` ``(frames,)`` with pitch times ``ratio`` and formants times ``warp``; same length.

    Each glottal pulse is rebuilt with minimum phase, so its energy comes 1 to 2 ms after the original's.
    """
    import pyworld
    import soxr

    work = min(rate, HIGHEST_RATE)
    signal = np.ascontiguousarray(soxr.resample(samples, rate, work) if work != rate else samples, np.float64)
    contour, times = pyworld.harvest(signal, work, f0_floor=pitch.LOWEST, f0_ceil=pitch.HIGHEST, frame_period=STEP_MS)
    envelope = pyworld.cheaptrick(signal, contour, times, work)
    aperiodicity = pyworld.d4c(signal, contour, times, work)
    moved = pyworld.synthesize(
        contour * ratio, _warped(envelope, warp), _warped(aperiodicity, warp), work, frame_period=STEP_MS
    )
    sound = soxr.resample(moved, work, rate) if work != rate else moved
    return np.pad(sound[: len(samples)], (0, max(0, len(samples) - len(sound)))).astype(np.float32)


def _warped(frames: Doubles, warp: float) -> Doubles:
    """Spectra ``(points, bins)`` with the frequency axis stretched by ``warp``, in the log domain."""
    bins = np.arange(frames.shape[1])
    source = np.minimum(bins / warp, bins[-1])
    low = np.floor(source).astype(np.int64)
    high = np.minimum(low + 1, bins[-1])
    share = source - low
    log = np.log(np.maximum(frames, 1e-16))
    return np.ascontiguousarray(np.exp(log[:, low] * (1 - share) + log[:, high] * share))
