"""Taking one of two voices out of speech in which both talk, by what each of them sounds like alone.

Each voice is known by exemplars: spectra of its own solo speech in the same recording. Those of both explain
the overlap together (non-negative matrix factorisation with a fixed dictionary of exemplars and the
Kullback-Leibler divergence: Lee and Seung 2001; Gemmeke et al. 2011), and a Wiener filter made of their shares
takes the target out, with the mixture's phase. Nothing is lost: target and rest add up to the mixture.

How well that works depends on the two voices. It is measured on them: pieces of their own solo speech are mixed
and taken apart by exemplars that do not know these pieces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hyperaudio.backend import Samples
from hyperaudio.dsp.loudness import rms
from hyperaudio.timeline import frames

if TYPE_CHECKING:
    from scipy.signal import ShortTimeFFT

WINDOW, HOP = 0.064, 0.016
"""Seconds of a spectrum, long enough to part the harmonics of two voices, and between two of them."""
HIGHEST = 8000.0
"""Hz up to which voices are told apart; above, a moment is shared as it is in the octave below."""
MOST = 1000
"""Exemplars of a voice; twice as many gain nothing."""
LOUDEST, QUIETEST = 95.0, 30.0
"""Percentile of the loud spectra, and dB under it down to which a spectrum is worth to be an exemplar."""
ITERATIONS = 40
"""Updates of the activations; twice as many gain 0.1 dB."""
PIECE, PIECES = 1.0, 6
"""Seconds of a trial overlap, and how many of them are made."""
APART = 0.5
"""Seconds to both sides of a trial piece whose spectra are kept from the exemplars too: a sound goes on."""

SILENT = 1e-5
"""RMS (-100 dBFS) under which nothing sounds."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well two voices come apart, as measured on mixtures of their own solo speech.

    Attributes:
        target_db, other_db: mean SI-SDR (Le Roux et al. 2019) of what was taken out, and of what was left.
        left_db: level of the target's true speech in what was left, by projection, over what was there.
        trials: number of mixtures.
    """

    target_db: float
    other_db: float
    left_db: float
    trials: int

    @property
    def sdr_db(self) -> float:
        """The worse of the two: an overlap is taken apart well if both voices are."""
        return min(self.target_db, self.other_db)


@dataclass(frozen=True, slots=True)
class Exemplars:
    """A voice by its own speech.

    Attributes:
        spectra: magnitudes, each summing to 1, ``(channels * bins, exemplars)``. Where two voices stand apart
            between the channels, this tells them apart too.
        times: seconds of each in the speech that they are of.
    """

    spectra: Floats
    times: npt.NDArray[np.float64]

    def without(self, start: float, end: float) -> Exemplars:
        """Those outside of a stretch, in seconds."""
        keep = (self.times < start) | (self.times >= end)
        return Exemplars(self.spectra[:, keep], self.times[keep])


def exemplars(solo: Samples, rate: int) -> Exemplars:
    """What a voice sounds like, from ``solo`` ``(channels, frames)`` in which nobody else talks.

    At most :data:`MOST` of its louder spectra, evenly over time; none where it is silent or shorter than a spectrum.
    """
    transform = _transform(rate)
    if solo.shape[1] < transform.m_num or not solo.any():
        return Exemplars(np.zeros((len(solo) * _bins(rate), 0), np.float32), np.zeros(0))
    magnitudes = _magnitudes(transform.stft(solo.astype(np.float64)), rate)
    times = transform.t(solo.shape[1])
    level = magnitudes.sum(axis=0)
    loud = np.flatnonzero(level > np.percentile(level, LOUDEST) * 10 ** (-QUIETEST / 20))
    chosen = loud[np.linspace(0, len(loud) - 1, min(MOST, len(loud))).astype(int)]
    return Exemplars(magnitudes[:, chosen] / level[chosen], times[chosen])


def extract(mix: Samples, target: Exemplars, other: Exemplars, rate: int) -> Samples:
    """The target's part of ``mix`` ``(channels, frames)``, of the same shape; the rest is the other's.

    Raises:
        ValueError: one of the voices has no exemplars.
    """
    count = target.spectra.shape[1]
    if not count or not other.spectra.shape[1]:
        raise ValueError("a voice without exemplars cannot be told from another")
    if mix.shape[1] == 0 or not mix.any():
        return np.zeros_like(mix)
    transform = _transform(rate)
    # A stretch shorter than a spectrum has none of its own: it is looked at with silence around it.
    padded = np.pad(mix.astype(np.float64), ((0, 0), (0, max(0, transform.m_num - mix.shape[1]))))
    spectrum: npt.NDArray[np.complex128] = np.asarray(transform.stft(padded))
    magnitudes = _magnitudes(spectrum, rate)
    dictionary = np.concatenate([target.spectra, other.spectra], axis=1)
    activations = _activations(magnitudes, dictionary)
    shape = (len(mix), -1, magnitudes.shape[1])
    mine = (target.spectra @ activations[:count]).reshape(shape) ** 2
    theirs = (other.spectra @ activations[count:]).reshape(shape) ** 2
    share = _share(mine, theirs, spectrum.shape[1])
    taken = transform.istft(spectrum * share, k1=padded.shape[1]).real[:, : mix.shape[1]]
    return np.asarray(taken, np.float32)


def reliability(target: Samples, other: Samples, level_db: float, rate: int) -> Reliability | None:
    """How well two voices come apart, from the solo speech of both, ``(channels, frames)`` each.

    Args:
        target, other: nobody else talks in them.
        level_db: how much louder the target is than the other in the overlap that is asked about.
        rate: Hz.

    Returns:
        ``None`` where one of them has too little solo speech to learn from and to try it on.
    """
    voices = exemplars(target, rate), exemplars(other, rate)
    starts = _pieces(target, rate), _pieces(other, rate)
    scores: list[tuple[float, float, float]] = []
    for pair in zip(*starts, strict=False):
        mine, theirs = (solo[:, at : at + frames(PIECE, rate)] for solo, at in zip((target, other), pair, strict=True))
        theirs = theirs * np.float32(rms(mine) / rms(theirs) * 10 ** (-level_db / 20))
        known = [
            voice.without(at / rate - APART, at / rate + PIECE + APART) for voice, at in zip(voices, pair, strict=True)
        ]
        if all(voice.spectra.shape[1] for voice in known):
            mix = mine + theirs
            taken = extract(mix, known[0], known[1], rate)
            rest = mix - taken
            scores.append((si_sdr(taken, mine), si_sdr(rest, theirs), remaining(rest, mine)))
    if len(scores) < PIECES // 2:
        return None
    means = np.mean(scores, axis=0)
    return Reliability(float(means[0]), float(means[1]), float(means[2]), len(scores))


def si_sdr(estimate: Samples, truth: Samples) -> float:
    """Scale-invariant signal to distortion ratio in dB (Le Roux et al. 2019) over all channels, within +-100."""
    a, b = estimate.astype(np.float64).ravel(), truth.astype(np.float64).ravel()
    wanted = (a @ b) / max(float(b @ b), 1e-20) * b
    error = a - wanted
    ratio = (float(wanted @ wanted) + 1e-20) / (float(error @ error) + 1e-20)
    return min(max(10 * math.log10(ratio), -100.0), 100.0)


def remaining(rest: Samples, truth: Samples) -> float:
    """Level of ``truth`` in ``rest`` by least-squares projection, in dB over what it was; at least -100."""
    a, b = rest.astype(np.float64).ravel(), truth.astype(np.float64).ravel()
    return 20 * math.log10(max(abs(float(a @ b)) / max(float(b @ b), 1e-20), 1e-5))


def _transform(rate: int) -> ShortTimeFFT:
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    size = 4 * round(WINDOW * rate / 4)
    return ShortTimeFFT(np.sqrt(hann(size, sym=False)), hop=size // 4, fs=rate)


def _bins(rate: int) -> int:
    """Bins up to :data:`HIGHEST`."""
    transform = _transform(rate)
    return int(min(transform.f_pts, np.searchsorted(transform.f, HIGHEST) + 1))


def _magnitudes(spectrum: npt.NDArray[np.complex128], rate: int) -> Floats:
    """``(channels * bins, spectra)`` from ``(channels, all bins, spectra)``."""
    low = np.abs(spectrum[:, : _bins(rate)]).astype(np.float32)
    return low.reshape(-1, spectrum.shape[2])


def _activations(magnitudes: Floats, dictionary: Floats) -> Floats:
    """Non-negative ``(exemplars, spectra)`` such that ``dictionary @ activations`` is near ``magnitudes``
    in Kullback-Leibler divergence, by multiplicative updates from equal shares.
    """
    found = np.repeat(magnitudes.sum(axis=0, keepdims=True) / dictionary.shape[1], dictionary.shape[1], axis=0)
    total = dictionary.sum(axis=0)[:, None]
    tiny = np.float32(1e-9)
    for _ in range(ITERATIONS):
        found *= dictionary.T @ (magnitudes / (dictionary @ found + tiny)) / total
    return found


def _share(mine: Floats, theirs: Floats, bins: int) -> Floats:
    """The target's share of each bin, ``(channels, bins, spectra)``, held above the highest modelled bin."""
    share = mine / (mine + theirs + np.float32(1e-20))
    known = share.shape[1]
    if known >= bins:
        return share[:, :bins]
    octave = slice(known // 2, known)
    top = mine[:, octave].sum(axis=1) / (mine[:, octave].sum(axis=1) + theirs[:, octave].sum(axis=1) + 1e-20)
    return np.concatenate([share, np.repeat(top[:, None], bins - known, axis=1)], axis=1)


def _pieces(solo: Samples, rate: int) -> list[int]:
    """First frames of up to :data:`PIECES` pieces in which there is speech, evenly over ``solo``."""
    size = frames(PIECE, rate)
    levels = np.array([rms(solo[:, at : at + size]) for at in range(0, solo.shape[1] - size + 1, size)])
    sounding = levels > SILENT
    if not sounding.any():
        return []
    loud = np.flatnonzero(sounding & (levels >= np.median(levels[sounding])))
    return [int(at) * size for at in loud[np.linspace(0, len(loud) - 1, min(PIECES, len(loud))).astype(int)]]
