from __future__ import annotations

import numpy as np
import pytest

from hyperaudio.measures import place

RATE = 44_100


def noise(seed: int, count: int = RATE) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(count)).astype(np.float32)


def test_correlation_of_one_source_of_two_and_of_silence() -> None:
    a, b = noise(1), noise(2)
    assert place.correlation(np.stack([a, 0.3 * a])) == pytest.approx(1.0, abs=1e-6)
    assert place.correlation(np.stack([a, -a])) == pytest.approx(-1.0, abs=1e-6)
    assert abs(place.correlation(np.stack([a, b])) or 0.0) < 0.02
    assert place.correlation(np.stack([a, 0 * a])) is None


def test_balance_is_in_db_and_stays_finite() -> None:
    a = noise(1)
    assert place.balance(np.stack([2 * a, a])) == pytest.approx(6.02, abs=0.01)
    assert place.balance(np.stack([a, 0 * a])) == 60.0


@pytest.mark.parametrize("edge", [4_000, 8_000, 12_000])
def test_bandwidth_is_where_the_sound_ends(edge: int) -> None:
    from scipy.signal import firwin, oaconvolve

    low = oaconvolve(noise(3, 4 * RATE), firwin(1001, edge, fs=RATE), mode="same").astype(np.float32)
    assert place.bandwidth(place.power(low), RATE) == pytest.approx(edge, rel=0.1)
    clicked = low.copy()
    clicked[RATE] += 1.0
    assert place.bandwidth(place.reached(clicked), RATE) == pytest.approx(edge, rel=0.1)


def test_the_distance_of_spectra_is_of_their_shape() -> None:
    first = place.power(noise(4, 4 * RATE))
    tilt = 10 ** (np.linspace(0, 20, len(first)) / 10)
    assert place.distance(first, 100 * first, RATE, 8000) == pytest.approx(0.0, abs=1e-6)
    assert place.distance(first, first * tilt, RATE, 8000) > 1.5


def test_the_bands_are_thirds_of_an_octave_up_to_half_the_rate() -> None:
    middles, level = place.bands(np.ones(1025), RATE)
    assert np.allclose(middles[1:] / middles[:-1], 2 ** (1 / 3)) and 1000.0 in middles
    assert middles[-1] <= RATE / 2 and np.allclose(level[middles > 200], 0.0, atol=1e-6)


def test_what_is_not_heard_beside_the_rest_makes_no_distance() -> None:
    spectrum = np.full(1025, 1e-9)
    spectrum[:20] = 1.0
    other = spectrum.copy()
    other[200:] = 1e-7
    assert place.distance(spectrum, other, RATE, 8000) == pytest.approx(0.0, abs=1e-6)
    other[200:] = 1e-3
    assert place.distance(spectrum, other, RATE, 8000) > 1
