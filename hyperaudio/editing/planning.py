"""What is to be done anew: a speaker's words as lines, and what stays as it is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hyperaudio.dsp import wordless
from hyperaudio.dsp.wordless import Samples
from hyperaudio.timeline import Segment, Utterance, Word, intersect, merge, others, subtract

Method = Literal["speak", "convert"]
Spans = list[tuple[float, float]]

LEAD, TRAIL = 0.15, 0.25
"""Seconds a line reaches beyond its first and last word, where its neighbours leave room."""
PHRASE_GAP = 0.3
"""Pauses longer than this many seconds inside a line stay the original's, breaths included."""
SHORT = 1.0
"""Seconds of a line below which it is said together with a neighbour: a word alone sounds like another voice."""
NEAR = 2.0
"""Seconds of pause up to which a short line is joined to its neighbour."""
LONGEST = 15.0
"""Seconds that a joined line may have."""
LONGEST_SOUND = 60.0
"""Seconds converted at once: the memory that it takes grows with them, and some talk for ten minutes on end."""
AFTER, BEFORE = 0.1, 0.06
"""Seconds after and before a word that still belong to it: its decay, its onset."""
AROUND = 0.1
"""Seconds around a speaker's segment in which they may still be heard."""
FILLERS = {"en": re.compile(r"u+h+m*|u+m+|e+r+m*|h+m+|m+|m+-?h+m+")}
"""Filled pauses as recognisers write them, by language (ISO 639-1)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the recording to be done anew, in seconds."""

    start: float
    end: float
    phrases: tuple[tuple[float, float], ...]
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    def since(self, offset: float) -> list[Word]:
        """Its words with times counted from ``offset`` seconds."""
        return [
            word.model_copy(update={"start": max(0.0, word.start - offset), "end": max(0.0, word.end - offset)})
            for word in self.words
        ]


def is_filler(word: Word, language: str) -> bool:
    """Whether a word is a filled pause such as "um"; ``False`` for languages without a list."""
    known = FILLERS.get(language)
    return known is not None and known.fullmatch(re.sub(r"[^\w-]", "", word.text.casefold()).strip("-")) is not None


def lines(
    speaker: str,
    utterances: Sequence[Utterance],
    segments: Sequence[Segment],
    language: str,
    fillers: bool,
    length: float,
) -> list[Part]:
    """The stretches to be spoken anew for a speaker, ascending and apart; each word is in one of them.

    Filled pauses part lines unless ``fillers`` are to be spoken too. A short line is joined to a neighbour
    where the pause between them is short and nobody else talks in it.
    """
    own = sorted((u for u in utterances if u.speaker == speaker and u.words), key=lambda u: u.start)
    left = [] if fillers else [w for u in own for w in u.words if is_filler(w, language)]
    walls = merge((w.start, w.end) for w in left)
    groups: list[list[Word]] = []
    for utterance in own:
        for skipped, run in itertools.groupby(utterance.words, key=lambda w: not fillers and is_filler(w, language)):
            if not skipped:
                groups.append(list(run))
    barred = merge([*walls, *others(segments, speaker)])
    groups = _joined(groups, barred)
    phrases = [merge(((w.start, w.end) for w in group), PHRASE_GAP) for group in groups]
    return _placed(phrases, groups, walls, length)


def sounds(speaker: str, utterances: Sequence[Utterance], segments: Sequence[Segment], length: float) -> list[Part]:
    """All that a speaker utters, words or not, as stretches to be converted, ascending and apart."""
    words = sorted(
        (w for u in utterances if u.speaker == speaker for w in u.words), key=lambda w: (w.start + w.end) / 2
    )
    own = [(s.start, s.end) for s in segments if s.speaker == speaker]
    whole = merge([*own, *merge(((w.start, w.end) for w in words), PHRASE_GAP)], PHRASE_GAP)
    covered = [part for span in whole for part in _parted(span, words)]
    held = [[w for w in words if span[0] <= (w.start + w.end) / 2 <= span[1]] for span in covered]
    return _placed([[span] for span in covered], held, [], length)


def _parted(span: tuple[float, float], words: Sequence[Word]) -> Spans:
    """``span`` in parts of at most :data:`LONGEST_SOUND`, parted in the widest gaps between the ascending ``words``."""
    start, end = span
    third = (end - start) / 3
    if 3 * third <= LONGEST_SOUND:
        return [span]
    gaps = [(after.start - before.end, (before.end + after.start) / 2) for before, after in itertools.pairwise(words)]
    middle = [(gap, at) for gap, at in gaps if start + third <= at <= end - third]
    _, cut = max(middle, default=(0.0, (start + end) / 2))
    return [*_parted((start, cut), words), *_parted((cut, end), words)]


def _joined(groups: Sequence[Sequence[Word]], barred: Spans) -> list[list[Word]]:
    """Groups with short ones joined to their neighbours; ``barred`` spans are never joined over."""
    joined: list[list[Word]] = []
    for group in groups:
        if joined and _belong(joined[-1], group, barred):
            joined[-1] += group
        else:
            joined.append(list(group))
    return joined


def _belong(first: Sequence[Word], second: Sequence[Word], barred: Spans) -> bool:
    begin, end, start, stop = first[0].start, _end(first), second[0].start, _end(second)
    if start <= end:
        return True
    short = min(end - begin, stop - start) < SHORT
    return short and start - end <= NEAR and stop - begin <= LONGEST and not intersect([(end, start)], barred)


def _end(words: Iterable[Word]) -> float:
    return max(word.end for word in words)


def _placed(phrases: Sequence[Spans], words: Sequence[Sequence[Word]], walls: Spans, length: float) -> list[Part]:
    """Parts around their phrases with some room, which neighbours share and ``walls`` end."""
    # A transcript corrected by hand may reach beyond the recording.
    full = [
        (within, tuple(word for word in own if word.start < length))
        for group, own in zip(phrases, words, strict=True)
        if (within := intersect(group, [(0.0, length)]))
    ]
    parts = []
    for index, (group, own) in enumerate(full):
        first, last = group[0][0], group[-1][1]
        before = (full[index - 1][0][-1][1] + first) / 2 if index else 0.0
        after = (full[index + 1][0][0][0] + last) / 2 if index + 1 < len(full) else length
        start = max(first - LEAD, before, *(min(b, first) for a, b in walls if a < first), 0.0)
        end = min(last + TRAIL, after, *(max(a, last) for a, b in walls if b > last))
        parts.append(Part(start, max(end, last), tuple(group), own))
    return parts


def pauses(speaker: str, utterances: Sequence[Utterance], segments: Sequence[Segment]) -> Spans:
    """Where a speaker may be heard without words: in their segments and utterances, between the words, where
    nobody else talks; ascending.
    """
    own = [utterance for utterance in utterances if utterance.speaker == speaker]
    theirs = [(max(0.0, s.start - AROUND), s.end + AROUND) for s in segments if s.speaker == speaker]
    theirs += [(u.start, u.end) for u in own]
    spoken = merge(((w.start, w.end) for u in own for w in u.words), PHRASE_GAP)
    return subtract(theirs, [*((a - BEFORE, b + AFTER) for a, b in spoken), *others(segments, speaker)])


def fillers(speaker: str, utterances: Sequence[Utterance], language: str) -> list[Word]:
    """The filled pauses of a speaker, ascending."""
    own = [word for u in utterances if u.speaker == speaker for word in u.words if is_filler(word, language)]
    return sorted(own, key=lambda word: word.start)


def unspoken(
    speaker: str,
    utterances: Sequence[Utterance],
    segments: Sequence[Segment],
    speech: Samples,
    language: str,
    spoken_fillers: bool,
) -> list[tuple[float, float, str]]:
    """What a synthesizer leaves as it was because it is no word: start, end, and what it is as far as measured.

    Sounds in ``speech`` ``(frames,)`` at 16 kHz, and filled pauses unless they are spoken too.
    """
    found = [(s.start, s.end, s.description) for s in wordless.find(speech, pauses(speaker, utterances, segments))]
    if not spoken_fillers:
        left = fillers(speaker, utterances, language)
        found += [(word.start, word.end, f"a filled pause: {word.text}") for word in left]
    return sorted(found)
