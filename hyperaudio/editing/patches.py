"""Putting changed stretches into a stream of samples."""

from __future__ import annotations

from collections.abc import Iterator

from hyperaudio.backend import Samples


def patched(blocks: Iterator[Samples], patches: Iterator[tuple[int, Samples]]) -> Iterator[Samples]:
    """Copies of ``blocks`` with each patch ``(start frame, (channels, n))`` put in.

    Raises:
        ValueError: the patches do not ascend, or meet.
    """
    at = done = 0
    pending = next(patches, None)
    for block in blocks:
        stop = at + block.shape[1]
        out = block.copy()
        while pending is not None and pending[0] < stop:
            start, patch = pending
            if start < done:
                raise ValueError(f"a patch at {start} before {done}, where the last one ended")
            first, last = max(start, at), min(start + patch.shape[1], stop)
            out[:, first - at : last - at] = patch[:, first - start : last - start]
            if start + patch.shape[1] > stop:
                break
            done = start + patch.shape[1]
            pending = next(patches, None)
        yield out
        at = stop
