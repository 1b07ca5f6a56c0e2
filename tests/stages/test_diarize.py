from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from hyperaudio.stages.diarize import Settings, relabelled, rttm, sample
from hyperaudio.timeline import Segment


def test_labels_follow_first_appearance() -> None:
    found = relabelled(
        [
            Segment(start=5, end=6, speaker="x", confidence=0.5),
            Segment(start=1, end=3, speaker="y"),
            Segment(start=2, end=4, speaker="x"),
        ]
    )
    assert [(s.start, s.speaker) for s in found] == [(1, "SPEAKER_00"), (2, "SPEAKER_01"), (5, "SPEAKER_01")]


def test_rttm_is_what_scoring_tools_read() -> None:
    line = rttm([Segment(start=1.5, end=2.25, speaker="SPEAKER_00", confidence=0.9)], "x")
    assert line == "SPEAKER x 1 1.500 0.750 <NA> <NA> SPEAKER_00 0.900 <NA>\n"


def test_a_sample_is_taken_where_nobody_else_talks() -> None:
    speech = np.arange(16_000 * 4, dtype=np.float32)
    segments = [Segment(start=0, end=2, speaker="A"), Segment(start=1, end=4, speaker="B")]
    assert np.array_equal(sample(speech, segments, "A"), speech[:16_000])
    assert len(sample(speech, segments, "B", seconds=0.5)) == 8_000


def test_bounds_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="does not hold"):
        Settings(num_speakers=3, max_speakers=2)
