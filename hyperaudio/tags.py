"""Moving tags, cover art and chapters from one file to another byte by byte, where both are of one family.

Layouts: ID3v2.4 section 3.1, ID3v1, APEv2, RFC 9639 (FLAC), RFC 3533 (Ogg), RFC 7845 (Opus), Vorbis I appendix A
and 5. Whatever a tag editor put there survives, known to us or not.
"""

from __future__ import annotations

import base64
import itertools
import shutil
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from hyperaudio.errors import InputError

_SERIAL = 1
"""Of every Ogg stream written: encoders draw lots, which would make each run's bytes differ."""


@dataclass(frozen=True)
class Picture:
    """Cover art: the bytes of a JPEG or PNG."""

    mime: str
    data: bytes


@dataclass(frozen=True)
class Chapter:
    """A chapter mark, ``start`` in seconds."""

    start: Fraction
    title: str


@dataclass(frozen=True)
class Tags:
    """What can be carried from any format to any other."""

    fields: dict[str, str]
    pictures: Sequence[Picture] = ()
    chapters: Sequence[Chapter] = ()


def graft_id3(source: Path, encoded: Path, target: Path) -> None:
    """Write the audio of the MP3 ``encoded`` with the ID3v2, APEv2 and ID3v1 tags of the MP3 ``source``."""
    with source.open("rb") as file:
        head, tail = file.read(_id3_size(file)), _trailer(file)
    with encoded.open("rb") as audio, target.open("wb") as out:
        audio.seek(_id3_size(audio))
        out.write(head)
        shutil.copyfileobj(audio, out)
        out.write(tail)


def graft_flac(tags: Path | Tags, encoded: Path, target: Path) -> None:
    """Write the audio of the FLAC ``encoded`` with all metadata of the FLAC file ``tags``, or with these tags."""
    with encoded.open("rb") as audio, target.open("wb") as out:
        (_, stream_info), *rest = _flac_blocks(audio)
        if isinstance(tags, Tags):
            vendor, _ = _split(next((body for kind, body in rest if kind == 4), bytes(8)))
            blocks = [(4, vendor + _comments(tags, pictures=False)), *((6, _picture(p)) for p in tags.pictures)]
        else:
            with tags.open("rb") as file:
                # A seek table points into the old stream.
                blocks = [(kind, body) for kind, body in _flac_blocks(file) if kind not in (0, 3)]
        out.write(b"fLaC")
        for at, (kind, body) in enumerate([(0, stream_info), *blocks]):
            out.write(bytes([kind | (at == len(blocks)) << 7]) + len(body).to_bytes(3, "big") + body)
        shutil.copyfileobj(audio, out)


def graft_ogg(tags: Path | Tags, encoded: Path, target: Path) -> None:
    """Write the audio of the Ogg ``encoded`` (Vorbis or Opus) with the comments of another, or with these tags.

    Comments hold the cover and the chapters too (``METADATA_BLOCK_PICTURE``, ``CHAPTER001``).
    """
    with encoded.open("rb") as file, target.open("wb") as out:
        pages = _pages(file)
        first = next(pages)
        packets = _header_packets(pages)
        magic = b"OpusTags" if packets[0].startswith(b"OpusTags") else b"\x03vorbis"
        vendor, _ = _split(packets[0][len(magic) :])
        if isinstance(tags, Tags):
            body = vendor + _comments(tags, pictures=True)
        else:
            with tags.open("rb") as other:
                others = _pages(other)
                next(others)
                packet = _header_packets(others)[0]
            body = vendor + _split(packet[8 if packet.startswith(b"OpusTags") else 7 :])[1]
        packets[0] = magic + body + (b"" if magic == b"OpusTags" else b"\x01")  # Vorbis ends with a framing bit
        for number, page in enumerate(itertools.chain([first], _paginate(packets), pages)):
            out.write(_sealed(page[:14] + struct.pack("<II", _SERIAL, number) + page[22:]))


def _id3_size(file: BinaryIO) -> int:
    """Bytes of the ID3v2 tag at the start; the file is back at its start afterwards."""
    file.seek(0)
    head = file.read(10)
    file.seek(0)
    if not head.startswith(b"ID3"):
        return 0
    a, b, c, d = head[6:10]
    return (a << 21 | b << 14 | c << 7 | d) + (20 if head[5] & 0x10 else 10)


def _trailer(file: BinaryIO) -> bytes:
    """The APEv2 tag and the ID3v1 tag at the end, each where it is there."""
    end = file.seek(0, 2)
    file.seek(max(end - 128, 0))
    start = end - 128 if file.read(3) == b"TAG" else end
    file.seek(max(start - 32, 0))
    footer = file.read(32)
    if footer.startswith(b"APETAGEX"):
        size, _, flags = struct.unpack_from("<III", footer, 12)
        size += 32 if flags & 1 << 31 else 0  # the header is not counted
        start -= size if size <= start else 0
    file.seek(start)
    return file.read()


def _flac_blocks(file: BinaryIO) -> list[tuple[int, bytes]]:
    """Metadata blocks as (type, body); the file stands at the first audio frame afterwards."""
    file.seek(_id3_size(file))
    if file.read(4) != b"fLaC":
        raise InputError("the FLAC file has no FLAC header", "convert it to FLAC again")
    blocks, last = [], False
    while not last:
        kind = file.read(1)[0]
        last = bool(kind & 0x80)
        blocks.append((kind & 0x7F, file.read(int.from_bytes(file.read(3), "big"))))
    return blocks


def _split(body: bytes) -> tuple[bytes, bytes]:
    """A comment block's vendor field and its list of comments, as they are."""
    end = 4 + int(struct.unpack_from("<I", body)[0])
    return body[:end], _trimmed(body[end:])


def _trimmed(comments: bytes) -> bytes:
    """The list of comments without padding or framing behind it."""
    at = 4
    for _ in range(struct.unpack_from("<I", comments)[0]):
        at += 4 + struct.unpack_from("<I", comments, at)[0]
    return comments[:at]


def _comments(tags: Tags, pictures: bool) -> bytes:
    lines = [f"{key.upper()}={value}" for key, value in tags.fields.items()]
    for number, chapter in enumerate(tags.chapters, 1):
        minutes, seconds = divmod(float(chapter.start), 60)
        lines.append(f"CHAPTER{number:03}={int(minutes) // 60:02}:{int(minutes) % 60:02}:{seconds:06.3f}")
        lines.append(f"CHAPTER{number:03}NAME={chapter.title}")
    if pictures:
        lines += [f"METADATA_BLOCK_PICTURE={base64.b64encode(_picture(p)).decode()}" for p in tags.pictures]
    coded = [line.encode() for line in lines]
    return struct.pack("<I", len(coded)) + b"".join(struct.pack("<I", len(line)) + line for line in coded)


def _picture(picture: Picture) -> bytes:
    """A FLAC picture block: front cover, without description; sizes unknown (0)."""
    mime = picture.mime.encode()
    return struct.pack(">II", 3, len(mime)) + mime + bytes(20) + struct.pack(">I", len(picture.data)) + picture.data


def _pages(file: BinaryIO) -> Iterator[bytes]:
    while head := file.read(27):
        if len(head) < 27 or not head.startswith(b"OggS"):
            return  # cut off, or padding behind the stream
        lacing = file.read(head[26])
        yield head + lacing + file.read(sum(lacing))


def _header_packets(pages: Iterator[bytes]) -> list[bytes]:
    """The packets behind the first one up to the audio, which begins a new page."""
    packets, held = [], b""
    for page in pages:
        count = page[26]
        at = 27 + count
        for size in page[27 : 27 + count]:
            held += page[at : at + size]
            at += size
            if size < 255:
                packets.append(held)
                held = b""
        if packets and len(packets) == (1 if packets[0].startswith(b"OpusTags") else 2):
            return packets
    raise InputError("the Ogg file has no complete header", "convert it again")


def _paginate(packets: Sequence[bytes]) -> Iterator[bytes]:
    """Header pages of a stream, not numbered yet; 255 segments of 255 bytes at most in each."""
    segments = [
        (packet[at : at + 255], at == 0) for packet in packets for at in range(0, len(packet) // 255 * 255 + 1, 255)
    ]
    for at in range(0, len(segments), 255):
        part = segments[at : at + 255]
        ends = any(len(segment) < 255 for segment, _ in part)
        head = struct.pack("<4sBBqIII", b"OggS", 0, not part[0][1], 0 if ends else -1, 0, 0, 0)
        lacing = bytes(len(segment) for segment, _ in part)
        yield head + bytes([len(part)]) + lacing + b"".join(segment for segment, _ in part)


_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _sealed(page: bytes) -> bytes:
    """The page with its checksum: CRC-32, which zlib computes bits mirrored, started at 0 and not inverted."""
    blank = page[:22] + bytes(4) + page[26:]
    crc = zlib.crc32(blank.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return page[:22] + int(f"{crc:032b}"[::-1], 2).to_bytes(4, "little") + page[26:]
