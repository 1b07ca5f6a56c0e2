"""The result in the input's own format: same container, codec, rate, channels, length, tags, cover and chapters.

Uncompressed audio is the input's own bytes with the edited frames overwritten; FLAC and ALAC are encoded again
without loss; lossy formats are encoded again at the input's bit rate or more.
"""

from __future__ import annotations

import bisect
import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import soundfile as sf

from hyperaudio import audio, ffmpeg, pcm, tags
from hyperaudio.audio import BLOCK, Info, Samples
from hyperaudio.errors import InputError, UsageError
from hyperaudio.events import Progress, no_progress
from hyperaudio.pcm import BIG_ENDIAN, BITS, FLOATS, integers

SOUND = {
    ".wav": "WAV", ".wave": "WAV", ".bwf": "WAV", ".rf64": "RF64", ".w64": "W64", ".aif": "AIFF", ".aiff": "AIFF",
    ".aifc": "AIFF", ".au": "AU", ".snd": "AU", ".caf": "CAF",
}  # fmt: skip
"""What libsndfile writes: suffix to major format."""
CODED = {".flac": "FLAC", ".ogg": "VORBIS", ".oga": "VORBIS", ".opus": "OPUS", ".mp3": "MPEG_LAYER_III"}
"""What is written with tags grafted: suffix to codec, in libsndfile's words."""
STREAMS = {
    ".m4a": ("mp4", "aac"), ".m4b": ("mp4", "aac"), ".mp4": ("mp4", "aac"), ".m4v": ("mp4", "aac"),
    ".mov": ("mov", "aac"), ".mka": ("matroska", "flac"), ".mkv": ("matroska", "flac"), ".webm": ("webm", "opus"),
}  # fmt: skip
"""What FFmpeg writes: suffix to muxer, and the codec where the input comes in another container."""
_FREE_RATE = 96_000
"""Bits per second and channel of a lossy output whose input has another codec."""
_OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
_MP3_KBITS = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates of layer III for MPEG-1 (32 kHz and up) and below (ISO/IEC 11172-3, 13818-3)."""

_CONSTANT = {"vbr": "off"}
"""Opus holds its bit rate only so."""

Method = Literal["patched", "lossless", "encoded"]


@dataclass(frozen=True)
class Delivered:
    """What was written, and how: ``patched`` is the input's own bytes but for the edits."""

    path: Path
    method: Method
    info: Info


@dataclass(frozen=True)
class _Order:
    source: Path
    info: Info
    result: Path
    edits: Sequence[tuple[int, int]]
    target: Path
    scratch: Path
    own: bool
    """Whether the output has the input's suffix, and so its format."""
    progress: Progress

    def blocks(self) -> Iterator[Samples]:
        done = 0
        for block in audio.blocks(self.result):
            done += block.shape[1]
            yield block
            self.progress(min(done / self.info.frames, 1.0))


def default_output(source: Path) -> Path:
    """``podcast.mp3`` becomes ``podcast.replaced.mp3`` beside it."""
    return source.with_name(f"{source.stem}.replaced{source.suffix}")


def check_output(source: Path, out: Path) -> None:
    """Find out before any work whether ``out`` can be written.

    Raises:
        UsageError: its suffix stands for no format that can be written.
        InputError: its folder is not there or cannot be written.
    """
    _writer(audio.probe(source), source, out)
    if out.is_dir():
        raise InputError(f"{out} is a folder", "name a file")
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {out.parent}", f"mkdir -p {out.parent}")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise InputError(f"the folder {out.parent} cannot be written", "name an output elsewhere with --output")


def deliver(
    source: Path, result: Path, edits: Sequence[tuple[int, int]], out: Path, progress: Progress = no_progress
) -> Delivered:
    """Write ``result`` in the format of ``source``, or in that of ``out``'s suffix where it is another.

    Args:
        source: the input.
        result: WAV, of the input's rate, channels and length.
        edits: ranges of frames ``[start, stop)`` that differ from the input.
        out: appears whole or not at all; replaced where it exists.
        progress: told the share done.

    Raises:
        UsageError, InputError: as :func:`check_output`; or the format cannot hold this audio.
    """
    check_output(source, out)
    info = audio.probe(source)
    with _replacing(out) as (target, scratch):
        own = out.suffix.lower() == source.suffix.lower()
        method = _writer(info, source, out)(_Order(source, info, result, edits, target, scratch, own, progress))
    progress(1.0)
    return Delivered(out, method, audio.probe(out))


def _writer(info: Info, source: Path, out: Path) -> Callable[[_Order], Method]:
    suffix, own = out.suffix.lower(), out.suffix.lower() == source.suffix.lower()
    coded_as = info.codec if info.container in ("OGG", "MP3") else info.container
    codec = coded_as if own and coded_as in _GRAFTED else CODED.get(suffix, "")
    if own and info.container in BIG_ENDIAN and (info.codec in BITS or info.codec in FLOATS):
        return _patched
    if codec in _GRAFTED and (not own or codec == coded_as):
        return _GRAFTED[codec]
    if suffix in SOUND or (own and info.container in sf.available_formats() and info.container not in ("OGG", "MP3")):
        return _sound
    if suffix in STREAMS:
        return _stream
    raise UsageError(
        f"{out.name}: {suffix or 'a name without suffix'} cannot be written with exact timing",
        f"use --output with one of {' '.join(sorted({*SOUND, *CODED, *STREAMS}))}",
    )


def _patched(order: _Order) -> Method:
    shutil.copyfile(order.source, order.target)
    pcm.patch(order.target, order.result, order.edits)
    return "patched"


def _sound(order: _Order) -> Method:
    major = order.info.container if order.own else SOUND[order.target.suffix.lower()]
    kept = order.own and sf.check_format(major, order.info.codec)
    _encode_sound(order, order.target, major, order.info.codec if kept else _depth(order.info, major))
    return "lossless" if order.info.codec in BITS or order.info.codec in FLOATS else "encoded"


def _flac(order: _Order) -> Method:
    _encode_sound(order, order.scratch, "FLAC", _depth(order.info, "FLAC"))
    tags.graft_flac(_carried(order, "FLAC"), order.scratch, order.target)
    return "lossless"


def _vorbis(order: _Order) -> Method:
    _encode_sound(order, order.scratch, "OGG", "VORBIS", _vorbis_level(order))
    tags.graft_ogg(_carried(order, "OGG"), order.scratch, order.target)
    return "encoded"


def _opus(order: _Order) -> Method:
    info = order.info
    rate = info.rate if info.rate in _OPUS_RATES else _OPUS_RATES[-1]
    ffmpeg.encode(
        order.source, audio.resample(order.blocks(), info.rate, rate), order.scratch, "opus", "opus", rate,
        info.channels, bit_rate=_bit_rate(order, "OPUS"), carry="nothing", options=_CONSTANT,
    )  # fmt: skip
    tags.graft_ogg(_carried(order, "OGG"), order.scratch, order.target)
    return "encoded"


def _mp3(order: _Order) -> Method:
    info, same = order.info, order.info.container == "MP3"
    kbits = _MP3_KBITS[info.rate >= 32_000]
    wanted = _bit_rate(order, "MPEG_LAYER_III") * 0.99 / 1000  # frames of whole bytes miss the nominal rate a little
    ffmpeg.encode(
        order.source, order.blocks(), order.scratch if same else order.target, "mp3", "mp3", info.rate, info.channels,
        bit_rate=1000 * next((kbit for kbit in kbits if kbit >= wanted), kbits[-1]),
        carry="nothing" if same else "covers", layout={"id3v2_version": "0"} if same else {},
    )  # fmt: skip
    if same:
        tags.graft_id3(order.source, order.scratch, order.target)
    return "encoded"


def _stream(order: _Order) -> Method:
    muxer, codec = STREAMS[order.target.suffix.lower()]
    if order.own and order.info.container not in sf.available_formats():
        codec = {"vorbis": "opus"}.get(order.info.codec, order.info.codec)  # FFmpeg's own Vorbis encoder is poor
    lossless = codec in {"flac", "alac"} or codec.startswith("pcm_")
    ffmpeg.encode(
        order.source, order.blocks(), order.target, muxer, codec, order.info.rate, order.info.channels,
        bit_rate=None if lossless else _bit_rate(order, codec), carry="all" if order.own else "covers",
        options=_CONSTANT if codec == "opus" else {},
    )  # fmt: skip
    return "lossless" if lossless else "encoded"


_GRAFTED = {"FLAC": _flac, "VORBIS": _vorbis, "OPUS": _opus, "MPEG_LAYER_III": _mp3}


def _carried(order: _Order, container: str) -> Path | tags.Tags:
    return order.source if order.info.container == container else ffmpeg.carried(order.source)


def _bit_rate(order: _Order, codec: str) -> int:
    """That of the input where it has this codec, without its container and tags."""
    if order.info.codec == codec:
        headroom = 1.05 if codec == "aac" else 1.0  # FFmpeg's AAC encoder stays some percent under what it is told
        return math.ceil(ffmpeg.payload(order.source) * 8 / order.info.seconds * headroom)
    return _FREE_RATE * order.info.channels


def _vorbis_level(order: _Order) -> float:
    """The compression level of libsndfile (0 is best) whose size meets the input's, from a minute in the middle."""
    info = order.info
    middle, half = info.frames // 2, 30 * info.rate
    # On the block grid of the whole: what was coded once takes fewer bits there than between its blocks.
    start, stop = max(middle - half, 0) // 2**13 * 2**13, min(middle + half, info.frames)
    wanted = _FREE_RATE * info.channels / 8 * (stop - start) / info.rate
    if info.codec == "VORBIS":
        wanted = ffmpeg.payload(order.source, start / info.rate, stop / info.rate)
    excerpt = audio.read(order.result, start, stop)

    def size(step: int) -> int:
        with sf.SoundFile(
            order.scratch, "w", info.rate, info.channels, "VORBIS", format="OGG", compression_level=1 - step / 20
        ) as trial:
            _feed(trial, excerpt)
        return ffmpeg.payload(order.scratch)

    return 1 - bisect.bisect_left(range(20), wanted, key=size) / 20


def _depth(info: Info, major: str) -> str:
    """The input's own sample format where the container can hold it, else one that loses the least."""
    if info.codec in BITS or info.codec in FLOATS:
        for subtype in (info.codec, "PCM_16" if BITS.get(info.codec, 24) <= 16 else "PCM_24"):
            if sf.check_format(major, subtype):
                return subtype
    return "PCM_24"


def _encode_sound(order: _Order, path: Path, major: str, subtype: str, level: float | None = None) -> None:
    info = order.info
    major = "RF64" if major == "WAV" else major
    with sf.SoundFile(path, "w", info.rate, info.channels, subtype, format=major, compression_level=level) as sound:
        audio.settle(sound)
        if major in {"RF64", "AIFF", "CAF"}:
            _set_texts(sound, ffmpeg.carried(order.source).fields)
        for block in order.blocks():
            _feed(sound, block)


def _feed(sound: sf.SoundFile, block: Samples) -> None:
    step = 2**13 if sound.format == "OGG" else BLOCK  # libvorbis lays a whole write on the stack, and may overflow it
    for at in range(0, block.shape[1], step):
        part = block[:, at : at + step].T
        sound.write(integers(part, BITS[sound.subtype]) if sound.subtype in BITS else part)


def _set_texts(sound: sf.SoundFile, fields: dict[str, str]) -> None:
    for name in ("title", "artist", "album", "date", "genre", "copyright", "comment"):
        if name in fields:
            setattr(sound, name, fields[name])


@contextmanager
def _replacing(out: Path) -> Iterator[tuple[Path, Path]]:
    """Two files beside ``out`` to write to; the first takes its place at the end, or both vanish."""
    target, scratch = (out.with_name(f".{out.stem}.{part}{out.suffix}") for part in ("part", "scratch"))
    try:
        yield target, scratch
        with target.open("rb") as file:
            os.fsync(file.fileno())
        target.replace(out)
    except (OSError, sf.LibsndfileError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.error_string
        raise InputError(f"{out} cannot be written ({reason})", "free some space, or use --output") from error
    finally:
        target.unlink(missing_ok=True)
        scratch.unlink(missing_ok=True)
