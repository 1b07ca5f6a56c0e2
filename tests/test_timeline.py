from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hyperaudio.timeline import Segment, Span, alone, frames, intersect, merge, others, subtract

times = st.floats(0, 100, allow_nan=False).map(lambda t: round(t, 3))
spans = st.lists(st.tuples(times, times).map(lambda p: (min(p), max(p))), max_size=8)
GRID = [k / 20 + 0.0003 for k in range(2000)]  # never on an edge, which is in ms


def inside(time: float, union: list[tuple[float, float]]) -> bool:
    return any(start <= time < end for start, end in union)


@given(spans, spans)
def test_set_algebra_holds_at_every_time(a: list[tuple[float, float]], b: list[tuple[float, float]]) -> None:
    both, less, union = intersect(merge(a), merge(b)), subtract(a, b), merge([*a, *b])
    for time in GRID:
        assert inside(time, both) == (inside(time, a) and inside(time, b))
        assert inside(time, less) == (inside(time, a) and not inside(time, b))
        assert inside(time, union) == (inside(time, a) or inside(time, b))


@given(spans, st.floats(0, 2))
def test_merged_spans_ascend_and_are_further_apart_than_the_gap(a: list[tuple[float, float]], gap: float) -> None:
    merged = merge(a, gap)
    assert all(second[0] - first[1] > gap for first, second in itertools.pairwise(merged))


@given(st.lists(times, min_size=2, max_size=50), st.sampled_from([8000, 22050, 44100, 48000]))
def test_frames_keep_order_and_never_drift(marks: list[float], rate: int) -> None:
    found = [frames(t, rate) for t in sorted(marks)]
    assert found == sorted(found)
    assert all(abs(f - t * rate) <= 0.5 + 1e-6 for f, t in zip(found, sorted(marks), strict=True))


def test_halves_go_up() -> None:
    assert [frames(t, 10) for t in (0.05, 0.15, 0.25)] == [1, 2, 3]


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValidationError, match="before it starts"):
        Span(start=2, end=1)


def test_alone_is_where_nobody_else_talks() -> None:
    segments = [
        Segment(start=0, end=5, speaker="A"),
        Segment(start=4, end=6, speaker="B"),
        Segment(start=8, end=9, speaker="A"),
    ]
    assert alone(segments, "A") == [(0, 4), (8, 9)]
    assert others(segments, "A") == [(4, 6)]
