from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio import audio, backend, pipeline
from hyperaudio.backend import Line, Take
from hyperaudio.errors import BackendError
from hyperaudio.measures import candidates
from hyperaudio.measures.candidates import Candidate, Judge, Limits, Try
from hyperaudio.settings import Runtime, resolve
from hyperaudio.timeline import Word
from tests.conftest import Podcast

RATE = 16_000
LIMITS = Limits(timing=0.12, words=0.25, likeness=0.4)


def line(samples: np.ndarray, words: Sequence[Word] = (), attempt: int = 0) -> Line:
    return Line(" ".join(w.text for w in words), words, "en", samples, RATE, 1.0, attempt)


def said_by(podcast: Podcast, who: str) -> Line:
    """A line of the podcast, dry, with its true words."""
    segment = next(s for s in podcast.truth["segments"] if s["speaker"] == who)
    first = max(0.0, segment["start"] - 0.2)
    stem = audio.read_mono(podcast.stems[who], RATE)
    words = [Word(start=a - first, end=b - first, text=text) for text, a, b in segment["words"]]
    return line(stem[round(first * RATE) : round((segment["end"] + 0.3) * RATE)], words)


def shifted(sound: np.ndarray, seconds: float) -> np.ndarray:
    return np.concatenate([np.zeros(round(seconds * RATE), np.float32), sound])[: len(sound)]


def judged(judge: Judge, *pairs: tuple[Line, np.ndarray]) -> list[Candidate]:
    return judge([Try(k, one, Take(sound, {})) for k, (one, sound) in enumerate(pairs)])


def test_the_original_itself_passes_and_a_late_one_fails_its_timing_alone(podcast: Podcast) -> None:
    first = said_by(podcast, "guest")
    pairs = (first, first.original), (first, shifted(first.original, 0.2))
    same, late = judged(Judge(LIMITS, None, None), *pairs)
    assert same.failed == ()
    assert same.figures["f0_correlation"] == 1.0
    assert float(same.figures["onset_p95_s"]) < 0.01
    assert float(late.figures["onset_p95_s"]) == pytest.approx(0.2, abs=0.02)
    assert late.failed == ("words start 200 ms off", "it ends 200 ms off")
    assert late.excess > 1 > same.excess


def test_a_take_that_leaves_words_out_is_heard_to(podcast: Podcast, models: Path) -> None:
    runtime = Runtime(models=models, threads=1)
    transcriber = backend.choose("transcribe", "auto", resolve(pipeline.schema()), runtime).load()
    whole = said_by(podcast, "host")
    half = whole.original.copy()
    half[len(half) // 2 :] *= np.float32(1e-3)
    fine, cut = Judge(Limits(10, 0.25, 0.4), transcriber, None)(
        [Try(0, whole, Take(whole.original, {})), Try(1, whole, Take(half, {}))]
    )
    assert fine.failed == ()
    assert cut.failed and "words are heard wrong" in cut.failed[0]
    assert float(cut.figures["word_errors"]) >= float(fine.figures["word_errors"]) + 3


def test_another_persons_take_is_unlike_the_others(podcast: Podcast, models: Path) -> None:
    embedder = backend.choose("embed", "auto", resolve(pipeline.schema()), Runtime(models=models, threads=1)).load()
    own = audio.read_mono(podcast.clips["guest"], RATE)
    other = audio.read_mono(podcast.clips["host"], RATE)
    pieces = [own[: 2 * RATE], own[2 * RATE : 4 * RATE], own[4 * RATE : 6 * RATE], other[: 2 * RATE]]
    found = judged(Judge(LIMITS, None, embedder), *((line(piece), piece) for piece in pieces))
    assert [bool(candidate.failed) for candidate in found] == [False, False, False, True]
    assert found[3].failed[0].startswith("it sounds like another voice")
    spread = candidates.spread(found)
    assert spread is not None
    assert spread.least == spread.each[3]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: np.full_like(s, np.nan), "finite"),
        (lambda s: 0.001 * s, "silent"),
        (lambda s: s[:-1], "shape"),
    ],
)
def test_what_cannot_be_used_has_no_take(change, word: str) -> None:  # type: ignore[no-untyped-def]
    sound = 0.1 * np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    (found,) = judged(Judge(LIMITS, None, None), (line(sound), change(sound)))
    assert found.take is None
    assert word in found.failed[0]
    assert found.excess == np.inf


def test_a_take_without_sound_is_told_also_where_voices_are_compared(podcast: Podcast, models: Path) -> None:
    embedder = backend.choose("embed", "campplus", resolve(pipeline.schema()), Runtime(models=models, threads=1)).load()
    said = said_by(podcast, "host")
    silent, broken = np.zeros_like(said.original), np.full_like(said.original, np.nan)
    for candidate in judged(Judge(LIMITS, None, embedder), (said, silent), (said, broken)):
        assert candidate.take is None and candidate.point is None and candidate.failed


def test_clipping_is_a_fault_but_peaks_are_not() -> None:
    sound = 0.1 * np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    fine, clipped = judged(
        Judge(LIMITS, None, None), (line(sound), 9 * sound), (line(sound), np.clip(sound, -0.1, 0.1))
    )
    assert fine.failed == ()
    assert "clipped" in clipped.failed[0]
    assert clipped.take is not None


def verdicts(table: list[list[float]]) -> candidates.Judge:
    """A judge by a table: the excess of each line's attempts; above 1 fails."""

    def judge(tries: Sequence[Try]) -> list[Candidate]:
        assert sum(len(one.line.original) for one in tries) / RATE <= candidates.WINDOW or len(tries) == 1
        return [
            Candidate(
                one.line.attempt,
                one.result if isinstance(one.result, Take) else None,
                {},
                ("bad",) if table[one.index][one.line.attempt] > 1 else (),
                table[one.index][one.line.attempt],
            )
            for one in tries
        ]

    return judge  # type: ignore[return-value]


rows = st.lists(st.lists(st.floats(0, 3), min_size=4, max_size=4), min_size=1, max_size=12)


@given(rows, st.integers(1, 4), st.lists(st.floats(0.3, 20), min_size=12, max_size=12))
def test_lines_are_done_again_only_while_they_fail_and_the_best_comes_first(
    table: list[list[float]], most: int, lengths: list[float]
) -> None:
    said: list[tuple[int, int]] = []

    def say(index: int, attempt: int) -> Try:
        said.append((index, attempt))
        sound = np.full(round(lengths[index] * RATE), attempt, np.float32)
        return Try(index, line(sound, attempt=attempt), Take(sound, {}))

    seconds = lengths[: len(table)]
    found = dict(candidates.best(seconds, say, verdicts(table), most))
    assert sorted(found) == list(range(len(table)))
    for index, tried in found.items():
        passing = [k for k in range(most) if table[index][k] <= 1]
        wanted = passing[0] + 1 if passing else most
        assert sorted(c.attempt for c in tried) == list(range(wanted))
        assert sorted(a for i, a in said if i == index) == list(range(wanted))
        assert tried[0].attempt == (passing[0] if passing else int(np.argmin(table[index][:most])))


def test_a_backend_without_another_way_is_asked_once_more_only() -> None:
    asked = []

    def say(index: int, attempt: int) -> Try:
        asked.append(attempt)
        sound = np.ones(RATE, np.float32)
        return Try(index, line(sound, attempt=attempt), Take(sound, {}))

    ((_, tried),) = candidates.best([1.0], say, verdicts([[2.0, 2.0, 2.0]]), 3)
    assert asked == [0, 1]
    assert [c.attempt for c in tried] == [0]


def test_a_line_that_cannot_be_said_says_why() -> None:
    sound = np.ones(RATE, np.float32)
    error = BackendError("no phonemes", "the original is kept")
    (found,) = Judge(LIMITS, None, None)([Try(0, line(sound), error)])
    assert (found.take, found.failed) == (None, ("no phonemes",))
