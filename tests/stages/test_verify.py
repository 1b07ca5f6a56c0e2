from __future__ import annotations

import numpy as np

from hyperaudio.measures.figures import judged
from hyperaudio.stages.reconstruct import Edit
from hyperaudio.stages.verify import outside


def edit(start: int, end: int) -> Edit:
    return Edit(
        take=1, speaker="A", method="speak", start=0, end=0, start_frame=start, end_frame=end, fade_in=0, fade_out=0,
        gain_db=0, peak_reduction_db=0, pan=(1.0,), text="",
    )  # fmt: skip


def test_outside_is_every_frame_of_no_edit_in_any_block() -> None:
    edits = [edit(3, 5), edit(8, 12)]
    whole = outside(edits, 0, 15)
    assert list(np.flatnonzero(~whole)) == [3, 4, 8, 9, 10, 11]
    assert np.array_equal(np.concatenate([outside(edits, 0, 4), outside(edits, 4, 15)]), whole)


def test_a_figure_passes_at_its_threshold_and_is_not_judged_when_it_was_not_measured() -> None:
    assert judged("x", 0.5, "LU", "<=", 0.5).passed is True
    assert judged("x", 0.51, "LU", "<=", 0.5).passed is False
    assert judged("x", -0.1, "", ">=", 0.0).passed is False
    assert judged("x", None, "ms", "<=", 1).passed is None
