"""The result in the input's own format: same container, codec, rate, channels, length, tags, cover and chapters.

Uncompressed audio is the input's own bytes with the edited frames overwritten; FLAC and ALAC are encoded again
without loss; lossy formats are encoded again at the input's bit rate or more.
"""

from __future__ import annotations

import bisect
import dataclasses
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile as sf

from hyperaudio import audio, ffmpeg, pcm, tags
from hyperaudio.audio import Info, Samples
from hyperaudio.errors import InputError, UsageError
from hyperaudio.events import Progress, no_progress
from hyperaudio.pcm import BIG_ENDIAN, BITS, FLOATS

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
_ROOMY = (".flac", ".wav", ".opus")
"""Offered where another format cannot hold the audio."""
_FREE_RATE = 96_000
"""Bits per second and channel of a lossy output whose input has another codec."""
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
    progress: Progress
    until: float = math.inf
    """Seconds of the input to look at; a rehearsal needs no more than its start."""

    @property
    def own(self) -> bool:
        """Whether the output has the input's suffix, and so its format."""
        return self.target.suffix.lower() == self.source.suffix.lower()

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
    """Find out before any work whether ``out`` can be written, with a moment of silence in its place.

    Raises:
        UsageError: its suffix stands for no format that can be written, or it is the input itself.
        InputError: its folder is not there or cannot be written, or the format cannot hold this audio.
    """
    info = audio.probe(source)
    _writer(info, source, out)
    if out.is_dir():
        raise InputError(f"{out} is a folder", "name a file")
    if out.exists() and out.samefile(source):
        raise UsageError(f"{out} would overwrite the recording itself", "name another file with --output")
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {out.parent}", f"mkdir -p {out.parent}")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise InputError(f"the folder {out.parent} cannot be written", "name an output elsewhere with --output")
    try:
        _rehearse(info, source, out)
    except InputError as error:
        if not (fitting := [suffix for suffix in _ROOMY if _fits(info, source, out.with_suffix(suffix))]):
            raise
        raise InputError(error.message, f"name an output that ends in {' or '.join(fitting)}") from error


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
    with _beside(out) as (target, scratch):
        method = _writer(info, source, out)(_Order(source, info, result, edits, target, scratch, progress))
        with target.open("rb") as file:
            os.fsync(file.fileno())
        target.replace(out)
    progress(1.0)
    return Delivered(out, method, audio.probe(out))


def _rehearse(info: Info, source: Path, out: Path) -> None:
    """Write the first tenth of a second as silence beside ``out``, with all that comes along, and remove it."""
    writer = _writer(info, source, out)
    if writer is _patched:  # copies the input
        return
    short = dataclasses.replace(info, frames=min(info.frames, info.rate // 10 + 1))
    with _beside(out) as (target, scratch), tempfile.TemporaryDirectory() as folder:
        silence = Path(folder, "silence.wav")
        audio.write(silence, np.zeros((info.channels, short.frames), np.float32), info.rate, "PCM_U8")
        writer(_Order(source, short, silence, (), target, scratch, no_progress, short.seconds))


def _fits(info: Info, source: Path, out: Path) -> bool:
    try:
        _rehearse(info, source, out)
    except InputError:
        return False
    return True


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
    depth = pcm.depth(order.info, major)
    kept = order.own and sf.check_format(major, order.info.codec)
    _encode_sound(order, order.target, major, order.info.codec if kept else depth)
    if kept and sf.info(order.target).frames != order.info.frames:  # ADPCM comes in blocks, elsewhere of another size
        _encode_sound(order, order.target, major, depth)
    return "lossless" if order.info.codec in BITS or order.info.codec in FLOATS else "encoded"


def _flac(order: _Order) -> Method:
    _encode_sound(order, order.scratch, "FLAC", pcm.depth(order.info, "FLAC"))
    tags.graft_flac(_carried(order, "FLAC"), order.scratch, order.target)
    return "lossless"


def _vorbis(order: _Order) -> Method:
    _encode_sound(order, order.scratch, "OGG", "VORBIS", _vorbis_level(order))
    tags.graft_ogg(_carried(order, "OGG"), order.scratch, order.target)
    return "encoded"


def _opus(order: _Order) -> Method:
    info = order.info
    rate = ffmpeg.opus_rate(info.rate)
    ffmpeg.encode(
        order.source, audio.resample(order.blocks(), info.rate, rate), order.scratch, "opus", "opus", rate,
        info.channels, bit_rate=_bit_rate(order, "OPUS"), carry="nothing", options=_CONSTANT,
    )  # fmt: skip
    tags.graft_ogg(_carried(order, "OGG"), order.scratch, order.target)
    return "encoded"


def _mp3(order: _Order) -> Method:
    info, same = order.info, order.info.container == "MP3"
    wanted = _bit_rate(order, "MPEG_LAYER_III") * 0.99  # frames of whole bytes miss the nominal rate a little
    bit_rate = ffmpeg.mp3_bit_rate(wanted, info.rate)
    blocks = (block / np.float32(ffmpeg.mp3_scale(bit_rate)) for block in order.blocks())
    ffmpeg.encode(
        order.source, blocks, order.scratch if same else order.target, "mp3", "mp3", info.rate, info.channels,
        bit_rate=bit_rate, carry="nothing" if same else "covers",
        layout={"id3v2_version": "0"} if same else {},
    )  # fmt: skip
    if same:
        tags.graft_id3(order.source, order.scratch, order.target)
    return "encoded"


def _stream(order: _Order) -> Method:
    muxer, codec = STREAMS[order.target.suffix.lower()]
    if order.own and order.info.container not in sf.available_formats():
        codec = {"vorbis": "opus"}.get(order.info.codec, order.info.codec)  # FFmpeg's own Vorbis encoder is poor
    lossless = codec in {"flac", "alac"} or codec.startswith("pcm_")
    rate = ffmpeg.opus_rate(order.info.rate) if codec == "opus" else order.info.rate
    ffmpeg.encode(
        order.source, audio.resample(order.blocks(), order.info.rate, rate), order.target, muxer, codec, rate,
        order.info.channels, bit_rate=None if lossless else _bit_rate(order, codec),
        carry="all" if order.own else "covers", options=_CONSTANT if codec == "opus" else {}, until=order.until,
    )  # fmt: skip
    return "lossless" if lossless else "encoded"


_GRAFTED = {"FLAC": _flac, "VORBIS": _vorbis, "OPUS": _opus, "MPEG_LAYER_III": _mp3}


def _carried(order: _Order, container: str) -> Path | tags.Tags:
    return order.source if order.info.container == container else ffmpeg.carried(order.source)


def _bit_rate(order: _Order, codec: str) -> int:
    """That of the input where it has this codec, without its container and tags."""
    if order.info.codec == codec:
        headroom = 1.05 if codec == "aac" else 1.0  # FFmpeg's AAC encoder stays some percent under what it is told
        return math.ceil(ffmpeg.payload(order.source, stop=order.until) * 8 / order.info.seconds * headroom)
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
            pcm.feed(trial, excerpt)
        return ffmpeg.payload(order.scratch)

    return 1 - bisect.bisect_left(range(20), wanted, key=size) / 20


def _encode_sound(order: _Order, path: Path, major: str, subtype: str, level: float | None = None) -> None:
    fields = ffmpeg.carried(order.source).fields
    pcm.encode(order.blocks(), path, order.info.rate, order.info.channels, major, subtype, fields, level)


@contextmanager
def _beside(out: Path) -> Iterator[tuple[Path, Path]]:
    """Two files beside ``out`` to write to, which vanish unless moved away."""
    target, scratch = (out.with_name(f".{out.stem}.{part}{out.suffix}") for part in ("part", "scratch"))
    try:
        yield target, scratch
    except (OSError, sf.LibsndfileError, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "error_string", None) or error
        raise InputError(f"{out} cannot be written ({reason})", "free some space, or use --output") from error
    finally:
        target.unlink(missing_ok=True)
        scratch.unlink(missing_ok=True)
