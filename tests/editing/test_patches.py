from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.editing.patches import patched


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


def test_patches_out_of_order_are_never_put_in_halfway() -> None:
    blocks = iter([np.zeros((1, 100), np.float32)])
    patches = iter([(50, np.ones((1, 20), np.float32)), (10, np.ones((1, 20), np.float32))])
    with pytest.raises(ValueError, match="before"):
        list(patched(blocks, patches))
