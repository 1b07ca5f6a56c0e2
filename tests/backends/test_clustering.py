from __future__ import annotations

import numpy as np
import pytest

from hyperaudio.backend import Samples, SpeakerBounds
from hyperaudio.backends import clustering


def voices(*counts: int) -> tuple[Samples, Samples]:
    """Noisy copies of orthogonal voices (cosine within about 0.8), and who each is."""
    draw = np.random.default_rng(0)
    who = np.repeat(np.arange(len(counts)), counts)
    points = np.eye(64)[who] + draw.normal(0, 0.06, (len(who), 64))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), who


def found(counts: tuple[int, ...], bounds: SpeakerBounds, seconds: float = 2.0) -> int:
    points, _ = voices(*counts)
    return len(
        clustering.speakers(points, np.full(len(points), seconds), similarity=0.4, least_speech=1.0, bounds=bounds)
    )


@pytest.mark.parametrize("counts", [(1,), (8,), (8, 1), (9, 4, 6), (5, 5, 5, 5, 5)])
def test_speakers_are_counted(counts: tuple[int, ...]) -> None:
    assert found(counts, SpeakerBounds()) == len(counts)


def test_a_cluster_with_hardly_any_speech_is_no_speaker() -> None:
    assert found((9, 1), SpeakerBounds(), seconds=0.5) == 1


@pytest.mark.parametrize(
    ("bounds", "count"),
    [
        (SpeakerBounds(exactly=1), 1),
        (SpeakerBounds(exactly=2), 2),
        (SpeakerBounds(exactly=5), 5),
        (SpeakerBounds(most=2), 2),
        (SpeakerBounds(least=4), 4),
        (SpeakerBounds(least=2, most=4), 3),
        (SpeakerBounds(exactly=99), 19),
    ],
)
def test_bounds_are_kept(bounds: SpeakerBounds, count: int) -> None:
    assert found((9, 4, 6), bounds) == count


def test_reassign_finds_each_its_voice_from_a_rough_start() -> None:
    points, who = voices(6, 7)
    labels, centroids = clustering.reassign(points, np.ones(13), points[[0, 12]])
    assert (labels == who).all()
    assert np.linalg.norm(centroids, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_posterior_is_sure_of_a_clear_voice_and_of_no_stranger() -> None:
    likely = clustering.posterior(np.array([[0.8, 0.05], [0.5, 0.5], [0.0, 0.0]]))
    assert likely[0, 0] > 0.95
    assert likely[1].max() < 0.5
    assert likely[2].sum() < 0.2
