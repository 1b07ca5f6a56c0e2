"""A pair made of two files of whatever origin, with a truth where there is one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from hyperaudio import audio
from hyperaudio.backend import Samples
from hyperaudio.errors import InputError
from hyperaudio.measures.pair import Format, Pair, Stretch
from hyperaudio.measures.samples import changed
from hyperaudio.timeline import Label, Segment, Span, Word, frames, intersect, merge

GAP = 0.1
"""Seconds apart up to which differences belong to one edit."""
REACH = 0.5
"""Seconds that an edit may reach beyond the turn it replaces: recognised turns end before their sound does."""
LEAST = 0.05
"""Seconds that an edit lasts at least where it is not known who talks when: less is a click."""
RENDERED = 0.9
"""Share of differing samples from which on everything was made anew and the samples do not show the edits."""
SOMEBODY = "somebody"
"""What a target is called who has no name."""
STEMS = (".flac", ".wav")


class TruthSegment(Span):
    """A turn: words as ``[text, start, end]``, times in seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    speaker: Label
    words: tuple[tuple[str, float, float], ...] = ()


class Truth(BaseModel):
    """``truth.json``: who talks when and says what; more may stand in it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    segments: tuple[TruthSegment, ...]

    @property
    def speakers(self) -> list[str]:
        return list(dict.fromkeys(segment.speaker for segment in self.segments))

    def turns(self) -> tuple[Segment, ...]:
        return tuple(Segment(start=s.start, end=s.end, speaker=s.speaker) for s in self.segments)

    def words(self) -> tuple[Word, ...]:
        """All words, ascending."""
        found = [
            Word(text=text, start=start, end=end, speaker=segment.speaker)
            for segment in self.segments
            for text, start, end in segment.words
        ]
        return tuple(sorted(found, key=lambda word: (word.start, word.end)))


def read_truth(path: Path) -> Truth:
    """A truth from its file.

    Raises:
        InputError: it is missing, no JSON, does not fit, or nobody speaks in it.
    """
    try:
        truth = Truth.model_validate_json(path.read_bytes())
        truth.words()
    except OSError as error:
        raise InputError(f"cannot read the truth {path}: {error.strerror}", "check --truth") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{path} does not fit{f': {where}' if where else ''}: {first['msg'].removeprefix('Value error, ')}",
            'it is to hold {"segments": [{"speaker", "start", "end", "words": [[text, start, end]]}]}',
        ) from error
    if not truth.segments:
        raise InputError(f"nobody speaks in {path}", "give it at least one segment")
    return truth


@contextmanager
def opened(
    original: Path, result: Path, truth: Path | None = None, speaker: str | None = None, voice: Path | None = None
) -> Iterator[Pair]:
    """Two files as a pair; what must be converted to be compared lies in a folder that goes away afterwards.

    Args:
        original, result: in any format; a result of another rate, length or number of channels is brought to
            the original's, and the pair knows what it was.
        truth: a ``truth.json``; tracks ``stem_NAME.flac`` or ``.wav`` beside it are each speaker's own.
        speaker: who was replaced, as the truth calls them; by default whose turns changed most.
        voice: a clip of the voice that was put in.

    Raises:
        InputError: a file cannot be used, there is no such speaker, or the files are the same.
    """
    known = read_truth(truth) if truth else None
    if known and speaker is not None and speaker not in known.speakers:
        raise InputError(f"there is no speaker {speaker} in {truth}", f"there are {', '.join(known.speakers)}")
    for path in (original, result, *([voice] if voice else [])):
        audio.probe(path)
    with tempfile.TemporaryDirectory(prefix="hyperaudio-") as name:
        folder = Path(name)
        first, was = _plain(original, folder / "original.wav")
        second, now = comparable(result, was, folder)
        stems = _stems(truth, known.speakers, was, folder) if truth and known else {}
        both = zip(audio.blocks(first), audio.blocks(second), strict=True)
        edits, source = find_edits(changed(both, frames(GAP, was.rate)), was, known, speaker)
        if not edits:
            raise InputError(
                f"{result} has the samples of {original} wherever an edit could be: nothing was replaced",
                "name the edited file second" + (", or another --speaker" if known else ""),
            )
        whole = known is not None and set(stems) == set(known.speakers)
        yield Pair(
            original=first,
            result=second,
            voices=_sum(stems.values(), folder / "voices.wav", was) if whole else None,
            was=was,
            now=now,
            edits=edits,
            edits_from=source,
            words=known.words() if known else (),
            turns=known.turns() if known else (),
            references={edits[0].speaker: voice} if voice else {},
            stems=stems,
        )


def find_edits(
    differing: Sequence[tuple[int, int]], was: Format, truth: Truth | None, speaker: str | None
) -> tuple[tuple[Stretch, ...], str]:
    """The edits, told from where the samples differ (frames, ascending) and who talks when; and how they were told."""
    rate = was.rate
    everything = sum(b - a for a, b in differing) > RENDERED * was.frames
    if truth is None:
        name = speaker or SOMEBODY
        if everything:
            return (Stretch(0, was.frames, name),), "nearly all samples differ, so the edits are not known"
        long = tuple(Stretch(a, b, name) for a, b in differing if b - a >= LEAST * rate)
        return long, f"edits are where samples differ for {LEAST:g} s or more"
    spans = [(a / rate, b / rate) for a, b in differing]
    reached = {who: _reached(truth, who, 0.0 if everything else REACH) for who in truth.speakers}
    hit = {who: sum(b - a for a, b in intersect(spans, turns)) for who, turns in reached.items()}
    name = speaker or max(hit, key=lambda who: hit[who] / max(sum(b - a for a, b in reached[who]), 1e-9))
    found = reached[name] if everything else intersect(spans, reached[name])
    edits = tuple(Stretch(frames(a, rate), min(frames(b, rate), was.frames), name) for a, b in found)
    how = f"{name}'s turns, as nearly all samples differ" if everything else f"where samples differ near {name}'s turns"
    return tuple(edit for edit in edits if edit.stop > edit.start), f"edits are {how}"


def _reached(truth: Truth, speaker: str, reach: float) -> list[tuple[float, float]]:
    return merge((max(0.0, s.start - reach), s.end + reach) for s in truth.segments if s.speaker == speaker)


def _plain(path: Path, scratch: Path) -> tuple[Path, Format]:
    """A file that can be read from any frame on: itself, or decoded into ``scratch``; and what it is."""
    info = audio.probe(path)
    if not info.codec.startswith("PCM_") and info.codec not in {"FLOAT", "DOUBLE"}:
        info, path = audio.decode(path, scratch), scratch
    return path, Format(info.rate, info.channels, info.frames)


def comparable(result: Path, was: Format, folder: Path) -> tuple[Path, Format]:
    """A result in its original's shape, written into ``folder`` where it is not already; and what it is."""
    path, now = _plain(result, folder / "result.wav")
    return (path if now == was else shaped(path, now.rate, was, folder / "shaped.wav")), now


def shaped(path: Path, rate: int, like: Format, target: Path) -> Path:
    """A file with the rate, channels and length of another, written to ``target``.

    The mean of the channels goes to each where their number differs; silence fills up what is missing.
    """
    left = like.frames
    with audio.Writer(target, like.rate, like.channels) as writer:
        for block in audio.resample(audio.blocks(path), rate, like.rate):
            part = block[:, :left]
            if len(part) != like.channels:
                part = np.repeat(part.mean(axis=0, keepdims=True, dtype=np.float32), like.channels, axis=0)
            writer.write(np.ascontiguousarray(part))
            left -= part.shape[1]
        while left > 0:
            silence = np.zeros((like.channels, min(left, audio.BLOCK)), np.float32)
            writer.write(silence)
            left -= silence.shape[1]
    return target


def _stems(truth: Path, speakers: Iterable[str], was: Format, folder: Path) -> dict[str, Path]:
    found = {}
    for number, speaker in enumerate(speakers):
        path = next((p for s in STEMS if (p := truth.with_name(f"stem_{speaker}{s}")).is_file()), None)
        if path is not None:
            plain, own = _plain(path, folder / f"stem{number}.wav")
            found[speaker] = plain if own == was else shaped(plain, own.rate, was, folder / f"stem{number}-shaped.wav")
    return found


def _sum(paths: Iterable[Path], target: Path, was: Format) -> Path:
    """The sum of files of one shape, written to ``target``."""
    with audio.Writer(target, was.rate, was.channels) as writer:
        for parts in zip(*(audio.blocks(path) for path in paths), strict=True):
            total: Samples = np.sum(parts, axis=0, dtype=np.float32)
            writer.write(total)
    return target
