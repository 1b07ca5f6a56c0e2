from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.dsp import alignment


def cost_of(heard: list[int], template: list[int]) -> np.ndarray:
    """0 where the symbols are the same, else 1; -1 in the template is an optional silence, 0 is silence heard."""
    states = np.where(np.array(template) < 0, 0, template)
    return (np.array(heard)[:, None] != states[None]).astype(float)


def test_a_template_finds_itself() -> None:
    template = list(range(1, 30))
    path = alignment.walk(cost_of(template, template), np.zeros(29, bool))
    assert path.tolist() == list(range(29))


def test_a_pause_in_the_target_goes_to_the_optional_silence() -> None:
    template = [1, 2, 3, -1, 4, 5, 6]
    heard = [1, 2, 3, 0, 0, 0, 0, 4, 5, 6]
    path = alignment.walk(cost_of(heard, template), np.array(template) < 0)
    assert path.tolist() == [0, 1, 2, 3, 3, 3, 3, 4, 5, 6]


def test_the_silence_is_left_out_where_none_is_heard() -> None:
    template = [-1, 1, 2, -1, 3, 4, -1]
    path = alignment.walk(cost_of([1, 2, 3, 4], template), np.array(template) < 0)
    assert path.tolist() == [1, 2, 4, 5]


def test_too_little_time_is_an_error() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        alignment.walk(np.zeros((5, 60)), np.zeros(60, bool))


@given(st.lists(st.integers(1, 3), min_size=3, max_size=40))
def test_the_path_never_falls_and_uses_the_whole_template(holds: list[int]) -> None:
    heard = [symbol for symbol, times in enumerate(holds, 1) for _ in range(times)]
    path = alignment.walk(cost_of(heard, list(range(1, len(holds) + 1))), np.zeros(len(holds), bool))
    assert path[0] == 0
    assert path[-1] == len(holds) - 1
    assert (np.diff(path) >= 0).all()


def test_features_say_nothing_of_level_and_come_one_per_step() -> None:
    noise = np.random.default_rng(0).standard_normal(16_000) * np.linspace(0.02, 0.3, 16_000)
    features = alignment.features(noise)
    assert features.shape == (len(alignment.levels(noise)), 26)
    assert abs(len(features) * alignment.STEP - 1.0) <= 2 * alignment.STEP
    assert alignment.features(noise * 0.1) == pytest.approx(features, abs=0.05)
