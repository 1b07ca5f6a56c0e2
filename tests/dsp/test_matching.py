from __future__ import annotations

from hyperaudio.dsp.matching import pairs
from hyperaudio.timeline import Word


def said(*words: tuple[str, float]) -> list[Word]:
    return [Word(start=start, end=start + 0.1, text=text) for text, start in words]


def test_words_pair_up_by_what_they_say_not_by_how_it_is_written() -> None:
    first = said(("Well,", 0.0), ("the", 1.0), ("clock", 2.0), ("stopped.", 3.0))
    second = said(("well", 0.1), ("a", 1.0), ("Clock,", 2.1), ("stopped", 9.0))
    assert [(a.text, b.text) for a, b in pairs(first, second, 0.5)] == [("Well,", "well"), ("clock", "Clock,")]
