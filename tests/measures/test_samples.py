from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.measures.samples import changed, difference, outside


def test_outside_is_every_frame_of_no_edit_in_any_block() -> None:
    spans = [(3, 5), (8, 12)]
    whole = outside(spans, 0, 15)
    assert list(np.flatnonzero(~whole)) == [3, 4, 8, 9, 10, 11]
    assert np.array_equal(np.concatenate([outside(spans, 0, 4), outside(spans, 4, 15)]), whole)


def test_the_difference_is_the_largest_of_the_channels() -> None:
    first, second = np.zeros((2, 3), np.float32), np.array([[0, 0.5, 0], [0, -0.75, 0.25]], np.float32)
    assert difference(first, second).tolist() == [0.0, 0.75, 0.25]


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 9), st.integers(0, 5))
def test_differing_stretches_hold_every_difference_whatever_the_blocks(mask: list[bool], block: int, gap: int) -> None:
    original = np.zeros((1, len(mask)), np.float32)
    result = original + np.array(mask, np.float32)
    pairs = [(original[:, i : i + block], result[:, i : i + block]) for i in range(0, len(mask), block)]
    found = changed(pairs, gap)
    inside = np.zeros(len(mask), bool)
    for start, stop in found:
        assert mask[start] and mask[stop - 1]
        inside[start:stop] = True
    assert not np.any(np.array(mask) & ~inside)
    assert all(b[0] - a[1] > gap for a, b in itertools.pairwise(found))
