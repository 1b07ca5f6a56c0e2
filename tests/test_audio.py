"""Reading any file, block by block, to the exact sample; and one clear line for each file that cannot be read."""

from __future__ import annotations

import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile as sf
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperaudio import audio, ffmpeg
from hyperaudio.audio import Samples
from hyperaudio.errors import InputError


def noise(frames: int, channels: int = 1, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, frames)).astype(np.float32)


def coded(path: Path, samples: Samples, rate: int, codec: str, **fields: str) -> None:
    """Write with FFmpeg."""
    with av.open(str(path), "w") as new:
        stream: Any = new.add_stream(codec, rate=rate)
        stream.codec_context.layout = ffmpeg.LAYOUTS[samples.shape[0]]
        stream.codec_context.format = stream.codec_context.codec.audio_formats[0].name
        new.metadata.update(fields)
        frame = av.AudioFrame.from_ndarray(samples, "fltp", stream.codec_context.layout.name)
        frame.rate, frame.pts = rate, 0
        new.mux(stream.encode(frame))
        new.mux(stream.encode(None))


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(
    ("suffix", "subtype", "error"),
    [("wav", "PCM_U8", 2**-7), ("wav", "PCM_16", 2**-15), ("wav", "PCM_24", 2**-23), ("wav", "PCM_32", 2**-24),
     ("wav", "FLOAT", 0), ("wav", "DOUBLE", 0), ("aiff", "PCM_16", 2**-15), ("flac", "PCM_16", 2**-15),
     ("flac", "PCM_24", 2**-23), ("caf", "FLOAT", 0), ("w64", "PCM_24", 2**-23), ("au", "PCM_16", 2**-15)],
)  # fmt: skip
def test_lossless_files_are_read_whole(tmp_path: Path, suffix: str, subtype: str, error: float, channels: int) -> None:
    path, samples = tmp_path / f"a.{suffix}", noise(10_001, channels)
    sf.write(path, samples.T, 44_100, subtype)
    info = audio.probe(path)
    assert (info.rate, info.channels, info.frames, info.codec) == (44_100, channels, 10_001, subtype)
    got = audio.read(path)
    assert got.dtype == np.float32 and got.shape == samples.shape and np.abs(got - samples).max() <= error


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("mp3", "libmp3lame"), ("m4a", "aac"), ("ogg", "VORBIS"), ("opus", "libopus"), ("mov", "alac")],
)
def test_compressed_files_decode_to_the_exact_number_of_samples_in_step(
    tmp_path: Path, suffix: str, codec: str, rate: int, channels: int
) -> None:
    if codec == "libopus" and rate in (22_050, 44_100):
        rate = 24_000  # Opus has no such rates
    path, frames = tmp_path / f"a.{suffix}", rate * 2 + 123
    tone = 0.5 * np.sin(2 * np.pi * 300 * np.arange(frames) / rate)
    samples = (np.tile(tone, (channels, 1)) * np.linspace(0.1, 1, frames)).astype(np.float32)
    if codec == "VORBIS":
        sf.write(path, samples.T, rate)
    else:
        coded(path, samples, rate, codec)
    info = audio.decode(path, tmp_path / "out.wav")
    got = audio.read(tmp_path / "out.wav")
    assert (info.rate, info.channels, info.frames) == (rate, channels, frames)
    assert got.shape == samples.shape
    lags = [float((got[0, 500:-500] * samples[0, 500 + lag : frames - 500 + lag]).sum()) for lag in range(-9, 10)]
    assert int(np.argmax(lags)) == 9
    assert abs(audio.probe(path).frames - frames) <= rate // 500  # headers count in milliseconds


def test_tags_and_bit_rate_are_told(tmp_path: Path) -> None:
    coded(tmp_path / "a.mp3", noise(48_000), 48_000, "libmp3lame", title="Ton", artist="Ada")
    info = audio.probe(tmp_path / "a.mp3")
    assert info.tags["title"] == "Ton" and info.tags["artist"] == "Ada" and info.bit_rate == 64_000
    coded(tmp_path / "a.m4a", noise(48_000), 48_000, "aac", title="Ton")
    assert audio.probe(tmp_path / "a.m4a").tags["title"] == "Ton"


@pytest.mark.parametrize("suffix", ["wav", "m4a"])
def test_blocks_have_the_size_asked_for_and_join_to_the_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    coded(path, noise(30_000, 2), 48_000, "aac" if suffix == "m4a" else "pcm_s16le")
    parts = list(audio.blocks(path, 7_000))
    assert [part.shape for part in parts] == [(2, 7_000)] * 4 + [(2, 2_000)]
    whole = audio.read(path)
    assert np.array_equal(np.concatenate(parts, axis=1), whole)
    assert np.array_equal(audio.read(path, 6_999, 14_003), whole[:, 6_999:14_003])
    assert audio.read(path, 29_999, 40_000).shape == (2, 1) and audio.read(path, 40_000, 50_000).shape == (2, 0)


@pytest.mark.parametrize(("suffix", "codec"), [("mp3", "libmp3lame"), ("ogg", "VORBIS"), ("opus", "libopus")])
def test_lossy_files_decode_the_same_in_any_block_size(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], suffix: str, codec: str
) -> None:
    """A decoder that is made to seek between blocks starts afresh, with clicks, and complains on stderr."""
    path, rate = tmp_path / f"a.{suffix}", 24_000
    if codec == "VORBIS":
        sf.write(path, noise(rate * 2).T, rate)
    else:
        coded(path, noise(rate * 2), rate, codec)
    whole = sf.read(path, dtype="float32", always_2d=True)[0].T
    got = np.concatenate(list(audio.blocks(path, 1_000)), axis=1)
    assert got.shape == whole.shape and np.abs(got - whole).max() < 1e-5
    assert capfd.readouterr() == ("", "")


def test_mono_is_the_mean_at_the_rate_asked_for(tmp_path: Path) -> None:
    samples = np.stack([np.full(48_000, 0.5), np.full(48_000, -0.1)]).astype(np.float32)
    audio.write(tmp_path / "a.wav", samples, 48_000)
    mono = audio.read_mono(tmp_path / "a.wav", 16_000, 0, 24_000)
    assert mono.shape == (8_000,) and np.allclose(mono[1_000:-1_000], 0.2, atol=1e-4)
    assert np.allclose(audio.read_mono(tmp_path / "a.wav"), 0.2)


def test_written_wav_is_the_same_bytes_at_another_second(tmp_path: Path) -> None:
    samples = noise(5_000, 2)
    for name in "ab":
        with audio.Writer(tmp_path / f"{name}.wav", 44_100, 2) as writer:
            writer.write(samples[:, :3_000])
            writer.write(samples[:, 3_000:])
        time.sleep(1.05 if name == "a" else 0)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert (tmp_path / "a.wav").read_bytes().startswith(b"RIFF")
    assert np.array_equal(audio.read(tmp_path / "a.wav"), samples)


def test_decoding_copies_float_samples_and_tells_progress(tmp_path: Path) -> None:
    samples, seen = noise(audio.BLOCK * 2 + 5, 1), list[float]()
    audio.write(tmp_path / "a.wav", samples, 8_000)
    info = audio.decode(tmp_path / "a.wav", tmp_path / "b.wav", seen.append)
    assert info.frames == samples.shape[1] and np.array_equal(audio.read(tmp_path / "b.wav"), samples)
    assert seen[-1] == 1.0 and all(a < b for a, b in pairwise(seen))


@settings(max_examples=40)
@given(
    frames=st.integers(1, 30_000),
    size=st.integers(100, 9_000),
    rates=st.permutations([8_000, 16_000, 22_050, 24_000, 44_100, 48_000]),
)
def test_resampling_in_blocks_is_resampling_at_once(frames: int, size: int, rates: list[int]) -> None:
    samples, (from_rate, to_rate) = noise(frames, 2), rates[:2]
    parts = (samples[:, at : at + size] for at in range(0, frames, size))
    got = np.concatenate(list(audio.resample(parts, from_rate, to_rate)), axis=1)
    assert abs(got.shape[1] - frames * to_rate / from_rate) <= 0.5
    assert np.allclose(got, soxr.resample(samples.T, from_rate, to_rate).T, atol=1e-4)


def refused(path: Path) -> str:
    """What the user reads when the file is decoded; one line."""
    with pytest.raises(InputError) as caught:
        audio.decode(path, path.with_name("decoded.wav"))
    assert "\n" not in str(caught.value) and caught.value.hint
    return str(caught.value)


def test_a_mistyped_name_is_corrected(tmp_path: Path) -> None:
    (tmp_path / "podcast.mp3").touch()
    assert "did you mean podcast.mp3?" in refused(tmp_path / "podcats.mp3")
    assert "there is no folder" in refused(tmp_path / "no" / "podcast.mp3")


def test_what_is_no_file_or_empty_is_refused_at_once(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path)
    (tmp_path / "empty.wav").touch()
    assert "is empty" in refused(tmp_path / "empty.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    assert "device or a pipe" in refused(tmp_path / "pipe.wav")
    with pytest.raises(InputError, match="device or a pipe"):
        audio.probe(Path("/dev/null"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", noise(10), 8_000)
    (tmp_path / "a.wav").chmod(0)
    assert "may not be read" in refused(tmp_path / "a.wav")


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.m4a", "a.raw", "a.flac", "a"])
@pytest.mark.parametrize(
    "content",
    [b"Dear listener,\n" * 500, "Dear listener,\n".encode("utf-16") * 500, b"\0" * 5_000, bytes(range(256)) * 40],
)
def test_what_is_not_audio_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    message = refused(tmp_path / name)
    assert any(words in message for words in ("not audio", "no audio", "cannot be decoded")), message
    assert capfd.readouterr() == ("", "")  # libmpg123 likes to say more


def test_a_playlist_reaches_no_other_file(tmp_path: Path) -> None:
    audio.write(tmp_path / "secret.wav", noise(8_000), 8_000)
    playlist = f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/secret.wav\n#EXT-X-ENDLIST\n"
    (tmp_path / "a.mp3").write_text(playlist)
    assert "not audio" in refused(tmp_path / "a.mp3")
    (tmp_path / "b.m4a").write_text(f"ffconcat version 1.0\nfile {tmp_path}/secret.wav\n")
    assert "not audio" in refused(tmp_path / "b.m4a")


def test_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as new:
        stream: Any = new.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        new.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((96, 64), np.uint8), "yuv420p")))
        new.mux(stream.encode(None))
    assert "no audio track" in refused(tmp_path / "a.mp4")


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "m4a", "w64", "au", "rf64", "mp3"])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix in ("m4a", "mp3"):
        coded(path, noise(200_000), 48_000, "aac" if suffix == "m4a" else "libmp3lame")
    else:
        sf.write(path, noise(200_000).T, 48_000, "PCM_16", format=suffix.upper())
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    message = refused(path)
    assert any(word in message for word in ("cut off", "damaged", "not audio")), message


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    for suffix in ("wav", "aiff"):
        sf.write(tmp_path / f"a.{suffix}", np.zeros((0, 2)), 48_000)
        assert "holds no audio" in refused(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_not_numbers_are_located(tmp_path: Path, bad: float) -> None:
    samples = noise(audio.BLOCK + 20_000, 2)
    samples[1, audio.BLOCK + 8_000] = bad
    sf.write(tmp_path / "a.wav", samples.T, 8_000, "FLOAT")
    assert f"at {(audio.BLOCK + 8_000) / 8_000:.3f} s" in refused(tmp_path / "a.wav")


def test_streamed_wav_without_a_length_is_read(tmp_path: Path) -> None:
    """Programs that write to a pipe cannot go back and fill in the size."""
    audio.write(tmp_path / "a.wav", noise(8_000), 8_000, "PCM_16")
    whole = (tmp_path / "a.wav").read_bytes()
    at = whole.index(b"data") + 4
    (tmp_path / "b.wav").write_bytes(whole[:4] + b"\xff" * 4 + whole[8:at] + b"\xff" * 4 + whole[at + 4 :])
    assert audio.read(tmp_path / "b.wav").shape == (1, 8_000)
