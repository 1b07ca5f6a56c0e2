"""Figures against truth: small functions on what a job holds and what is known."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hyperaudio import audio


def error_rate(reference: Path, hypothesis: Path, collar: float) -> float:
    """Diarization error rate, overlaps scored; ``collar`` seconds on each side of a reference edge are not."""
    from pyannote.core import Annotation, Segment
    from pyannote.metrics.diarization import DiarizationErrorRate

    def read(path: Path) -> Annotation:
        found = Annotation()
        for number, line in enumerate(path.read_text().splitlines()):
            field = line.split()
            start, length = float(field[3]), float(field[4])
            found[Segment(start, start + length), number] = field[7]
        return found

    # pyannote.metrics takes the whole width of the collar.
    return float(DiarizationErrorRate(collar=2 * collar)(read(reference), read(hypothesis)))


def plain_words(text: str) -> list[str]:
    """Words as error rates count them: Whisper's own English normalisation of spelling and numbers."""
    from whisper_normalizer.english import EnglishTextNormalizer

    return str(EnglishTextNormalizer()(text)).split()


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Word error rate after normalisation."""
    import jiwer

    return float(jiwer.wer(" ".join(plain_words(reference)), " ".join(plain_words(hypothesis))))


def onset_errors(truth: Sequence[Sequence[Any]], found: Sequence[tuple[str, float]]) -> np.ndarray:
    """Absolute errors in ms of the starts of words found, over the words that both lists have in order."""

    def bare(text: str) -> str:
        return re.sub(r"[^\w']", "", text.casefold())

    names = [bare(word[0]) for word in truth], [bare(word) for word, _ in found]
    errors = [
        1000 * abs(float(truth[block.a + k][1]) - found[block.b + k][1])
        for block in difflib.SequenceMatcher(None, *names, autojunk=False).get_matching_blocks()
        for k in range(block.size)
    ]
    return np.array(errors)


def si_sdr(estimate: np.ndarray, reference: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019) over all channels."""
    e, r = estimate.ravel().astype(np.float64), reference.ravel().astype(np.float64)
    target = (e @ r) / (r @ r) * r
    noise = float(((e - target) ** 2).sum())
    return float(10 * np.log10((target**2).sum() / noise)) if noise > 0 else float("inf")


def same_speaker(truth: Path, segments: Sequence[Any], name: str) -> str:
    """The label that shares most time with a speaker of the truth."""
    shared: dict[str, float] = {}
    for line in truth.read_text().splitlines():
        field = line.split()
        if field[7] != name:
            continue
        start, end = float(field[3]), float(field[3]) + float(field[4])
        for s in segments:
            shared[s.speaker] = shared.get(s.speaker, 0.0) + max(0.0, min(end, s.end) - max(start, s.start))
    return max(shared, key=lambda label: shared[label])


def stems(folder: Path) -> np.ndarray:
    """All voices of a podcast, ``(channels, frames)``."""
    return np.sum([audio.read(path) for path in sorted(folder.glob("stem_*.flac"))], axis=0)
