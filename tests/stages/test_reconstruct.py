from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio import audio
from hyperaudio.dsp import loudness
from hyperaudio.stages.preprocess import Programme
from hyperaudio.stages.reconstruct import _placed, patched, place, under
from hyperaudio.stages.synthesize import TakeRecord

RATE = 44_100


@given(
    length=st.integers(1, 400),
    size=st.integers(1, 90),
    cuts=st.lists(st.integers(0, 400), max_size=8, unique=True).map(sorted),
)
def test_patches_land_on_their_frames_whatever_the_blocks(length: int, size: int, cuts: list[int]) -> None:
    base = np.arange(2 * length, dtype=np.float32).reshape(2, length)
    spans = [(a, min(b, length)) for a, b in zip(cuts[::2], cuts[1::2], strict=False) if a < length]
    wanted = base.copy()
    for start, stop in spans:
        wanted[:, start:stop] = -1
    blocks = (base[:, at : at + size] for at in range(0, length, size))
    patches = ((start, np.full((2, stop - start), -1, np.float32)) for start, stop in spans)
    assert np.array_equal(np.concatenate(list(patched(blocks, patches)), axis=1), wanted)


def test_place_finds_a_voice_hard_left_and_one_in_the_middle() -> None:
    voice = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    assert np.allclose(place(np.stack([voice, 0 * voice])), [2, 0], atol=1e-5)
    assert np.allclose(place(np.stack([voice, voice])), [1, 1], atol=1e-5)
    assert np.allclose(place(np.zeros((2, 100), np.float32)), [1, 1])


def test_the_new_voice_is_turned_down_where_it_peaks_and_nowhere_else() -> None:
    rng = np.random.default_rng(1)
    kept = (0.02 * rng.normal(size=(1, RATE))).astype(np.float32)
    new = (0.05 * rng.normal(size=(1, RATE))).astype(np.float32)
    new[:, 20_000:20_200] *= 10
    result, lowered = under(0.5, kept, new, RATE)
    assert loudness.true_peak(result, RATE) <= 0.505
    assert -20 < lowered < -3
    far = np.r_[0:18_000, 22_500:RATE]
    assert np.array_equal(result[:, far], (kept + new)[:, far])
    same, none = under(10.0, kept, new, RATE)
    assert none == 0 and np.array_equal(same, kept + new)


def test_patches_out_of_order_are_never_put_in_halfway() -> None:
    blocks = iter([np.zeros((1, 100), np.float32)])
    patches = iter([(50, np.ones((1, 20), np.float32)), (10, np.ones((1, 20), np.float32))])
    with pytest.raises(ValueError, match="before"):
        list(patched(blocks, patches))


def test_an_edit_reaches_past_its_speakers_own_segment_to_where_the_sound_ends(tmp_path: Path) -> None:
    """Also where the other speaker is replaced too, whose walls are this one's segments."""
    rng = np.random.default_rng(0)
    voice = (1e-4 * rng.normal(size=(1, 6 * RATE))).astype(np.float32)
    voice[:, RATE : int(2.15 * RATE)] += 0.1 * rng.normal(size=int(2.15 * RATE) - RATE).astype(np.float32)
    voice[:, 4 * RATE : 5 * RATE] += 0.1 * rng.normal(size=RATE).astype(np.float32)
    audio.write(tmp_path / "vocals.wav", voice, RATE)
    programme = Programme(
        rate=RATE, channels=1, frames=6 * RATE, container="WAV", codec="PCM_16", bit_rate=None, tags={},
        integrated_lufs=-20.0, range_lu=1.0, true_peak_dbtp=-1.0, analysis_gain_db=0.0,
    )  # fmt: skip

    def take(number: int, speaker: str, start: float, end: float) -> TakeRecord:
        first, count = int((start - 0.15) * RATE), int((end - start + 0.4) * RATE)
        return TakeRecord(
            number=number, speaker=speaker, method="speak", file="x.wav", start_frame=first, frames=count,
            phrases=((start, end),), text="", figures={}, notes=(),
        )  # fmt: skip

    blocked = {"A": [(4.0, 5.0)], "B": [(1.0, 2.05)]}
    placed, short = _placed(
        [take(1, "A", 1.0, 2.0), take(2, "B", 4.0, 5.0)], blocked, tmp_path / "vocals.wav", programme
    )
    assert short == [] and [owner.speaker for owner, _ in placed] == ["A", "B"]
    first, last = placed[0][1]
    assert 0.9 * RATE < first <= 1.0 * RATE and 2.15 * RATE <= last < 2.22 * RATE
