from __future__ import annotations

import numpy as np
import pytest

from hyperaudio.editing import room

RATE = 16_000


def dry(seed: int = 0, seconds: float = 20.0) -> np.ndarray:
    """Bursts of noise of random lengths and pauses, ``(frames,)``."""
    rng = np.random.default_rng(seed)
    out = np.zeros(round(seconds * RATE))
    at = 0
    while at < len(out):
        count = round(rng.uniform(0.08, 0.25) * RATE)
        part = rng.normal(size=count) * rng.uniform(0.05, 0.2)
        out[at : at + count] += part[: len(out) - at]
        at += count + round(rng.uniform(0.15, 0.6) * RATE)
    return (out + 1e-5 * rng.normal(size=len(out))).astype(np.float32)


def wet(samples: np.ndarray, seconds: float, level_db: float) -> np.ndarray:
    time = np.arange(round(1.2 * seconds * RATE)) / RATE
    tail = np.random.default_rng(9).normal(size=len(time)) * np.exp(-6.9 * time / seconds)
    tail *= 10 ** (level_db / 20) / np.sqrt((tail**2).sum())
    return (samples + np.convolve(samples, tail)[: len(samples)]).astype(np.float32)


def found(old: np.ndarray, new: np.ndarray) -> room.Room:
    return room.estimate([(room.envelopes(old, RATE), room.envelopes(new, RATE))])


@pytest.mark.parametrize("seconds", [0.3, 0.5, 0.8])
def test_a_room_is_told_by_its_decay_and_its_level(seconds: float) -> None:
    result = found(wet(dry(), seconds, -6.0), dry())
    assert np.median(result.seconds) == pytest.approx(seconds, rel=0.25)
    # Of the band that begins at half the rate nothing is heard: it is taken to decay as the others do.
    assert result.seconds[-1] == pytest.approx(seconds, rel=0.4)
    assert 10 * np.log10(result.energy) == pytest.approx(-6, abs=4)


def test_a_dry_voice_and_one_that_rings_already_get_no_room() -> None:
    assert found(dry(), dry(1)).dry
    assert found(wet(dry(), 0.5, -6.0), wet(dry(), 0.5, -6.0)).dry
    assert room.estimate([]).dry
    assert not room.tail(dry(), room.NONE, RATE, 0).any()


def test_the_tail_has_the_energy_and_the_decay_asked_for_and_is_always_the_same() -> None:
    around = room.Room(np.full(len(room.EDGES), 0.5), 0.25)
    ringing = room.tail(dry(), around, RATE, 1)
    assert 10 * np.log10((ringing**2).sum() / (dry() ** 2).sum()) == pytest.approx(-6, abs=1.5)
    response = room.response(around, RATE, 1)
    level = [10 * np.log10((response[at : at + 800] ** 2).sum()) for at in (800, 4000)]
    assert level[0] - level[1] == pytest.approx(60 * 0.2 / 0.5, abs=3)
    assert np.array_equal(ringing, room.tail(dry(), around, RATE, 1))
