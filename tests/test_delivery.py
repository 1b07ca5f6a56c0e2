"""The delivered file: same format, same length, same tags, and the input's own samples outside the edits."""

from __future__ import annotations

import itertools
import resource
import signal
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from hyperaudio import audio, delivery, ffmpeg, pcm, tags
from hyperaudio.audio import Samples
from hyperaudio.errors import InputError, UsageError

COVER = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01H\xaf\xa4q"
    b"\0\0\0\0IEND\xaeB`\x82"
)
FIELDS = {"title": "Folge 7 – Über Töne", "artist": "Ada", "album": "Pod"}
MARKS = (tags.Chapter(Fraction(0), "Start"), tags.Chapter(Fraction(3, 2), "Ende"))
EDITS = [(3_000, 5_000), (20_000, 20_001)]


def speech(rate: int, channels: int, seconds: float = 3.1) -> Samples:
    """Noise in syllables over a hum; the channels differ."""
    frames = int(rate * seconds) + 7
    time = np.arange(frames) / rate
    noise = np.random.default_rng(rate + channels).normal(0, 0.1, (channels, frames))
    loud = 0.1 + np.abs(np.sin(2 * np.pi * 2 * time))
    return np.clip(noise * loud + 0.2 * np.sin(2 * np.pi * 150 * time), -0.9, 0.9).astype(np.float32)


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def studio_wav(subtype: str, samples: Samples) -> bytes:
    """A WAV as a studio writes it: chunks known and unknown, odd lengths, before and behind the audio."""
    body = pcm.coded(samples.T, subtype, big=False)
    width = len(body) // samples.size
    layout = struct.pack(
        "<HHIIHH", 3 if subtype in ("FLOAT", "DOUBLE") else 1, samples.shape[0], 48_000,
        48_000 * samples.shape[0] * width, samples.shape[0] * width, 8 * width,
    )  # fmt: skip
    chunks = [
        chunk(b"bext", bytes(602) + b"history\r\n"),
        chunk(b"fmt ", layout),
        chunk(b"odd!", b"odd"),
        chunk(b"LIST", b"INFO" + chunk(b"INAM", b"name")),
        chunk(b"data", body),
        chunk(b"iXML", b"<BWFXML/>"),
        chunk(b"cue ", struct.pack("<IIIIIII", 1, 1, 5, 0x61746164, 0, 0, 5)),
        chunk(b"LIST", b"INFO" + chunk(b"IART", b"behind")),
    ]
    inside = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(inside)) + inside


def edited(source: Path, result: Path) -> Samples:
    """Write the decoded ``source`` with louder, other sound in the edits; gives what was written."""
    audio.decode(source, result)
    samples = audio.read(result)
    rate = audio.probe(result).rate
    for start, stop in EDITS:
        samples[:, start:stop] = 0.7 * np.sin(np.arange(stop - start) * 0.1)
    audio.write(result, samples, rate)
    return samples


def outside(frames: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    mask = np.ones(frames, bool)
    for start, stop in EDITS:
        mask[start:stop] = False
    return mask


def tagged(path: Path, samples: Samples, rate: int, codec: str, bit_rate: int | None = 64_000, **options: str) -> None:
    """A compressed file with tags, chapters and a cover."""
    carried = tags.Tags(FIELDS, (tags.Picture("image/png", COVER),), MARKS)
    if codec in ("VORBIS", "FLAC"):
        plain = path.with_name("plain" + path.suffix)
        sf.write(
            plain, samples.T, rate, "PCM_24" if codec == "FLAC" else codec, format="FLAC" if codec == "FLAC" else "OGG"
        )
        (tags.graft_flac if codec == "FLAC" else tags.graft_ogg)(carried, plain, path)
        plain.unlink()
        return
    plain = path.with_name("plain" + path.suffix)
    with av.open(str(plain), "w", format="mp4" if path.suffix in (".m4a", ".m4b") else None, options=options) as new:
        stream: Any = new.add_stream(codec, rate=rate, options=options)
        stream.codec_context.layout = ffmpeg.LAYOUTS[samples.shape[0]]
        stream.codec_context.format = stream.codec_context.codec.audio_formats[0].name
        if bit_rate:
            stream.bit_rate = bit_rate
        if path.suffix in (".mp3", ".m4a", ".m4b", ".mp4"):
            cover: Any = new.add_stream("png", rate=1)
            cover.width = cover.height = 16
            cover.pix_fmt = "gray"
            cover.disposition = av.stream.Disposition.attached_pic
            new.metadata.update(FIELDS)
            starts = [int(mark.start * 1000) for mark in MARKS]
            new.set_chapters(
                [
                    {"id": at, "start": start, "end": start + 1500, "time_base": Fraction(1, 1000),
                     "metadata": {"title": mark.title}}
                    for at, (start, mark) in enumerate(zip(starts, MARKS, strict=True))
                ]
            )  # fmt: skip
            new.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16), np.uint8), "gray")))
        frame = av.AudioFrame.from_ndarray(samples, "fltp", stream.codec_context.layout.name)
        frame.rate, frame.pts = rate, 0
        new.mux(stream.encode(frame))
        new.mux(stream.encode(None))
    if codec == "libopus" and path.suffix != ".mka":
        tags.graft_ogg(carried, plain, path)
        plain.unlink()
    else:
        plain.replace(path)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_a_wav_keeps_every_byte_outside_the_edits(tmp_path: Path, subtype: str) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    original = studio_wav(subtype, speech(48_000, 2))
    source.write_bytes(original)
    wanted = edited(source, tmp_path / "result.wav")
    delivered = delivery.deliver(source, tmp_path / "result.wav", EDITS, out)
    assert delivered.method == "patched"
    new = out.read_bytes()
    assert len(new) == len(original)
    audio_at = original.index(b"data") + 8
    width = 2 * (pcm.BITS.get(subtype, 0) // 8 or {"FLOAT": 4, "DOUBLE": 8}[subtype])
    differing = np.flatnonzero(np.frombuffer(new, np.uint8) != np.frombuffer(original, np.uint8))
    assert len(differing) and not outside(wanted.shape[1])[(differing - audio_at) // width].any()
    step = 2.0 ** -(pcm.BITS.get(subtype, 30) - 1)
    assert np.abs(audio.read(out) - wanted).max() <= step / 2 + 1e-7


@pytest.mark.parametrize(
    ("suffix", "subtype", "endian"),
    [(".aiff", "PCM_16", "FILE"), (".aifc", "PCM_24", "LITTLE"), (".au", "PCM_16", "FILE"), (".au", "FLOAT", "LITTLE"),
     (".caf", "PCM_24", "FILE"), (".caf", "FLOAT", "LITTLE"), (".w64", "PCM_16", "FILE"), (".rf64", "FLOAT", "FILE"),
     (".aiff", "DOUBLE", "FILE"), (".aiff", "PCM_S8", "FILE")],
)  # fmt: skip
def test_other_uncompressed_files_are_patched_in_their_byte_order(
    tmp_path: Path, suffix: str, subtype: str, endian: str
) -> None:
    source, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    samples = speech(16_000, 2)
    sf.write(source, samples.T, 16_000, subtype, endian, delivery.SOUND[suffix])
    wanted = edited(source, tmp_path / "result.wav")
    assert delivery.deliver(source, tmp_path / "result.wav", EDITS, out).method == "patched"
    got, mask = audio.read(out), outside(samples.shape[1])
    assert out.stat().st_size == source.stat().st_size
    assert np.array_equal(got[:, mask], audio.read(source)[:, mask])
    assert np.abs(got - wanted).max() <= 2.0 ** -pcm.BITS.get(subtype, 24)


def test_edits_beyond_full_scale_are_held_there(tmp_path: Path) -> None:
    source, result, out = tmp_path / "in.wav", tmp_path / "result.wav", tmp_path / "out.wav"
    sf.write(source, np.zeros(100), 8000, "PCM_16")
    audio.write(result, np.full((1, 100), 1.7, np.float32) * np.where(np.arange(100) % 2, 1, -1), 8000)
    delivery.deliver(source, result, [(10, 20)], out)
    got = sf.read(out, dtype="int16")[0]
    assert set(got[10:20]) == {32767, -32768} and not got[:10].any() and not got[20:].any()


@given(
    bits=st.sampled_from(["PCM_S8", "PCM_16", "PCM_24"]),
    values=st.lists(st.integers(-(2**23), 2**23 - 1), min_size=1, max_size=50),
    big=st.booleans(),
)
def test_a_sample_read_and_coded_again_is_the_same_bytes(bits: str, values: list[int], big: bool) -> None:
    width = pcm.BITS[bits]
    whole = np.array(values) >> (24 - width)
    samples = (whole / 2.0 ** (width - 1)).astype(np.float32)[:, None]
    expected = b"".join(int(v).to_bytes(width // 8, "big" if big else "little", signed=True) for v in whole)
    assert pcm.coded(samples, bits, big) == expected


LOSSY = [
    (".mp3", "libmp3lame", 44_100, 2, {}), (".mp3", "libmp3lame", 48_000, 1, {"abr": "1"}),
    (".mp3", "libmp3lame", 22_050, 1, {}), (".mp3", "libmp3lame", 16_000, 2, {}), (".mp3", "libmp3lame", 8_000, 1, {}),
    (".ogg", "VORBIS", 44_100, 2, {}), (".ogg", "VORBIS", 22_050, 1, {}), (".oga", "VORBIS", 8_000, 1, {}),
    (".opus", "libopus", 48_000, 2, {}), (".opus", "libopus", 16_000, 1, {}), (".ogg", "libopus", 8_000, 1, {}),
    (".m4a", "aac", 44_100, 2, {}), (".m4a", "aac", 48_000, 1, {}), (".m4b", "aac", 22_050, 1, {}),
    (".mp4", "aac", 16_000, 2, {}), (".m4a", "aac", 8_000, 1, {}), (".mka", "aac", 44_100, 2, {}),
    (".mka", "libopus", 48_000, 1, {}),
]  # fmt: skip


@pytest.mark.parametrize(("suffix", "codec", "rate", "channels", "options"), LOSSY)
def test_lossy_files_keep_codec_length_bit_rate_and_everything_said_about_them(
    tmp_path: Path, suffix: str, codec: str, rate: int, channels: int, options: dict[str, str]
) -> None:
    source, result, out = tmp_path / f"in{suffix}", tmp_path / "result.wav", tmp_path / f"out{suffix}"
    bit_rate = 24_000 if rate <= 8_000 else 64_000
    tagged(source, speech(rate, channels), rate, codec, bit_rate, **options)
    wanted = edited(source, result)
    assert delivery.deliver(source, result, EDITS, out).method == "encoded"
    old, new = audio.probe(source), audio.probe(out)
    assert (new.rate, new.channels, new.container, new.codec) == (old.rate, old.channels, old.container, old.codec)
    got = audio.read(out)
    assert got.shape == wanted.shape
    # In step to the sample: the correlation peaks at lag 0.
    middle = slice(1000, got.shape[1] - 1000)
    lags = [float((got[0, middle] * wanted[0, 1000 + lag : got.shape[1] - 1000 + lag]).sum()) for lag in range(-40, 41)]
    assert int(np.argmax(lags)) == 40
    assert ffmpeg.payload(out) >= 0.99 * ffmpeg.payload(source)
    said, says = ffmpeg.carried(source), ffmpeg.carried(out)
    assert says == said
    if suffix != ".mka":
        assert {key: says.fields[key] for key in FIELDS} == FIELDS
        assert len(says.pictures) == 1
        assert [(mark.start, mark.title) for mark in says.chapters] == [(mark.start, mark.title) for mark in MARKS]


@pytest.mark.parametrize(("subtype", "rate", "channels"), [("PCM_16", 44_100, 1), ("PCM_24", 48_000, 2)])
def test_flac_keeps_samples_depth_and_metadata(tmp_path: Path, subtype: str, rate: int, channels: int) -> None:
    plain, source, result = tmp_path / "plain.flac", tmp_path / "in.flac", tmp_path / "result.wav"
    sf.write(plain, speech(rate, channels).T, rate, subtype)
    tags.graft_flac(tags.Tags(FIELDS, (tags.Picture("image/png", COVER),), MARKS), plain, source)
    wanted = edited(source, result)
    assert delivery.deliver(source, result, EDITS, tmp_path / "out.flac").method == "lossless"
    out, mask = tmp_path / "out.flac", outside(wanted.shape[1])
    old, new = (sf.read(path, dtype="int32", always_2d=True)[0] for path in (source, out))
    assert np.array_equal(old[mask], new[mask]) and not np.array_equal(old, new)
    assert sf.info(out).subtype == subtype
    assert ffmpeg.carried(out) == ffmpeg.carried(source)
    assert ffmpeg.carried(out).pictures[0].data == COVER and len(ffmpeg.carried(out).chapters) == 2


def test_alac_stays_lossless(tmp_path: Path) -> None:
    source, result, out = tmp_path / "in.m4a", tmp_path / "result.wav", tmp_path / "out.m4a"
    tagged(source, speech(44_100, 2), 44_100, "alac", None)
    wanted = edited(source, result)
    assert delivery.deliver(source, result, EDITS, out).method == "lossless"
    mask = outside(wanted.shape[1])
    assert np.array_equal(audio.read(out)[:, mask], audio.read(source)[:, mask])
    assert ffmpeg.carried(out) == ffmpeg.carried(source)


def test_a_video_keeps_its_picture(tmp_path: Path) -> None:
    source, result, out = tmp_path / "in.mp4", tmp_path / "result.wav", tmp_path / "out.mp4"
    samples = speech(48_000, 2)
    with av.open(str(source), "w") as new:
        video: Any = new.add_stream("mpeg4", rate=25)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        sound: Any = new.add_stream("aac", rate=48_000)
        sound.codec_context.layout = "stereo"
        for at in range(75):
            new.mux(video.encode(av.VideoFrame.from_ndarray(np.full((96, 64), at, np.uint8), "yuv420p")))
        frame = av.AudioFrame.from_ndarray(samples, "fltp", "stereo")
        frame.rate = 48_000
        new.mux(sound.encode(frame))
        new.mux(video.encode(None))
        new.mux(sound.encode(None))
    wanted = edited(source, result)
    delivery.deliver(source, result, EDITS, out)

    def pictures(path: Path) -> list[tuple[int | None, bytes]]:
        with av.open(str(path)) as container:
            return [(packet.pts, bytes(packet)) for packet in container.demux(video=0) if packet.size]

    assert len(pictures(source)) == 75 and pictures(out) == pictures(source)
    assert audio.read(out).shape == wanted.shape


@pytest.mark.parametrize("suffix", sorted({*delivery.SOUND, *delivery.CODED, *delivery.STREAMS}))
def test_any_known_suffix_can_be_asked_for(tmp_path: Path, suffix: str) -> None:
    source, result, out = tmp_path / "in.flac", tmp_path / "result.wav", tmp_path / f"new{suffix}"
    tagged(source, speech(48_000, 2, 1.0), 48_000, "FLAC")
    wanted = edited(source, result)
    delivery.deliver(source, result, EDITS, out)
    got = audio.read(out)
    assert got.shape == wanted.shape
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({"in.flac", "result.wav", out.name})
    if suffix in (".wav", ".flac", ".aiff", ".w64", ".caf", ".mka"):
        assert np.abs(got - wanted).max() < 2.0**-23
    if suffix not in (".w64", ".au", ".snd"):  # these hold no tags
        assert ffmpeg.carried(out).fields["title"] == FIELDS["title"]
    if suffix in {*delivery.CODED, ".m4a", ".mp4", ".m4b"}:
        assert len(ffmpeg.carried(out).pictures) == 1 and len(ffmpeg.carried(out).chapters) == 2


def test_opus_takes_rates_it_does_not_know_at_48_khz(tmp_path: Path) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.opus"
    sf.write(source, speech(44_100, 1).T, 44_100, "PCM_16")
    edited(source, tmp_path / "result.wav")
    new = delivery.deliver(source, tmp_path / "result.wav", EDITS, out).info
    assert (new.rate, new.frames) == (48_000, round(audio.probe(source).frames * 48 / 44.1))


def test_webm_takes_rates_opus_does_not_know_at_48_khz(tmp_path: Path) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.webm"
    sf.write(source, speech(44_100, 1).T, 44_100, "PCM_16")
    edited(source, tmp_path / "result.wav")
    delivery.deliver(source, tmp_path / "result.wav", EDITS, out)
    assert audio.probe(out).rate == 48_000
    assert abs(audio.read(out).shape[1] - audio.probe(source).frames * 48 / 44.1) <= 48  # WebM counts milliseconds


@pytest.mark.parametrize(
    ("suffix", "channels"),
    [*itertools.product([".m4a", ".mka", ".flac"], [1, 2, 3, 4, 5, 6, 8]),
     *itertools.product([".mp3", ".webm", ".opus", ".ogg"], [1, 2])],
)  # fmt: skip
def test_channels_without_names_keep_their_order(tmp_path: Path, suffix: str, channels: int) -> None:
    source, result, out = tmp_path / "in.wav", tmp_path / "result.wav", tmp_path / f"out{suffix}"
    # 60 Hz apart and under 120 Hz, the LFE channel's own range, only one of them.
    pitches = 60 + 60 * (np.arange(channels)[:, None] + 1)
    samples = 0.2 * np.sin(2 * np.pi * pitches * np.arange(48_000) / 48_000)
    if channels > 5:
        samples[3] = 0.2 * np.sin(2 * np.pi * 40 * np.arange(48_000) / 48_000)
    sf.write(source, samples.T, 48_000, "PCM_16")
    audio.decode(source, result)
    delivery.deliver(source, result, [], out)
    got = audio.read(out)
    assert got.shape[0] == channels
    frames = min(got.shape[1], 48_000)
    assert np.abs(got[:, 5_000 : frames - 5_000] - samples[:, 5_000 : frames - 5_000]).max() < 0.05


@pytest.mark.parametrize(
    ("rate", "channels", "suffix", "fix"),
    [(96_000, 2, ".mp3", ".flac or .wav or .opus"), (192_000, 2, ".m4a", ".flac or .wav or .opus"),
     (48_000, 6, ".mp3", ".flac or .wav or .opus"), (48_000, 12, ".m4a", ".wav"), (48_000, 12, ".flac", ".wav")],
)  # fmt: skip
def test_what_the_format_cannot_hold_is_found_before_any_work(
    tmp_path: Path, rate: int, channels: int, suffix: str, fix: str
) -> None:
    source = tmp_path / "in.aiff"
    sf.write(source, np.zeros((rate, channels)), rate, "PCM_16")
    with pytest.raises(InputError) as caught:
        delivery.check_output(source, tmp_path / f"out{suffix}")
    assert "cannot be written" in caught.value.message and caught.value.hint == f"name an output that ends in {fix}"
    for named in fix.split(" or "):
        delivery.check_output(source, tmp_path / f"out{named}")
    assert [path.name for path in tmp_path.iterdir()] == ["in.aiff"]


@pytest.mark.parametrize("codec", ["IMA_ADPCM", "MS_ADPCM", "ULAW", "adpcm_ima_wav", "adpcm_ms"])
def test_compressed_wav_keeps_its_length(tmp_path: Path, codec: str) -> None:
    source, result, out = tmp_path / "in.wav", tmp_path / "result.wav", tmp_path / "out.wav"
    if codec.isupper():
        sf.write(source, speech(22_050, 1).T, 22_050, codec)
    else:  # FFmpeg's blocks are larger than libsndfile's
        tagged(source, speech(22_050, 1), 22_050, codec, None)
    wanted = edited(source, result)
    assert delivery.deliver(source, result, EDITS, out).method == "encoded"
    assert out.read_bytes().startswith(b"RIFF") and audio.read(out).shape == wanted.shape
    if codec.isupper():
        assert audio.probe(out).codec == codec


@pytest.mark.parametrize("link", ["itself", "symlink", "hardlink", "dots"])
def test_the_recording_itself_is_not_overwritten(tmp_path: Path, link: str) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    sf.write(source, np.zeros(100), 8000)
    if link == "symlink":
        out.symlink_to(source)
    elif link == "hardlink":
        out.hardlink_to(source)
    else:
        out = source if link == "itself" else tmp_path / ".." / tmp_path.name / "in.wav"
    with pytest.raises(UsageError, match="would overwrite the recording itself - name another"):
        delivery.check_output(source, out)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("id3v1", [b"", b"TAG" + b"t" * 125])
def test_an_ape_tag_behind_an_mp3_survives(tmp_path: Path, header: bool, id3v1: bytes) -> None:
    source, result, out = tmp_path / "in.mp3", tmp_path / "result.wav", tmp_path / "out.mp3"
    tagged(source, speech(44_100, 1), 44_100, "libmp3lame")
    item = struct.pack("<II", 7, 0) + b"REPLAYGAIN\0-3.2 dB"
    size = len(item) + 32
    frame = [b"APETAGEX" + struct.pack("<IIII", 2000, size, 1, header << 31 | top << 29) + bytes(8) for top in (1, 0)]
    behind = (frame[0] if header else b"") + item + frame[1] + id3v1
    source.write_bytes(source.read_bytes() + behind)
    edited(source, result)
    delivery.deliver(source, result, EDITS, out)
    assert out.read_bytes().endswith(behind) and out.read_bytes().count(b"REPLAYGAIN") == 1


def test_an_mp3_that_begins_amid_a_frame_is_delivered(tmp_path: Path) -> None:
    source, result, out = tmp_path / "in.mp3", tmp_path / "result.wav", tmp_path / "out.mp3"
    tagged(source, speech(44_100, 1), 44_100, "libmp3lame")
    source.write_bytes(bytes(500) + source.read_bytes()[tags._id3_size(source.open("rb")) + 1_000 :])
    wanted = edited(source, result)
    delivery.deliver(source, result, EDITS, out)
    assert audio.read(out).shape == wanted.shape


@pytest.mark.parametrize("kbits", [64, 128, 192, 224, 320])
def test_an_mp3_is_as_loud_as_the_result(tmp_path: Path, kbits: int) -> None:
    source, result, out = tmp_path / "in.mp3", tmp_path / "result.wav", tmp_path / "out.mp3"
    tagged(source, speech(44_100, 1), 44_100, "libmp3lame", 1000 * kbits)
    wanted = edited(source, result)[0].astype(np.float64)
    delivery.deliver(source, result, EDITS, out)
    found = audio.read(out)[0].astype(np.float64)
    hum = np.sin(2 * np.pi * 150 * np.arange(len(wanted)) / 44_100)  # low bit rates take the highest sounds away
    assert abs(20 * np.log10((found @ hum) / (wanted @ hum))) < 0.05


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    for suffix, codec in ((".mp3", "libmp3lame"), (".ogg", "VORBIS"), (".m4a", "aac"), (".opus", "libopus")):
        source, result = tmp_path / f"in{suffix}", tmp_path / "result.wav"
        tagged(source, speech(48_000, 1, 1.0), 48_000, codec)
        edited(source, result)
        written = [
            delivery.deliver(source, result, EDITS, tmp_path / f"{name}{suffix}").path.read_bytes() for name in "ab"
        ]
        assert written[0] == written[1], suffix


def test_an_unknown_suffix_is_refused_with_those_known(tmp_path: Path) -> None:
    source = tmp_path / "in.wav"
    sf.write(source, np.zeros(100), 8000)
    with pytest.raises(UsageError, match=r"out\.xyz.*\.flac"):
        delivery.check_output(source, tmp_path / "out.xyz")
    with pytest.raises(UsageError, match="without suffix"):
        delivery.check_output(source, tmp_path / "out")


def test_formats_that_do_not_tell_their_delay_are_refused(tmp_path: Path) -> None:
    tagged(tmp_path / "in.aac", speech(44_100, 1), 44_100, "aac")
    with pytest.raises(UsageError, match="exact timing"):
        delivery.check_output(tmp_path / "in.aac", tmp_path / "out.aac")


def test_a_folder_that_is_not_there_or_is_the_output_itself_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in.wav"
    sf.write(source, np.zeros(100), 8000)
    with pytest.raises(InputError, match="mkdir -p"):
        delivery.check_output(source, tmp_path / "no" / "out.wav")
    (tmp_path / "dir.wav").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        delivery.check_output(source, tmp_path / "dir.wav")


@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError("stop")])
def test_an_interrupted_delivery_leaves_nothing(tmp_path: Path, error: Any) -> None:
    source, result, out = tmp_path / "in.mp3", tmp_path / "result.wav", tmp_path / "out.mp3"
    tagged(source, speech(44_100, 1), 44_100, "libmp3lame")
    edited(source, result)
    out.write_bytes(b"old")

    def stop(fraction: float) -> None:
        raise error

    with pytest.raises(type(error) if isinstance(error, Exception) else error):
        delivery.deliver(source, result, EDITS, out, stop)
    assert out.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp3", "out.mp3", "result.wav"]


@pytest.mark.parametrize(("suffix", "codec"), [(".mp3", "libmp3lame"), (".ogg", "VORBIS"), (".wav", "pcm_s16le")])
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, suffix: str, codec: str) -> None:
    source, result, out = tmp_path / f"in{suffix}", tmp_path / "result.wav", tmp_path / f"out{suffix}"
    tagged(source, speech(44_100, 2, 6), 44_100, codec)
    edited(source, result)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(InputError, match=r"cannot be written .*free some space"):
            delivery.deliver(source, result, EDITS, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert sorted(path.name for path in tmp_path.iterdir()) == [source.name, "result.wav"]


def test_a_cover_larger_than_an_ogg_page_survives(tmp_path: Path) -> None:
    cover = tags.Picture("image/jpeg", np.random.default_rng(0).bytes(300_000))
    sf.write(tmp_path / "plain.ogg", speech(44_100, 1).T, 44_100)
    tags.graft_ogg(tags.Tags(FIELDS, (cover,)), tmp_path / "plain.ogg", tmp_path / "in.ogg")
    edited(tmp_path / "in.ogg", tmp_path / "result.wav")
    delivery.deliver(tmp_path / "in.ogg", tmp_path / "result.wav", EDITS, tmp_path / "out.ogg")
    assert ffmpeg.carried(tmp_path / "out.ogg").pictures == [cover]
    assert audio.probe(tmp_path / "out.ogg").frames == audio.probe(tmp_path / "plain.ogg").frames


def test_the_output_lies_beside_the_input() -> None:
    assert delivery.default_output(Path("a/podcast.mp3")) == Path("a/podcast.replaced.mp3")


@pytest.mark.parametrize(
    ("name", "container", "subtype"),
    [("a.wav", "WAV", "PCM_16"), ("a.wav", "WAV", "PCM_24"), ("a.wav", "WAV", "FLOAT"), ("a.aiff", "AIFF", "PCM_16"),
     ("a.flac", "FLAC", "PCM_16")],
)  # fmt: skip
def test_a_mastered_result_replaces_every_frame(tmp_path: Path, name: str, container: str, subtype: str) -> None:
    samples = speech(48_000, 2)
    source, out, result = tmp_path / name, tmp_path / f"out-{name}", tmp_path / "result.wav"
    sf.write(source, samples.T, 48_000, subtype, format=container)
    audio.write(result, audio.read(source) * np.float32(0.5), 48_000)
    delivery.deliver(source, result, [(0, samples.shape[1])], out)
    assert sf.info(out).subtype == subtype
    assert np.abs(audio.read(out) - audio.read(result)).max() <= (0 if subtype == "FLOAT" else 2.0**-16 * 1.01)
