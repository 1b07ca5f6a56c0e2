"""Uncompressed audio: samples as the bytes of a file, and overwriting a few frames of one in place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile as sf

from hyperaudio import audio
from hyperaudio.errors import InputError

_TEXTS = ("title", "artist", "album", "date", "genre", "copyright", "comment")
BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
FLOATS = {"FLOAT": 32, "DOUBLE": 64}
BIG_ENDIAN = {"WAV": False, "WAVEX": False, "RF64": False, "W64": False, "AIFF": True, "AU": True, "CAF": True}
"""Byte order of uncompressed containers where the file does not name another."""


def patch(path: Path, result: Path, edits: Sequence[tuple[int, int]]) -> None:
    """Overwrite ranges of frames of an uncompressed file with those of ``result``, and not one byte else.

    libsndfile's own read-write mode refuses files with text behind the audio and rewrites headers.

    Raises:
        InputError: the file's layout is not a plain run of frames.
    """
    with path.open("r+b") as file:
        with sf.SoundFile(file.fileno(), closefd=False) as sound:
            start, stop = (_position(sound, file.fileno(), frame) for frame in (0, 1))
            width, subtype = (stop - start) // sound.channels, sound.subtype
            big = BIG_ENDIAN[sound.format] if sound.endian == "FILE" else sound.endian == "BIG"
        if width * 8 != BITS.get(subtype, FLOATS.get(subtype, 0)):
            raise InputError(f"{path} stores its samples in a way that cannot be edited", "convert it to WAV first")
        for first, last in edits:
            for at in range(first, last, audio.BLOCK):
                frames = audio.read(result, at, min(at + audio.BLOCK, last)).T
                file.seek(start + at * width * frames.shape[1])
                file.write(coded(frames, subtype, big))


def coded(samples: npt.NDArray[np.floating[Any]], subtype: str, big: bool) -> bytes:
    """Samples as a file holds them: integers are rounded to the nearest and held at full scale."""
    if subtype in FLOATS:
        return samples.astype(f"{'>' if big else '<'}f{FLOATS[subtype] // 8}").tobytes()
    width = BITS[subtype] // 8
    whole = integers(samples, BITS[subtype])
    if subtype == "PCM_U8":
        whole = whole ^ np.int32(-(2**31))
    bytewise = np.ascontiguousarray(whole.astype(">i4" if big else "<i4"))[..., None].view(np.uint8)
    return (bytewise[..., :width] if big else bytewise[..., 4 - width :]).tobytes()


def integers(samples: npt.NDArray[np.floating[Any]], bits: int) -> npt.NDArray[np.int32]:
    """Rounded to ``bits`` and left-aligned in 32, as libsndfile takes integers."""
    full = 2.0 ** (bits - 1)
    whole = np.clip(np.rint(samples.astype(np.float64) * full), -full, full - 1).astype(np.int64)
    return (whole << (32 - bits)).astype(np.int32)


def depth(info: audio.Info, major: str) -> str:
    """The input's own sample format where the container can hold it, else one that loses the least."""
    if info.codec in BITS or info.codec in FLOATS:
        for subtype in (info.codec, "PCM_16" if BITS.get(info.codec, 24) <= 16 else "PCM_24"):
            if sf.check_format(major, subtype):
                return subtype
    return "PCM_24"


def encode(
    blocks: Iterable[audio.Samples], path: Path, rate: int, channels: int, major: str, subtype: str,
    fields: Mapping[str, str], level: float | None = None,
) -> None:  # fmt: skip
    """Write ``(channels, n)`` blocks with libsndfile, with the tags of ``fields`` where the format has them.

    Args:
        blocks: the audio.
        path: made anew.
        rate: Hz.
        channels: their number.
        major: libsndfile's container format; a WAV past 4 GiB is RF64.
        subtype: libsndfile's sample format or codec.
        fields: tags, keys in lower case.
        level: compression level of lossy codecs, 0 is best.

    Raises:
        soundfile.LibsndfileError, ValueError: libsndfile cannot write this.
    """
    major = "RF64" if major == "WAV" and sf.check_format("RF64", subtype) else major
    with sf.SoundFile(path, "w", rate, channels, subtype, format=major, compression_level=level) as sound:
        audio.settle(sound)
        if major in {"WAV", "RF64", "AIFF", "CAF"}:
            for name in (text for text in _TEXTS if text in fields):
                setattr(sound, name, fields[name])
        for block in blocks:
            feed(sound, block)


def feed(sound: sf.SoundFile, block: audio.Samples) -> None:
    """Append ``(channels, n)``, rounded to the nearest where the file holds integers."""
    step = (
        2**13 if sound.format == "OGG" else audio.BLOCK
    )  # libvorbis lays a whole write on the stack, and may overflow it
    for at in range(0, block.shape[1], step):
        part = block[:, at : at + step].T
        sound.write(integers(part, BITS[sound.subtype]) if sound.subtype in BITS else part)


def _position(sound: sf.SoundFile, descriptor: int, frame: int) -> int:
    """Where a frame begins in the file: libsndfile seeks there."""
    sound.seek(frame)
    return os.lseek(descriptor, 0, os.SEEK_CUR)
