from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyperaudio.backends.speak import _english


@pytest.fixture(scope="module")
def known(models: Path) -> frozenset[str]:
    return frozenset(json.loads((models / "kokoro-82m/vocab.json").read_text("utf-8"))["vocab"])


@pytest.mark.parametrize(
    "words",
    [
        ["Printing,", "in", "the", "only", "sense."],
        ["It", "cost", "$5.20", "in", "1999,", "Dr.", "Smith."],
        ["uh", "hmm", "um,", "well"],
        ["Zarathustra's", "forty-two", "kine", "—", "puttel"],
    ],
)
def test_every_word_keeps_its_part(words: list[str], known: frozenset[str]) -> None:
    spoken = _english.pronounce(words, known, british=False)
    assert len(spoken.words) == len(spoken.symbols)
    assert set(spoken.symbols) <= known
    owners = [w for w in spoken.words if w >= 0]
    assert owners == sorted(owners)
    assert {words[w] for w in owners} == {word for word in words if any(c.isalnum() for c in word)}
    assert spoken.words[-1] == -1


def test_marks_alone_have_nothing_to_say(known: frozenset[str]) -> None:
    assert not any(w >= 0 for w in _english.pronounce(["...", "—"], known, british=False).words)


def test_the_neighbours_decide_how_a_word_sounds(known: frozenset[str]) -> None:
    assert _english.pronounce(["the", "apple"], known, british=False).symbols.startswith("ði")
    assert _english.pronounce(["the", "pear"], known, british=False).symbols.startswith("ðə")
