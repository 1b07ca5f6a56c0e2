"""English words as Kokoro's symbols, with the word that each symbol belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

PAUSES = frozenset(' ;:,.!?—…"()“”')
"""Symbols that are not spoken."""
STRESS = frozenset("ˈˌ")
"""Marks that colour the vowel after them and need no time of their own."""

VOWELS = frozenset("AIOQWYaeiouyæøœɐɑɒɔəɚɛɜɤɨɪʊʌᵊᵻː")
"""Symbols that may be held; the capitals are diphthongs."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Symbols in order, and for each the index of its word (``-1`` between words)."""

    symbols: str
    words: tuple[int, ...]


def pronounce(words: Sequence[str], known: frozenset[str], british: bool) -> Spoken:
    """Symbols (only ``known`` ones) of a sentence given word by word.

    The sentence is read as a whole, for the sake of words whose sound depends on their neighbours. Where
    that does not give each word its part back (numbers and abbreviations may), each is read alone. The
    sentence ends in punctuation in any case, as else the model counts the silence after it to its last phone.
    """
    read = _reader(british)
    alone = [read(word).split() for word in words]
    groups = read(" ".join(words)).split()
    if len(groups) != sum(map(len, alone)):
        groups = [group for part in alone for group in part]
    owners = [word for word, part in enumerate(alone) for _ in part]
    symbols: list[tuple[str, int]] = []
    for group, owner in zip(groups, owners, strict=True):
        part = [(s, -1 if s in PAUSES else owner) for s in group if s in known]
        if part and symbols:
            symbols.append((" ", -1))
        symbols += part
    if symbols and symbols[-1][1] >= 0:
        symbols.append((".", -1))
    return Spoken("".join(s for s, _ in symbols), tuple(w for _, w in symbols))


@cache
def _reader(british: bool) -> Any:
    from hibari.g2p import G2P

    return G2P(british=british)
