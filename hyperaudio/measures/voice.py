"""Figures of the voice as models hear it: timing, whose it is, and what is understood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hyperaudio import audio
from hyperaudio.backend import SPEECH_RATE, Embedder, Samples, Transcriber
from hyperaudio.dsp import onsets
from hyperaudio.dsp.matching import bare
from hyperaudio.events import Progress
from hyperaudio.measures import likeness, recognition, timing
from hyperaudio.measures.figures import Found, counted, judged, place, unmeasured
from hyperaudio.measures.likeness import LEAST
from hyperaudio.measures.limits import Limits
from hyperaudio.measures.pair import Pair, within
from hyperaudio.measures.samples import outside
from hyperaudio.timeline import Word, frames, merge

SAMPLE = 60.0
"""Seconds of each voice that are compared."""
MOST_UTTERANCES = 200
"""Utterances, evenly spread, whose likeness to their mean is looked at."""
CHANCE = 2.0
"""Standard errors of the mean by which the word error rate may be off: one word of fifteen says little."""
STRANGE = 0.5
"""Likeness to the mean of its own voice under which an utterance sounds like somebody else."""
MEDIAN, HIGH = "word start deviation, median", "word start deviation, 95th percentile"
ENDS = "utterance end deviation, median"
NEARER, LIKENESS = "nearer to the reference than to the old voice", "likeness to the reference, of its own"
ERRORS = "word errors more than in the original"


def moved(pair: Pair, limits: Limits, old: Samples, new: Samples) -> Iterator[Found]:
    """Word starts, utterance ends, lag and drift of ``new`` against ``old``, both ``(frames,)`` at 16 kHz."""
    for speaker in pair.targets:
        words = pair.edited(speaker)
        rows = timing.compare(old, new, words) if words else []
        if not rows:
            why = f"none of {len(words)} words could be found again" if words else "no edited words are known"
            yield from (unmeasured(name, why, speaker) for name in (MEDIAN, HIGH, ENDS, "drift"))
            continue
        late = np.array([1000 * row.start for row in rows])
        note = f"{len(rows)} of {len(words)} edited words; typically {_signed(float(np.median(late)))}"
        for name, percentile, limit in ((MEDIAN, 50, limits.onset_median_ms), (HIGH, 95, limits.onset_p95_ms)):
            yield judged(name, float(np.percentile(np.abs(late), percentile)), "ms", "<=", limit, note, speaker)
        for row, value in zip(rows, late, strict=True):
            said = f"'{row.word.text}' {_signed(float(value))}"
            time = row.word.start, row.word.end
            yield place(*time, "word start", abs(float(value)), "ms", "<=", limits.onset_p95_ms, said)
        yield from _ends(rows, pair.utterances(speaker), limits, speaker)
        length = rows[-1].word.start - rows[0].word.start
        slope = timing.drift(rows)
        if slope is None:
            yield unmeasured("drift", "the edited words are too few, or span less than a minute", speaker)
        else:
            note = f"{slope:+.0f} ms an hour, over the {length:.0f} s that are edited"
            yield judged("drift", abs(slope) * length / 3600, "ms", "<=", limits.drift_ms, note, speaker)
    yield _lag(pair, limits, old, new)


def _ends(
    rows: Sequence[timing.Moved], utterances: Sequence[tuple[float, float]], limits: Limits, speaker: str
) -> Iterator[Found]:
    last: list[timing.Moved] = []
    for start, end in utterances:
        here = [row for row in rows if start <= row.word.start < end]
        if here and here[-1].word.end >= end - 0.001:
            last.append(here[-1])
    if not last:
        yield unmeasured(ENDS, "no utterance's last word could be found again", speaker)
        return
    middle = float(np.median([abs(1000 * row.end) for row in last]))
    yield judged(ENDS, middle, "ms", "<=", limits.end_median_ms, counted(len(last), "utterance"), speaker)
    for row in last:
        value = 1000 * row.end
        said = f"'{row.word.text}' {_signed(value)}"
        yield place(row.word.end, row.word.end, "utterance end", abs(value), "ms", "<=", limits.onset_p95_ms, said)


def _lag(pair: Pair, limits: Limits, old: Samples, new: Samples) -> Found:
    name = "lag by cross-correlation"
    if not pair.edits:
        return unmeasured(name, "there is no edit")
    reach = [(frames(a, SPEECH_RATE), frames(b, SPEECH_RATE)) for a, b in pair.seconds]
    muted = outside(reach, 0, len(old))
    value = timing.lag(np.where(muted, np.float32(0), old), np.where(muted, np.float32(0), new))
    note = f"{_signed(value)}; by the energy where the voices differ"
    return judged(name, abs(value), "ms", "<=", limits.lag_ms, note)


def _signed(value: float) -> str:
    """Milliseconds with the direction in words."""
    return f"{abs(value):.0f} ms {'late' if value > 0 else 'early'}" if round(value) else "neither early nor late"


def alike(pair: Pair, limits: Limits, embedder: Embedder, judge: str, old: Samples, new: Samples) -> Iterator[Found]:
    """Likeness to the reference and the old voice, and the spread over the utterances."""
    for speaker in pair.targets:
        mine = [span for span, edit in zip(pair.seconds, pair.edits, strict=True) if edit.speaker == speaker]
        sample, before_it = (np.concatenate(within(voice, mine))[: frames(SAMPLE, SPEECH_RATE)] for voice in (new, old))
        if len(sample) < LEAST * SPEECH_RATE:
            yield from unlike(f"less than {LEAST:g} s were edited", speaker)
            continue
        if not (likeness.comparable(sample) and likeness.comparable(before_it)):
            yield from unlike("the edits are silent in one of the files", speaker)
            continue
        said, was = embedder.embed(sample), embedder.embed(before_it)
        to_old = round(float(said @ was), 4)
        clip = pair.references.get(speaker)
        reference = likeness.spoken(audio.read_mono(clip, SPEECH_RATE)) if clip else None
        if reference is None:
            yield from unlike("the voice put in is not known; name its clip with --voice", speaker)
        elif len(reference) < 2 * LEAST * SPEECH_RATE:
            yield from unlike(f"the clip of the voice put in has less than {2 * LEAST:g} s of speech", speaker)
        elif not all(likeness.audible(half) for half in np.array_split(reference, 2)):
            yield from unlike("the clip of the voice put in is silent, or half of it is", speaker)
        else:
            wanted = embedder.embed(reference)
            own = likeness.ceiling(embedder, reference)
            to_new, before = float(said @ wanted), float(was @ wanted)
            note = f"before {before:.2f}, to the old voice {to_old:.2f}; judge {judge}"
            margin = to_new - to_old
            yield judged(NEARER, margin, "", ">=", limits.likeness_margin, note, speaker)
            note = f"{to_new:.2f} of {own:.2f}, which the reference's halves have to each other"
            share = to_new / max(own, 0.01)
            yield judged(LIKENESS, share, "", ">=", limits.likeness_share, note, speaker)
        yield from _spread(pair, limits, embedder, speaker, old, new)


def unlike(why: str, speaker: str | None) -> Iterator[Found]:
    """Likeness that could not be measured."""
    yield from (unmeasured(name, why, speaker) for name in (NEARER, LIKENESS))


def _spread(
    pair: Pair, limits: Limits, embedder: Embedder, speaker: str, old: Samples, new: Samples
) -> Iterator[Found]:
    name = "spread of likeness over the utterances"
    long = [(a, b) for a, b in pair.utterances(speaker) if b - a >= LEAST]
    long = long[:: max(1, -(-len(long) // MOST_UTTERANCES))]
    long = [span for span in long if all(likeness.comparable(within(v, [span])[0]) for v in (new, old))]
    now, was = (likeness.spread(embedder, within(voice, long)) for voice in (new, old))
    if now is None or was is None:
        yield unmeasured(name, f"fewer than two utterances of {LEAST:g} s", speaker)
        return
    note = f"least {now.least:.2f}; the old voice {was.deviation:.3f}, least {was.least:.2f}; {len(long)} utterances"
    # A speaker's own voice strays too: the new one need not be steadier than that.
    yield judged(name, now.deviation, "", "<=", max(limits.spread, was.deviation), note, speaker)
    for (start, end), value in zip(long, now.each, strict=True):
        yield place(start, end, "likeness to its own mean", float(value), "", ">=", STRANGE)


def heard(transcriber: Transcriber, language: str | None, voice: Samples, tell: Progress) -> tuple[Word, ...]:
    """Words of a voice ``(frames,)`` at 16 kHz, their starts moved to where the sound begins."""
    words = transcriber.transcribe(voice, language, tell).words
    return tuple(onsets.snap(sorted(words, key=lambda word: word.start), voice, SPEECH_RATE))


def understood(
    pair: Pair,
    limits: Limits,
    transcriber: Transcriber,
    language: str | None,
    old: Samples,
    new: Samples,
    tell: Progress,
) -> Iterator[Found]:
    """Word errors of the result less those of the original, over the edited words, by one recogniser."""
    words = sorted((word for word in pair.words if bare(word.text)), key=lambda word: word.start)
    now_heard = transcriber.transcribe(new, language, lambda done: tell(done * (1.0 if pair.known else 0.5)))
    after = recognition.errors(words, sorted(now_heard.words, key=lambda word: word.start))
    before = np.zeros_like(after)
    if not pair.known:
        again = transcriber.transcribe(old, language, lambda done: tell(0.5 + 0.5 * done))
        before = recognition.errors(words, sorted(again.words, key=lambda word: word.start))
    for speaker in pair.targets:
        own = {id(word) for word in pair.edited(speaker)}
        mine = np.array([id(word) in own for word in words], bool)
        if not mine.any():
            yield unmeasured(ERRORS, "no edited words are known", speaker)
            continue
        count = int(mine.sum())
        now, was = int(after[mine].sum()) / count, int(before[mine].sum()) / count
        told = "the recogniser's own transcript is the truth" if pair.known else "the text given is the truth"
        chance = CHANCE * float(np.std((after - before)[mine])) / count**0.5
        note = f"{was:.1%} -> {now:.1%} of {count} words, of which {chance:.1%} may be chance; {told}"
        yield judged(ERRORS, now - was, "", "<=", limits.wer_increase + chance, note, speaker)
        worse = [word for word, more in zip(words, after - before, strict=True) if id(word) in own and more > 0]
        for start, end in merge([(word.start, word.end) for word in worse], 0.3):
            said = [word for word in worse if start <= word.start and word.end <= end]
            text = " ".join(word.text for word in said)
            yield place(start, end, "heard otherwise", len(said), "word" + "s" * (len(said) > 1), "<=", 1.0, text)


def replaced(pair: Pair, limits: Limits) -> Iterator[Found]:
    """How much of the target's speech lies within edits."""
    for speaker in pair.targets:
        name = "share of the target's words replaced"
        own = [word for word in pair.words if word.speaker == speaker]
        if not own:
            yield unmeasured(name, "it is not known which words the target says", speaker)
            continue
        mine = {id(word) for word in pair.edited(speaker)}
        total = sum(word.duration for word in own)
        done = sum(word.duration for word in own if id(word) in mine)
        note = f"{done:.1f} of {total:.1f} s"
        yield judged(name, done / max(total, 1e-9), "", ">=", limits.replaced, note, speaker)
        left = merge([(word.start, word.end) for word in own if id(word) not in mine], 0.3)
        for start, end in left:
            yield place(start, end, "not replaced", end - start, "s", "<=", 1.0)
