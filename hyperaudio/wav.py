"""Writing WAV block by block, such that the same samples give the same bytes at any time."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile as sf

from hyperaudio.errors import InputError
from hyperaudio.ffmpeg import Samples

# Commands of libsndfile's sndfile.h that soundfile has no name for.
_SET_ADD_PEAK_CHUNK = 0x1050
_RF64_AUTO_DOWNGRADE = 0x1210


class Writer:
    """A WAV file written block by block; RF64 past 4 GiB. The same samples give the same bytes at any time.

    Args:
        path: made anew.
        rate: Hz.
        channels: their number.
        subtype: libsndfile's name of the sample format.
    """

    def __init__(self, path: Path, rate: int, channels: int, subtype: str = "FLOAT") -> None:
        self._sound = sf.SoundFile(path, "w", rate, channels, subtype, format="RF64")
        settle(self._sound)

    def write(self, block: Samples) -> None:
        """Append ``(channels, n)``.

        Raises:
            InputError: the disk does not take it.
        """
        try:
            self._sound.write(block.T)
        except sf.LibsndfileError as error:
            raise InputError(f"{self._sound.name} cannot be written", "free some space on its disk") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sound.close()
        _undate(Path(self._sound.name))


def write(path: Path, samples: Samples, rate: int, subtype: str = "FLOAT") -> None:
    """Write ``(channels, frames)``, or mono ``(frames,)``, as WAV; see :class:`Writer`."""
    samples = np.atleast_2d(samples)
    with Writer(path, rate, samples.shape[0], subtype) as writer:
        writer.write(samples)


def settle(sound: sf.SoundFile) -> None:
    """Make a file just opened to write the same at any time, and an RF64 that stays under 4 GiB a plain WAV."""
    for command, value in ((_SET_ADD_PEAK_CHUNK, 0), (_RF64_AUTO_DOWNGRADE, 1)):  # the peak chunk holds the time
        sf._snd.sf_command(sound._file, command, sf._ffi.NULL, value)


def _undate(path: Path) -> None:
    """Blank the time of writing in a WAV's PEAK chunk, which RF64 turned WAV has all the same."""
    with path.open("r+b") as file:
        head = file.read(256)
        if (at := head.find(b"PEAK")) > 0:
            file.seek(at + 12)
            file.write(bytes(4))
