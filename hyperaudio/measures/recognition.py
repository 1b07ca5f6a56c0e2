"""Word errors: which words of a text a recogniser heard otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hyperaudio.dsp.matching import bare
from hyperaudio.timeline import Word


def errors(reference: Sequence[Word], heard: Sequence[Word]) -> npt.NDArray[np.int64]:
    """Substitutions, deletions and insertions at each reference word by the least edit distance, ``(words,)``.

    Words are compared without case and punctuation. An insertion counts at the word before which it stands, the
    last one's behind it: the sum over the number of words is the word error rate.
    """
    from rapidfuzz.distance import Levenshtein

    count = np.zeros(len(reference), np.int64)
    if not len(reference):
        return count
    names = [[bare(word.text) for word in words] for words in (reference, heard)]
    for change in Levenshtein.editops(*names):
        count[min(change.src_pos, len(count) - 1)] += 1
    return count
