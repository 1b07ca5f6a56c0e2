from __future__ import annotations

import pytest

from hyperaudio.measures.figures import WORST, judged, labels, place, quality, unmeasured


def test_a_figure_passes_at_its_threshold_and_is_not_judged_when_it_was_not_measured() -> None:
    assert judged("x", 0.5, "LU", "<=", 0.5).passed is True
    assert judged("x", 0.51, "LU", "<=", 0.5).passed is False
    assert judged("x", -0.1, "", ">=", 0.0).passed is False
    assert judged("x", None, "ms", "<=", 1).passed is None
    assert unmeasured("x", "no stems").note == "no stems"


@pytest.mark.parametrize(
    ("value", "relation", "threshold", "excess"),
    [
        (80.0, "<=", 80.0, 1.0),
        (120.0, "<=", 80.0, 1.5),
        (-20.0, "<=", -30.0, 1 + 1 / 3),
        (0.25, "<=", 0.0, 1.25),
        (0.25, ">=", 0.5, 1.5),
        (0.75, ">=", 0.5, 0.5),
    ],
)
def test_an_excess_of_1_is_on_the_threshold(value: float, relation: str, threshold: float, excess: float) -> None:
    found = place(1.0, 2.0, "x", value, "", relation, threshold)  # type: ignore[arg-type]
    assert found.excess == pytest.approx(excess, abs=1e-4)


def test_a_difference_of_one_bit_is_not_rounded_away() -> None:
    assert judged("x", 2.0**-23, "FS", "<=", 0.0).value == pytest.approx(2.0**-23, rel=0.05)
    assert place(1.0, 2.0, "x", 2.0**-15, "FS", "<=", 0.0).value == pytest.approx(2.0**-15, rel=0.05)
    assert judged("x", 1 / 3, "", "<=", 1.0).value == 0.3333


def test_the_worst_places_come_first_and_no_more_than_twenty() -> None:
    places = [place(float(i), float(i) + 1, "x", float(i % 7), "dB", "<=", 2.0) for i in range(30)]
    result = quality([judged("x", 1.0, "", "<=", 0.0), *places, judged("y", 0.0, "", "<=", 0.0)])
    assert not result.passed and [figure.name for figure in result.figures] == ["x", "y"]
    assert len(result.places) == WORST
    assert [p.excess for p in result.places] == sorted((p.excess for p in places), reverse=True)[:WORST]
    assert quality([judged("x", 0.0, "", "<=", 0.0), unmeasured("y", "why")]).passed


def test_labels_are_an_audacity_file_by_time() -> None:
    found = quality(
        [place(3.0, 4.5, "late", 90.0, "ms", "<=", 80.0), place(1.25, 1.25, "click", 3.0, "x", "<=", 2.0, "!")]
    )
    assert labels(found) == "1.250\t1.250\tclick: 3 x (!)\n3.000\t4.500\tlate: 90 ms\n"
