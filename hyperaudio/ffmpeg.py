"""FFmpeg in process (PyAV): reads what libsndfile does not know, and the tags of everything.

A file handed in by a stranger may be a playlist or a script that names other files or addresses. So only
the protocol ``file`` is allowed, and only demuxers of self-contained audio and video files.
"""

from __future__ import annotations

import errno
import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt
from av.stream import Disposition

from hyperaudio.errors import InputError
from hyperaudio.tags import Chapter, Picture, Tags

Samples = npt.NDArray[np.float32]

DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,"
    "mpc,mpc8,ogg,oma,rm,shn,tak,truehd,tta,voc,w64,wav,wv"
)
_PCM = {"u8": (128.0, 128.0), "s16": (0.0, 2.0**15), "s32": (0.0, 2.0**31), "flt": (0.0, 1.0), "dbl": (0.0, 1.0)}
"""Zero and full scale of FFmpeg's sample formats."""


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The file as a PyAV input container.

    Raises:
        InputError: FFmpeg finds no audio or video in it.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
    try:
        container = av.open(f"file:{path.absolute()}", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        raise InputError(
            f"{path} is not audio that can be read ({_reason(error)})",
            "give a recording (WAV, FLAC, MP3, M4A, OGG, MP4 ...); a half-finished download must be fetched again",
        ) from error
    with container:
        yield container


def audio_stream(container: Any, path: Path) -> Any:
    """The audio stream a player would choose.

    Raises:
        InputError: there is none, or its codec is unknown.
    """
    stream = container.streams.best("audio")
    if stream is None:
        raise InputError(f"{path} has no audio track", "give a recording with sound")
    context = getattr(stream, "codec_context", None)
    if context is None or not stream.rate or not stream.channels or context.name == "mp1":  # text in UTF-16 looks so
        raise InputError(f"{path} has an audio track that cannot be decoded", "convert it to WAV or FLAC first")
    return stream


def tags(container: Any, stream: Any) -> dict[str, str]:
    """Tags of the file with those of its audio stream (where Ogg keeps them), keys in lower case, sorted."""
    merged = {**stream.metadata, **container.metadata}
    return {key.lower(): merged[key] for key in sorted(merged)}


def duration(container: Any, stream: Any) -> float | None:
    """Seconds the container claims for the audio stream; ``None`` where it makes no claim."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    clock = next((value for key, value in stream.metadata.items() if key.startswith("DURATION")), None)
    if clock:  # Matroska: HH:MM:SS.nnnnnnnnn
        hours, minutes, seconds = clock.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return container.duration / av.time_base if container.duration and len(container.streams) == 1 else None


def decoded(path: Path) -> Iterator[Samples]:
    """The audio, ``(channels, n)`` a decoder's frame at a time, encoder delay and padding trimmed.

    Raises:
        InputError: it cannot be decoded, is damaged, or changes its rate or channels on the way.
    """
    done = 0
    held: Samples | None = None
    with opened(path) as container:
        stream = audio_stream(container, path)
        rate, channels = stream.rate, stream.channels
        trims = container.format.name.startswith("mov")
        try:
            for frame in container.decode(stream):
                if (frame.sample_rate, frame.layout.nb_channels) != (rate, channels):
                    raise InputError(
                        f"{path} changes its sample rate or channels at {done / rate:.1f} s",
                        "convert it to one format first",
                    )
                if held is not None:
                    yield held
                held = _floats(frame, channels)
                done += frame.samples
                # MP4 tells the true length of the last frame; FFmpeg decodes the padding behind it.
                shown = round((frame.duration or 0) * frame.time_base * rate) if trims else 0
        except av.error.FFmpegError as error:
            raise InputError(
                f"{path} is damaged at {done / rate:.1f} s ({_reason(error)})",
                "fetch it again, or repair it with: ffmpeg -i FILE repaired.wav",
            ) from error
    if held is not None:
        yield held[:, :shown] if shown else held


def _floats(frame: Any, channels: int) -> Samples:
    kind = frame.format.name.removesuffix("p")
    if kind not in _PCM:
        raise InputError(f"the sample format {kind} is not supported", "convert the recording to WAV or FLAC first")
    zero, scale = _PCM[kind]
    if frame.format.is_planar and channels > 7:  # PyAV crashes on that many planes
        (frame,) = av.AudioResampler(kind).resample(frame)
    raw = frame.to_ndarray()
    if not frame.format.is_planar:
        raw = raw.reshape(-1, channels).T
    if scale == 1.0:
        return np.ascontiguousarray(raw, dtype=np.float32)
    return np.ascontiguousarray((raw.astype(np.float64) - zero) / scale, dtype=np.float32)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


Carry = Literal["nothing", "covers", "all"]
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_ENCODERS = {"mp3": "libmp3lame", "opus": "libopus", "wmav1": "wmav2", "amr_nb": "libopencore_amrnb"}
"""Where the encoder is not called as the codec."""
_UNNAMED = " channels"
"""How the layout ends of a file that does not say which channel is which."""
_OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
_MP3_KBITS = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates of layer III for MPEG-1 (32 kHz and up) and below (ISO/IEC 11172-3, 13818-3)."""
_STALE = {"major_brand", "minor_version", "compatible_brands", "encoder", "itunsmpb", "duration", "handler_name"}
"""Tags about the old encoding, not the programme."""


def payload(path: Path, start: float = -math.inf, stop: float = math.inf) -> int:
    """Bytes of the audio stream, without container and tags, from ``start`` to ``stop`` seconds."""
    with opened(path) as container:
        timed = (packet for packet in container.demux(audio_stream(container, path)) if packet.pts is not None)
        until = itertools.takewhile(lambda packet: packet.pts * packet.time_base < stop, timed)
        return sum(packet.size for packet in until if packet.pts * packet.time_base >= start)


def carried(path: Path) -> Tags:
    """Tags, cover art and chapters, for a file of another format; empty where FFmpeg cannot open it."""
    try:
        with opened(path) as source:
            fields = tags(source, audio_stream(source, path))
            covers = [stream for stream in source.streams.video if _is_cover(stream)]
            pictures = [
                Picture("image/png" if packet.stream.codec_context.name == "png" else "image/jpeg", bytes(packet))
                for packet in itertools.islice(source.demux(covers), len(covers))  # they come first
                if packet.size
            ]
            chapters = [
                Chapter(mark["start"] * mark["time_base"], mark["metadata"].get("title", ""))
                for mark in source.chapters()
            ]
    except InputError:
        return Tags({})
    return Tags({key: value for key, value in fields.items() if key not in _STALE}, pictures, chapters)


def opus_rate(rate: int) -> int:
    """The sample rate itself where Opus has it, else 48 kHz."""
    return rate if rate in _OPUS_RATES else _OPUS_RATES[-1]


def mp3_bit_rate(wanted: float, rate: int) -> int:
    """The lowest bit rate of MP3 at this sample rate that is no less than ``wanted``, or the highest."""
    kbits = _MP3_KBITS[rate >= 32_000]
    return 1000 * next((kbit for kbit in kbits if 1000 * kbit >= wanted), kbits[-1])


def mp3_scale(bit_rate: int) -> float:
    """The gain that LAME's preset for a constant bit rate applies unasked (its ``presets.c``), to be undone before."""
    return next((scale for most, scale in ((160_000, 0.95), (192_000, 0.97), (224_000, 0.98)) if bit_rate <= most), 1.0)


def encode(
    source: Path, blocks: Iterator[Samples], target: Path, muxer: str, codec: str, rate: int, channels: int, *,
    bit_rate: int | None, carry: Carry, options: dict[str, str] | None = None, layout: dict[str, str] | None = None,
    until: float = math.inf,
) -> None:  # fmt: skip
    """Encode ``(channels, n)`` blocks, with what else ``source`` holds.

    Args:
        source: where tags, chapters and other streams come from.
        blocks: the audio.
        target: made anew.
        muxer: FFmpeg's name of the container format.
        codec: FFmpeg's name of the codec.
        rate: Hz.
        channels: their number.
        bit_rate: bits per second; ``None`` for a lossless codec.
        carry: ``nothing``; ``covers``: tags, chapters and cover art; ``all``: video, subtitles and other audio too.
        options: of the encoder.
        layout: options of the muxer.
        until: seconds after which other streams are left off.

    Raises:
        InputError: FFmpeg cannot encode this, or the container cannot hold it.
        OSError: the disk is full.
    """
    fixed = {"fflags": "+bitexact", **(layout or {})}  # no random track numbers
    try:
        with opened(source) as old, av.open(f"file:{target.absolute()}", "w", format=muxer, options=fixed) as new:
            main = audio_stream(old, source)
            stream: Any = new.add_stream(_ENCODERS.get(codec, codec), rate=rate, options=options or {})
            named = main.layout.nb_channels == channels and not main.layout.name.endswith(_UNNAMED)
            stream.codec_context.layout = main.layout.name if named else LAYOUTS.get(channels, f"{channels}{_UNNAMED}")
            formats = [form.name for form in stream.codec_context.codec.audio_formats or ()]
            stream.codec_context.format = next(
                name for name in (main.format.name, "fltp", "flt", "s32p", "s32", "s16p", *formats) if name in formats
            )
            if bit_rate:
                stream.bit_rate = bit_rate
            if carry != "nothing":
                new.metadata.update({k: v for k, v in old.metadata.items() if k.lower() not in _STALE})
                stream.metadata.update({k: v for k, v in main.metadata.items() if k.lower() not in _STALE})
                new.set_chapters(old.chapters())
            others = {
                other.index: _copy(new, other) for other in old.streams if _comes_along(other, main, carry, muxer)
            }
            if muxer == "matroska" and carry != "nothing":
                for number, cover in enumerate(carried(source).pictures):
                    new.add_attachment(f"cover{number or ''}.{cover.mime.split('/')[1]}", cover.mime, cover.data)
            start = max(main.start_time or 0, 0) * main.time_base if carry == "all" else Fraction(0)
            sound = _encoded(stream, blocks, rate, start)
            ready = Fraction(-1)
            for packet in old.demux([other for other in old.streams if other.index in others]) if others else ():
                if not packet.size:
                    continue
                # In step with the other tracks, so that the muxer need not hold one of them back.
                due = (packet.dts or 0) * packet.time_base
                if due > until:
                    break
                while ready < due and (own := next(sound, None)) is not None:
                    ready = (own.pts or 0) * own.time_base
                    new.mux_one(own)
                packet.stream = others[packet.stream.index]
                new.mux_one(packet)
            for own in sound:
                new.mux_one(own)
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise OSError(error.errno, error.strerror) from error
        raise InputError(
            f"the result cannot be written as {codec} in {muxer} at {rate} Hz with {channels} channels "
            f"({_reason(error)})",
            "name another output, for example one that ends in .flac or .wav",
        ) from error


def _copy(new: Any, other: Any) -> Any:
    twin = new.add_stream_from_template(other)
    twin.disposition = other.disposition
    twin.metadata.update({k: v for k, v in other.metadata.items() if k.lower() not in _STALE})
    return twin


def _encoded(stream: Any, blocks: Iterator[Samples], rate: int, start: Fraction) -> Iterator[Any]:
    at = round(start * rate)
    for block in blocks:
        packed = np.ascontiguousarray(block.T).reshape(1, -1)  # PyAV takes fewer than 8 planes
        frame = av.AudioFrame.from_ndarray(packed, "flt", stream.codec_context.layout.name)
        frame.rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
        at += block.shape[1]
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _comes_along(stream: Any, main: Any, carry: Carry, muxer: str) -> bool:
    if _is_cover(stream):
        return carry != "nothing" and muxer not in {"matroska", "webm"}  # an attachment there; WebM has none
    return carry == "all" and stream is not main and stream.type in {"video", "audio", "subtitle"}


def _is_cover(stream: Any) -> bool:
    return stream.type == "video" and bool(stream.disposition & Disposition.attached_pic)
