from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.backends.speak import _layout, _timing
from hyperaudio.backends.speak._graph import RATE, UNIT
from hyperaudio.dsp import alignment

WORDS = [-1, 0, 0, -1, 1, 1, -1]
"""Two words of two phones with a gap before, between and after."""


def vowel(pitch: float, formant: float, seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * alignment.FEATURE_RATE)) / alignment.FEATURE_RATE
    partials = np.arange(1, 40) * pitch
    weights = np.exp(-(((partials - formant) / 300) ** 2))
    return 0.1 * (weights[:, None] * np.sin(2 * np.pi * partials[:, None] * time)).sum(axis=0)


def hush(seconds: float, level: float = 1e-4) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(round(seconds * alignment.FEATURE_RATE)) * level


def spoken(before: float, pause: float) -> np.ndarray:
    """Two words; the first ends in a closure of 60 ms."""
    first = np.concatenate([vowel(120, 500, 0.2), vowel(120, 900, 0.2), hush(0.06)])
    second = np.concatenate([vowel(120, 1800, 0.2), vowel(120, 2600, 0.2)])
    return np.concatenate([hush(before), first, hush(pause), second, hush(0.2)])


GUIDE = spoken(0.1, 0.03)
EDGES = np.array([0, 0.1, 0.3, 0.56, 0.59, 0.79, 0.99, 1.19])


def test_a_pause_is_no_long_closure() -> None:
    target = spoken(0.2, 0.6)
    timing = _timing.align(target, GUIDE, EDGES, WORDS, [(0.2, 0.9), (1.0, 1.7)])
    assert timing.edges[[1, 2, 4, 5, 6]] == pytest.approx([0.2, 0.4, 1.26, 1.46, 1.66], abs=0.03)
    assert 0.6 <= timing.edges[3] <= 0.71
    assert [(gap.first, gap.last) for gap in timing.gaps] == [(0, 1), (3, 4), (6, 7)]
    assert timing.gaps[1].end - timing.gaps[1].start == pytest.approx(0.6, abs=0.08)


def test_tokens_end_where_the_model_falls_silent() -> None:
    durations = np.array([4, 2, 8, 2, 2, 3, 2])
    energy = np.full(2 * durations.sum(), 5.0)
    energy[:7] = energy[18:30] = energy[44:] = -9.0
    edges = _timing.sounding(durations, energy, WORDS)
    assert edges.tolist() == [0, 3.5, 6, 9, 15, 18, 22, 23]


def test_a_closure_inside_a_word_is_not_its_end() -> None:
    durations = np.array([4, 2, 8, 2, 2, 3, 2])
    energy = np.full(2 * durations.sum(), 5.0)
    energy[14:20] = -9.0
    assert _timing.sounding(durations, energy, WORDS).tolist() == [0, 4, 6, 14, 16, 18, 21, 23]


gaps = st.floats(0.0, 0.6)
phones = st.lists(st.floats(0.05, 0.4), min_size=4, max_size=4)


@given(phones, gaps, st.lists(st.integers(2, 12), min_size=7, max_size=7), st.integers(0, 6))
def test_phrases_sound_as_long_as_the_original_and_pauses_have_room(
    lengths: list[float], pause: float, own: list[int], late: int
) -> None:
    spans = [0.2, *lengths[:2], pause, *lengths[2:], 0.2]
    edges = np.concatenate([[0], np.cumsum(spans)])
    between = [_timing.Gap(a, b, edges[a], edges[b]) for a, b in _timing.between(WORDS)]
    sounding = np.concatenate([[0], np.cumsum(own)]).astype(float)
    sounding[[3, 6]] -= min(late, own[2] - 1, own[5] - 1)
    layout = _layout.laid_out(edges, between, np.ones(7, np.bool_), np.array(own), sounding)
    assert (layout.durations >= 1).all()
    assert (np.diff(layout.edges) >= 0).all()
    assert layout.edges[-1] == layout.durations.sum()
    assert layout.phrases == ([(1, 3), (4, 6)] if pause >= _layout.PAUSE else [(1, 6)])
    for a, b in layout.phrases:
        units = (edges[b] - edges[a]) * RATE / UNIT
        if min(lengths) * RATE / UNIT >= 2 and layout.durations[3] > 1:
            assert layout.edges[b] - layout.edges[a] == pytest.approx(units, abs=0.5)
    rests = [layout.edges[1], layout.edges[-1] - layout.edges[6]]
    if len(layout.phrases) == 2:
        rests.append(layout.edges[4] - layout.edges[3])
    assert min(rests) * UNIT / RATE >= 2 * _layout.MARGIN - 1e-9


def test_pauses_are_silent_and_phrases_keep_their_energy() -> None:
    layout = _layout.Layout(np.array([8, 4, 8, 4, 8]), np.array([0.0, 8, 12, 20, 24, 32]), [(1, 2), (3, 4)])
    energy = _layout.hushed(np.full(64, 5.0, np.float32), layout)
    assert (energy[16:24] == 5).all()
    assert (energy[40:48] == 5).all()
    for first, last in ((0, 14), (24 + _layout.DECAY, 38), (48 + _layout.DECAY, 64)):
        assert (energy[first:last] == _layout.SILENT).all()


def test_a_contour_follows_the_edges() -> None:
    values = np.repeat([1.0, 2.0, 3.0], 4).astype(np.float32)
    carried = _layout.warped(values, np.array([0.0, 2, 4, 6]), np.array([0.0, 2, 12, 14]))
    assert len(carried) == 28
    assert carried[[0, 1, 13, 14, 26, 27]] == pytest.approx([1, 1, 2, 2, 3, 3])
