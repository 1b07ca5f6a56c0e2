"""Transcripts as text for people and players: plain, SRT, WebVTT."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from hyperaudio.timeline import Utterance, Word

LONGEST = 84
"""Characters of one cue: two lines of 42, as subtitle guides have it."""


def plain(utterances: Iterable[Utterance]) -> str:
    """A line per utterance: time, speaker, text."""
    return "".join(f"[{_clock(u.start, '.')}] {u.speaker}: {u.text}\n" for u in utterances)


def srt(utterances: Iterable[Utterance]) -> str:
    """SubRip."""
    return "".join(
        f"{number}\n{_clock(words[0].start, ',')} --> {_clock(words[-1].end, ',')}\n[{speaker}] {_text(words)}\n\n"
        for number, (speaker, words) in enumerate(_cues(utterances), 1)
    )


def vtt(utterances: Iterable[Utterance]) -> str:
    """WebVTT with voice spans."""
    return "WEBVTT\n\n" + "".join(
        f"{_clock(words[0].start, '.')} --> {_clock(words[-1].end, '.')}\n"
        f"<v {speaker}>{escape(_text(words), False)}\n\n"
        for speaker, words in _cues(utterances)
    )


def _cues(utterances: Iterable[Utterance]) -> Iterator[tuple[str, list[Word]]]:
    for utterance in utterances:
        cue: list[Word] = []
        for word in utterance.words:
            if cue and len(_text([*cue, word])) > LONGEST:
                yield utterance.speaker, cue
                cue = []
            cue.append(word)
        if cue:
            yield utterance.speaker, cue


def _text(words: Iterable[Word]) -> str:
    return " ".join(word.text for word in words)


def _clock(seconds: float, mark: str) -> str:
    total = round(seconds * 1000)
    return f"{total // 3_600_000:02d}:{total // 60_000 % 60:02d}:{total // 1000 % 60:02d}{mark}{total % 1000:03d}"
