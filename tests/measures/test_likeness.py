from __future__ import annotations

import numpy as np
import pytest

from hyperaudio.measures import likeness


class Direction:
    """Embeds a clip as the direction its first two samples name."""

    def embed(self, speech: np.ndarray) -> np.ndarray:
        return np.asarray(speech[:2] / np.linalg.norm(speech[:2]))


def towards(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0], np.float32)


def test_utterances_that_agree_have_no_spread() -> None:
    found = likeness.spread(Direction(), [towards(30)] * 3)
    assert found is not None and found.deviation == pytest.approx(0.0, abs=1e-6) and found.least == pytest.approx(1.0)


def test_the_one_that_differs_is_the_least_alike() -> None:
    found = likeness.spread(Direction(), [towards(0), towards(5), towards(-5), towards(80)])
    assert found is not None
    assert int(np.argmin(found.each)) == 3 and found.least < 0.7 and found.deviation > 0.1


def test_what_is_silent_or_short_is_not_compared() -> None:
    speech = np.full(2 * 16_000, 0.1, np.float32)
    assert likeness.comparable(speech) and not likeness.comparable(speech[:16_000])
    assert not likeness.comparable(np.zeros_like(speech)) and not likeness.audible(np.zeros(0, np.float32))


def test_one_utterance_has_no_spread() -> None:
    assert likeness.spread(Direction(), [towards(0)]) is None


def test_the_ceiling_is_the_likeness_of_the_halves() -> None:
    assert likeness.ceiling(Direction(), np.concatenate([towards(0), towards(60)])) == pytest.approx(0.5, abs=1e-6)
