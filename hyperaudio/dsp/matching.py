"""Comparing two lists of timed words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from hyperaudio.timeline import Word


def bare(text: str) -> str:
    """A word without case and punctuation, for comparing."""
    return re.sub(r"[^\w']", "", text.casefold())


def pairs(first: Sequence[Word], second: Sequence[Word], within: float) -> Iterator[tuple[Word, Word]]:
    """Words that stand in both lists, in order, and start at most ``within`` seconds apart."""
    names = [bare(word.text) for word in first], [bare(word.text) for word in second]
    for block in difflib.SequenceMatcher(None, *names, autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            a, b = first[block.a + offset], second[block.b + offset]
            if abs(a.start - b.start) <= within:
                yield a, b
