"""The noise floor under a voice: what goes with the old voice and has to come back with the new one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperaudio.backend import Samples

WINDOW = 0.032
"""Seconds of a spectrum."""
QUIETEST, SPREAD = 2.0, 4.0
"""Frames up to so many dB over this percentile of the levels are pauses."""
LEAST = 4
"""Frames that make a spectrum worth the name."""
WAVERING = 2.0
"""How far the power of a frame of steady noise may lie under its mean."""
PAUSE, HUSH = 8.0, 40.0
"""A frame with up to so many times the floor's power is a pause; dB by which a noise is held down there at most."""
SILENCE = 1e-10
"""Power (-100 dBFS) under which a frame holds no noise but rounding: it says nothing of a floor."""

Floats = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Floor:
    """A stationary noise: for each frequency bin the real part of the channels' covariance.

    Attributes:
        covariance: ``(bins, channels, channels)``, of spectra under a square root Hann window.
        size: frames of the window.
    """

    covariance: Floats
    size: int

    @property
    def power(self) -> Floats:
        """Mean over the channels, ``(bins,)``."""
        return np.asarray(np.trace(self.covariance, axis1=1, axis2=2) / self.covariance.shape[1])


def window(rate: int) -> int:
    """Frames of a spectrum at ``rate``; even."""
    return 2 * round(WINDOW * rate / 2)


def estimate(samples: Samples, rate: int, *, skip_silence: bool = True) -> Floor | None:
    """The floor of ``(channels, frames)`` from its quietest moments; ``None`` where there are too few or none.

    Digital silence is no floor of a recording: where one is made of clips, it only lies between them. A
    synthetic voice that falls silent has none (``skip_silence`` off).
    """
    from scipy.ndimage import minimum_filter1d

    size = window(rate)
    if samples.shape[1] < size * LEAST:
        return None
    spectra = spectrogram(samples, size)
    powers = (np.abs(spectra) ** 2).sum(axis=2).mean(axis=0) / size**2
    # Neither a frame that silence begins or ends in.
    sounding = minimum_filter1d(powers, 3) > (SILENCE if skip_silence else -1)
    if sounding.sum() < LEAST:
        return None
    limit = np.percentile(powers[sounding], QUIETEST) * 10 ** (SPREAD / 10)
    quiet = spectra[:, sounding & (powers <= limit)]
    if quiet.shape[1] < LEAST:
        return None
    covariance = np.einsum("cfb,dfb->bcd", quiet, quiet.conj()).real / quiet.shape[1]
    # A handful of frames makes a rough spectrum: even it out over 150 Hz or so.
    kernel = np.hanning(7)[1:-1]
    padded = np.pad(covariance, ((2, 2), (0, 0), (0, 0)), mode="edge")
    smooth = sum(weight * padded[k : k + len(covariance)] for k, weight in enumerate(kernel / kernel.sum()))
    return Floor(np.asarray(smooth), size)


def hushed(voice: Samples, old: Samples, floor: Floor, louder: float, slack: int = 0) -> Samples:
    """``voice`` held down to the floor where ``old`` pauses: its own noise, and what rings on longer than the old did.

    Both are mono ``(frames,)`` and of one timing.

    Args:
        voice: the new one.
        old: the one it was made from.
        floor: of ``old``.
        louder: amplitude of the voice over that of ``old``.
        slack: spectra (16 ms) at both ends of a pause that are left to words which come a little early or late.
    """
    from scipy.ndimage import maximum_filter1d

    new, was = spectrogram(voice[None], floor.size)[0], spectrogram(old[None], floor.size)[0]
    pausing = maximum_filter1d((np.abs(was) ** 2).sum(axis=1), 3 + 2 * slack) < PAUSE * floor.power.sum()
    allowed = floor.power * louder**2
    gain = np.sqrt(np.minimum(1.0, allowed / np.maximum(np.abs(new) ** 2, 1e-30)))
    gain[~pausing] = 1.0
    return overlap_add((new * np.maximum(gain, 10 ** (-HUSH / 20)))[None], floor.size, len(voice))[0]


def lacking(floor: Floor, own: Floor | None) -> Floor:
    """What of a floor is missing where there is already one of the new voice's ``own``."""
    if own is None:
        return floor
    share = np.maximum(0.0, 1 - own.power / np.maximum(floor.power, 1e-30))
    return Floor(floor.covariance * share[:, None, None], floor.size)


def filling(floor: Floor, old: Samples, seed: int) -> Samples:
    """Noise of random phases under the floor's spectrum and channel covariance; as ``old``, ``(channels, frames)``.

    Never more than ``old`` held at that moment: silence in the recording stays silence. The same ``seed`` gives
    the same noise.
    """
    from scipy.ndimage import minimum_filter1d

    held = (np.abs(spectrogram(old, floor.size)) ** 2).mean(axis=0).sum(axis=1)
    values, vectors = np.linalg.eigh(floor.covariance)
    root = np.einsum("bcd,bd,bed->bce", vectors, np.sqrt(np.maximum(values, 0.0)), vectors)
    # The floor's spectra lost half their power to the taper, and overlap_add puts another one on these.
    gauss = np.random.default_rng(seed).standard_normal((2, old.shape[0], len(held), len(root)))
    noise = np.einsum("bcd,dfb->cfb", root, gauss[0] + 1j * gauss[1])
    # The least of neighbours, so that a word does not lift the noise in the silence beside it.
    present = np.minimum(1.0, WAVERING * minimum_filter1d(held, 3) / max(float(floor.power.sum()), 1e-30))
    return overlap_add(noise * np.sqrt(present)[:, None], floor.size, old.shape[1])


def spectrogram(samples: Samples, size: int) -> Complex:
    """Spectra ``(channels, spectra, bins)`` every half window of ``(channels, frames)``; undone by :func:`overlap_add`.

    Half a window of zeros is put before and behind.
    """
    half = size // 2
    count = -(-samples.shape[1] // half) + 1
    padded = np.pad(samples.astype(np.float64), ((0, 0), (half, (count + 1) * half - samples.shape[1] - half)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::half]
    return np.asarray(np.fft.rfft(frames * taper(size), axis=2))


def overlap_add(spectra: Complex, size: int, length: int) -> Samples:
    """Samples ``(channels, length)`` of spectra such as :func:`spectrogram` makes."""
    half = size // 2
    frames = np.fft.irfft(spectra, size, axis=2) * taper(size)
    out = np.zeros((frames.shape[0], (frames.shape[1] + 1) * half))
    for at in range(2):
        part = frames[:, at::2].reshape(frames.shape[0], -1)
        out[:, at * half : at * half + part.shape[1]] += part
    return out[:, half : half + length].astype(np.float32)


def taper(size: int) -> Floats:
    """Square root of a periodic Hann window; its squares every half window add up to 1."""
    return np.asarray(np.sin(np.pi * np.arange(size) / size))
