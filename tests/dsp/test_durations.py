from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.dsp import durations

steps = st.lists(st.tuples(st.floats(0, 20), st.integers(0, 1)), min_size=1, max_size=60)


@given(steps, st.floats(0, 1))
def test_each_duration_has_its_least_and_the_sum_is_exact(drawn: list[tuple[float, int]], offset: float) -> None:
    boundaries = offset + np.concatenate([[0.0], np.cumsum([length for length, _ in drawn])])
    least = np.array([at_least for _, at_least in drawn])
    whole = durations.whole(boundaries, least)
    span = np.floor(boundaries[-1] + 0.5) - np.floor(boundaries[0] + 0.5)
    assert (whole >= least).all()
    assert whole.sum() == max(span, least.sum())


@given(st.lists(st.floats(1.0, 20), min_size=1, max_size=200))
def test_boundaries_do_not_drift_where_everything_fits(lengths: list[float]) -> None:
    boundaries = np.concatenate([[0.0], np.cumsum(lengths)])
    whole = durations.whole(boundaries, np.ones(len(lengths), np.int64))
    assert np.abs(np.concatenate([[0], np.cumsum(whole)]) - boundaries).max() <= 0.5 + 1e-9


def test_a_crowded_end_borrows_from_before() -> None:
    assert durations.whole(np.array([0.0, 5.0, 5.0, 5.0]), np.ones(3, np.int64)).tolist() == [3, 1, 1]
