"""Audio in and out of files, block by block, so that memory does not grow with their length.

Arrays are float32, ``(channels, frames)``, full scale at 1. libsndfile reads what it knows (WAV, RF64, W64,
AIFF, CAF, AU, FLAC, MP3, Ogg Vorbis and Opus ...), FFmpeg the rest (M4A, MP4, Matroska, WMA, AC-3 ...).
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from hyperaudio import ffmpeg
from hyperaudio.errors import InputError
from hyperaudio.events import Progress, no_progress
from hyperaudio.ffmpeg import Samples
from hyperaudio.wav import Writer, settle, write

__all__ = ["BLOCK", "Info", "Samples", "Writer", "blocks", "check_file", "decode", "probe", "read", "read_mono",
           "resample", "settle", "write"]  # fmt: skip

BLOCK = 2**18
"""Frames per block."""

_CLAIMS = re.compile(r"(?:\bdata|\bSSND|\briff|Riff size|Data Size)\s*: (\d+) \(should be (\d+)\)")
"""libsndfile's log: the size of the audio by its header, and by the file."""
_REFETCH = "fetch or export it again"


@dataclass(frozen=True)
class Info:
    """What a file says of its audio.

    Attributes:
        rate: Hz.
        channels: their number.
        frames: length; what the header says, which for compressed files may differ from what is decoded.
        container: libsndfile's major format (``WAV``, ``FLAC``, ``MP3`` ...) or FFmpeg's demuxer.
        codec: libsndfile's subtype (``PCM_16``, ``VORBIS`` ...) or FFmpeg's codec name (``aac`` ...).
        bit_rate: bits per second of the audio, where the file tells.
        tags: title, artist and so on; keys in lower case.
    """

    rate: int
    channels: int
    frames: int
    container: str
    codec: str
    bit_rate: int | None
    tags: dict[str, str]

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


def probe(path: Path) -> Info:
    """What the file's header says.

    Raises:
        InputError: it is missing, no regular file, empty, unreadable, cut off, or not audio.
    """
    check_file(path)
    with _sound(path) as sound:
        if sound is None:
            return _probe_ffmpeg(path)
        bit_rate, tags = _said_by_ffmpeg(path)
        info = Info(sound.samplerate, sound.channels, sound.frames, sound.format, sound.subtype, bit_rate, tags)
    return _with_frames(info, path)


def blocks(path: Path, size: int = BLOCK) -> Iterator[Samples]:
    """The whole file in order, ``(channels, n)`` at a time; every block but the last has ``n == size``.

    Raises:
        InputError: as :func:`probe`; or it is damaged, or has samples that are not numbers.
    """
    info = probe(path)
    done = 0
    for block in _rebuffered(_decoded(path, size), size):
        if not np.isfinite(block).all():
            first = int(np.flatnonzero(~np.isfinite(block).all(axis=0))[0])
            raise InputError(
                f"{path} has a sample that is not a finite number at {(done + first) / info.rate:.3f} s", _REFETCH
            )
        done += block.shape[1]
        yield block


def read(path: Path, start: int = 0, stop: int | None = None) -> Samples:
    """Frames ``start`` to ``stop`` (to the end where ``None``), ``(channels, n)``; clipped to the file's length.

    Raises:
        InputError: as :func:`blocks`.
    """
    info = probe(path)
    if _is_pcm(info.codec):
        with sf.SoundFile(path) as sound:
            start, stop, _ = slice(start, stop).indices(sound.frames)
            sound.seek(start)
            return np.ascontiguousarray(sound.read(max(stop - start, 0), "float32", always_2d=True).T)
    parts, at = [np.zeros((info.channels, 0), np.float32)], 0
    for block in blocks(path):
        end = at + block.shape[1]
        parts.append(block[:, max(start - at, 0) : None if stop is None else max(stop - at, 0)])
        at = end
        if stop is not None and at >= stop:
            break
    return np.concatenate(parts, axis=1)


def read_mono(path: Path, rate: int | None = None, start: int = 0, stop: int | None = None) -> Samples:
    """Mean of the channels, ``(n,)``, resampled to ``rate`` Hz where given; ``start``, ``stop`` in the file's frames.

    Raises:
        InputError: as :func:`blocks`.
    """
    mono: Samples = read(path, start, stop).mean(axis=0, dtype=np.float32)
    if rate is None:
        return mono
    resampled: Samples = np.concatenate(list(resample([mono[None]], probe(path).rate, rate)), axis=1)[0]
    return resampled


def decode(path: Path, target: Path, progress: Progress = no_progress) -> Info:
    """Write the audio, untouched, as float32 WAV, and say what it is, with the exact number of frames.

    Raises:
        InputError: as :func:`blocks`; or it holds less audio than its header says.
    """
    info = probe(path)
    done = 0
    with Writer(target, info.rate, info.channels) as writer:
        for block in blocks(path):
            writer.write(block)
            done += block.shape[1]
            progress(min(done / max(info.frames, 1), 1.0))
    exact = _with_frames(dataclasses.replace(info, frames=done), path)
    # Header lengths of lossy files are to the codec's frame at best; half a second is no such rounding.
    if info.frames - done > (0 if _is_lossless(info.codec) else info.rate // 2):
        raise InputError(f"{path} is cut off: {exact.seconds:.1f} s of {info.seconds:.1f} s are there", _REFETCH)
    return exact


def resample(source: Iterable[Samples], from_rate: int, to_rate: int) -> Iterator[Samples]:
    """Resample a stream of ``(channels, n)`` blocks with soxr's high quality filter.

    The total length is ``n * to_rate / from_rate``, rounded; time 0 stays at frame 0.
    """
    if from_rate == to_rate:
        yield from source
        return
    stream: soxr.ResampleStream | None = None
    channels = 0
    for block in source:
        if stream is None:
            channels = block.shape[0]
            stream = soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32")
        out = stream.resample_chunk(np.ascontiguousarray(block.T))
        if len(out):
            yield np.ascontiguousarray(out.T)
    if stream is not None:
        out = stream.resample_chunk(np.zeros((0, channels), np.float32), last=True)
        yield np.ascontiguousarray(out.T)


def check_file(path: Path) -> None:
    """Make sure that the path is a regular file with something in it that may be read.

    Raises:
        InputError: it is not.
    """
    try:
        mode = path.stat()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist", _suggestion(path)) from None
    except OSError as error:
        raise InputError(f"{path} cannot be reached ({error.strerror})", "check its name and permissions") from error
    if stat.S_ISDIR(mode.st_mode):
        raise InputError(f"{path} is a folder", "name an audio file in it")
    if not stat.S_ISREG(mode.st_mode):
        raise InputError(f"{path} is a device or a pipe, not a regular file", "save the audio to a file first")
    if mode.st_size == 0:
        raise InputError(f"{path} is empty (0 bytes)", _REFETCH)
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} may not be read by this user", f"chmod u+r {path.name}, or run as its owner")


class _Stream(sf.SoundFile):
    """A file read from start to end. soundfile seeks after each read, which makes lossy decoders start afresh."""

    def seekable(self) -> bool:
        return False


def _suggestion(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"there is no folder {path.parent}"
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {close[0]}?" if close else "check the name"


@contextmanager
def _sound(path: Path) -> Iterator[sf.SoundFile | None]:
    """The file opened by libsndfile, or ``None`` where libsndfile does not know it."""
    with path.open("rb") as file:
        try:
            # Without its name: libsndfile takes whatever is called .mp3 for MP3, and libmpg123 complains on stderr.
            sound = _Stream(file.fileno(), closefd=False)
        except (sf.LibsndfileError, ValueError):
            yield None
            return
        with sound:
            for claimed, there in _CLAIMS.findall(sound.extra_info):
                if int(there) < int(claimed) and not _is_placeholder(int(claimed)):
                    raise InputError(f"{path} is cut off: {there} of {claimed} bytes of audio are there", _REFETCH)
            yield sound if sound.subtype != "MPEG_LAYER_I" else None  # which text in UTF-16 is taken for


def _is_placeholder(size: int) -> bool:
    """Whether a program that wrote to a pipe, and could not fill in the size, put this there."""
    return any(limit - 2**20 < size <= limit for limit in (2**31, 2**32, 2**63, 2**64))


def _decoded(path: Path, size: int) -> Iterator[Samples]:
    with _sound(path) as sound:
        if sound is None:
            yield from ffmpeg.decoded(path)
            return
        try:
            while len(block := sound.read(size, "float32", always_2d=True)):
                yield np.ascontiguousarray(block.T)
        except sf.LibsndfileError as error:
            at = sound.tell() / sound.samplerate
            raise InputError(f"{path} is damaged near {at:.1f} s ({error.error_string})", _REFETCH) from error


def _rebuffered(source: Iterable[Samples], size: int) -> Iterator[Samples]:
    held: list[Samples] = []
    count = 0
    for block in source:
        held.append(block)
        count += block.shape[1]
        if count >= size:
            joined = np.concatenate(held, axis=1) if len(held) > 1 else held[0]
            whole = count - count % size
            yield from (joined[:, at : at + size] for at in range(0, whole, size))
            held, count = [joined[:, whole:]], count - whole
    if count:
        yield np.concatenate(held, axis=1)


def _probe_ffmpeg(path: Path) -> Info:
    with ffmpeg.opened(path) as container:
        stream = ffmpeg.audio_stream(container, path)
        seconds = ffmpeg.duration(container, stream)
        frames = (
            sum(part.shape[1] for part in ffmpeg.decoded(path)) if seconds is None else round(seconds * stream.rate)
        )
        name, codec = container.format.name, stream.codec_context.name
        if name == "mp3" and codec in ("mp3", "mp3float"):  # behind a torn first frame
            name, codec = "MP3", "MPEG_LAYER_III"
        tags = ffmpeg.tags(container, stream)
        return Info(stream.rate, stream.channels, frames, name, codec, stream.bit_rate or None, tags)


def _said_by_ffmpeg(path: Path) -> tuple[int | None, dict[str, str]]:
    try:
        with ffmpeg.opened(path) as container:
            stream = ffmpeg.audio_stream(container, path)
            return stream.bit_rate or None, ffmpeg.tags(container, stream)
    except InputError:
        return None, {}


def _with_frames(info: Info, path: Path) -> Info:
    if info.frames <= 0:
        raise InputError(f"{path} holds no audio (0 samples)", _REFETCH)
    return info


def _is_pcm(codec: str) -> bool:
    return codec.startswith("PCM_") or codec in {"FLOAT", "DOUBLE"}


def _is_lossless(codec: str) -> bool:
    return _is_pcm(codec) or codec in {"ULAW", "ALAW"}
