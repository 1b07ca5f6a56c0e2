from __future__ import annotations

import pytest

from hyperaudio.measures.recognition import errors
from hyperaudio.timeline import Word


def said(text: str) -> list[Word]:
    return [Word(start=i, end=i + 1, text=word) for i, word in enumerate(text.split())]


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("the clock, stopped at Noon", [0, 0, 0, 0, 0]),
        ("the clock stopped noon", [0, 0, 0, 1, 0]),
        ("the block stopped at noon", [0, 1, 0, 0, 0]),
        ("the old clock stopped at noon today", [0, 1, 0, 0, 1]),
        ("", [1, 1, 1, 1, 1]),
    ],
)
def test_errors_stand_at_their_words(heard: str, expected: list[int]) -> None:
    assert errors(said("The clock stopped at noon."), said(heard)).tolist() == expected


def test_their_sum_is_the_word_error_rate() -> None:
    import jiwer

    reference, heard = "a b c d e f g h", "a x c e f f g h i j"
    assert errors(said(reference), said(heard)).sum() / 8 == pytest.approx(jiwer.wer(reference, heard))
    assert len(errors([], said("a"))) == 0
