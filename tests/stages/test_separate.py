from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.stages.preprocess import Programme
from hyperaudio.stages.separate import _alone, _estimates, _pieces, music_regions
from hyperaudio.timeline import merge

RATE = 1000


def programme(frames: int) -> Programme:
    return Programme(
        rate=RATE, channels=1, frames=frames, container="WAV", codec="PCM_16", bit_rate=None, tags={},
        integrated_lufs=-20.0, range_lu=1.0, true_peak_dbtp=-1.0, analysis_gain_db=0.0,
    )  # fmt: skip


spans = st.lists(st.tuples(st.floats(0, 200), st.floats(0, 200)).map(lambda p: (min(p), max(p))), max_size=5)


@given(st.integers(1, 200_000), spans)
def test_pieces_cover_every_frame_once_and_are_short(frames: int, regions: list[tuple[float, float]]) -> None:
    seconds = frames / RATE
    inside = [(a, min(b, seconds)) for a, b in merge(regions) if a < seconds]
    pieces = list(_pieces(inside, programme(frames)))
    assert pieces[0][0] == 0 and pieces[-1][1] == frames
    assert all(a[1] == b[0] for a, b in itertools.pairwise(pieces))
    assert all(0 < stop - start <= 30 * RATE + 1 for start, stop, _ in pieces)
    wanted = sum(stop - start for start, stop, separate in pieces if separate)
    assert abs(wanted - sum(b - a for a, b in inside) * RATE) <= len(inside) + 1


def test_music_found_here_and_there_is_reckoned_with_in_between() -> None:
    assert music_regions([(0, 6), (14, 20), (100, 104)], 120) == [(0, 25), (95, 109)]


def test_a_voice_is_alone_where_nothing_is_left_for_some_seconds() -> None:
    levels = [(0.1, 0.0001)] * 10 + [(0.1, 0.01)] + [(0.1, 0.0001)] * 10
    alone = _alone(levels, -30.0)
    assert list(np.flatnonzero(~alone)) == list(range(7, 14))


class Half:
    """A separator whose estimate is known: half of the mix."""

    rate = RATE

    def vocals(self, mix: np.ndarray) -> np.ndarray:
        return mix / 2


def test_joined_estimates_have_no_seam(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from hyperaudio import audio

    mix = np.random.default_rng(0).normal(size=(1, 95 * RATE)).astype(np.float32) * 0.1
    audio.write(tmp_path / "mix.wav", mix, RATE)
    pieces = list(_pieces([(0.0, 95.0)], programme(95 * RATE)))
    assert len(pieces) == 4
    blocks = _estimates(Half(), tmp_path / "mix.wav", programme(95 * RATE), pieces, lambda done: None)
    assert np.allclose(np.concatenate(list(blocks), axis=1), mix / 2, atol=1e-6)
