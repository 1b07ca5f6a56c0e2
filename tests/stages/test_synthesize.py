from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.stages.synthesize import plan, unspoken
from hyperaudio.stages.transcribe import utterances
from hyperaudio.timeline import Segment, Word

gaps = st.lists(st.tuples(st.floats(0, 3), st.floats(0.05, 0.8), st.sampled_from("AB")), min_size=1, max_size=40)


@given(gaps, st.sampled_from(["speak", "convert"]))
def test_parts_ascend_hold_their_phrases_and_never_meet(made: list[tuple[float, float, str]], method: str) -> None:
    words, clock = [], 0.0
    for gap, length, speaker in made:
        words.append(Word(start=clock + gap, end=clock + gap + length, text="w", speaker=speaker))
        clock += gap + length
    segments = [Segment(start=w.start, end=w.end, speaker=w.speaker or "") for w in words]
    parts = plan(method, "A", utterances(words, 0.7, 10.0), segments, clock + 1)  # type: ignore[arg-type]
    spoken = [w for w in words if w.speaker == "A"]
    assert [w for part in parts for w in part.words] == spoken
    for part in parts:
        assert 0 <= part.start <= part.phrases[0][0]
        assert part.phrases[-1][1] <= part.end <= clock + 1 + 1e-9
    assert all(a.end <= b.start + 1e-9 for a, b in itertools.pairwise(parts))


def test_a_laugh_is_kept_by_speak_and_done_by_convert() -> None:
    words = [Word(start=1, end=2, text="yes", speaker="A")]
    segments = [Segment(start=1, end=2, speaker="A"), Segment(start=4, end=5, speaker="A")]
    said = utterances(words, 0.7, 10.0)
    parts = plan("speak", "A", said, segments, 10)
    assert [(k.start, k.end) for k in unspoken("speak", "A", parts, segments)] == [(4, 5)]
    assert [part.phrases for part in plan("convert", "A", said, segments, 10)] == [((1, 2),), ((4, 5),)]
