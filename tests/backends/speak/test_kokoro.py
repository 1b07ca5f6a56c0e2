from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from hyperaudio.backend import Line, Reference
from hyperaudio.backends.embed import wespeaker
from hyperaudio.backends.speak import _english, _layout, _script, _voices, kokoro
from hyperaudio.backends.speak._graph import Kokoro
from hyperaudio.dsp import alignment, pitch
from hyperaudio.errors import BackendError
from hyperaudio.events import no_progress
from hyperaudio.settings import Runtime
from hyperaudio.timeline import Word

RATE = 16_000
TEXT = ["what", "do", "i", "here", "seek"]


@pytest.fixture(scope="module")
def speaker(data: Path) -> Reference:
    samples, rate = soundfile.read(data / "voices/ls2414/2414-128291-0003.flac", dtype="float32")
    return Reference(samples, rate)


@pytest.fixture(scope="module")
def few(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Kokoro:
    """The model with two of its voices, in a folder of its own."""
    folder = tmp_path_factory.mktemp("kokoro")
    (folder / "voices").mkdir()
    for file in ("kokoro-v1.0.int8.onnx", "vocab.json", "voices/af_heart.bin", "voices/bm_george.bin"):
        (folder / file).symlink_to(models / "kokoro-82m" / file)
    return Kokoro(folder)


@pytest.fixture(scope="module")
def voice(few: Kokoro, models: Path, data: Path, speaker: Reference) -> kokoro.KokoroVoice:
    samples, rate = soundfile.read(data / "voices/p226/p226_003.flac", dtype="float32")
    runtime = Runtime(threads=1, models=models)
    embedder = wespeaker.load(wespeaker.Settings(), runtime)
    synthesizer = kokoro.Synthesizer(few, kokoro.Settings(), runtime)
    return synthesizer.voice(Reference(samples, rate), speaker, embedder, no_progress)


@pytest.fixture(scope="module")
def line(speaker: Reference) -> Line:
    length = len(speaker.samples) / speaker.rate
    edges = np.linspace(0.3, length - 0.2, len(TEXT) + 1)
    words = [Word(start=a, end=b, text=t) for a, b, t in zip(edges, edges[1:], TEXT, strict=False)]
    return Line(" ".join(TEXT), words, "en", speaker.samples, speaker.rate)


def active(samples: np.ndarray) -> tuple[float, float]:
    level = alignment.levels(samples)
    loud = np.flatnonzero(level > level.max() - 30) * alignment.STEP
    return float(loud[0]), float(loud[-1])


def test_a_mans_reference_gets_a_mans_voice(voice: kokoro.KokoroVoice, few: Kokoro) -> None:
    assert voice.figures["voice"] == "bm_george"
    assert voice.figures["runner_up"] == "af_heart"
    assert len(list(few.folder.glob("voices-*.cache.json"))) == 1


def test_a_take_lies_where_the_original_lies(voice: kokoro.KokoroVoice, line: Line) -> None:
    take = voice.take(line)
    assert take.samples.shape == line.original.shape
    assert take.samples.dtype == np.float32
    assert np.abs(np.subtract(active(take.samples), active(line.original))).max() <= 0.08
    median = pitch.median(pitch.contour(take.samples, RATE))
    assert median == pytest.approx(float(voice.figures["reference_pitch_hz"]), rel=0.2)
    assert np.array_equal(voice.take(line).samples, take.samples)


def test_a_pause_of_the_original_stays_one_where_the_model_makes_none(
    voice: kokoro.KokoroVoice, few: Kokoro, speaker: Reference
) -> None:
    sound, times = _voices.timed(few, ("af_heart",), "The old clock stopped at half past nine.")
    cut = round((times[3][2] + 0.0125) * 24_000)
    noise = np.random.default_rng(0).standard_normal(14_400).astype(np.float32) * 1e-3
    original = np.concatenate([sound[:cut], noise, sound[cut:]])
    words = [Word(start=a + 0.6 * (k > 3), end=b + 0.6 * (k > 3), text=t) for k, (t, a, b) in enumerate(times)]
    line = Line("", words, "en", original, 24_000)
    said = soxr.resample(voice.take(line).samples, 24_000, RATE)
    level = alignment.levels(said)
    loud = level > level.max() - 30
    pause = slice(round((cut / 24_000 + 0.15) / alignment.STEP), round((cut / 24_000 + 0.5) / alignment.STEP))
    assert not loud[pause].any()
    assert np.abs(np.subtract(active(said), active(soxr.resample(original, 24_000, RATE)))).max() <= 0.1


def test_another_attempt_says_it_another_way_at_the_same_places(voice: kokoro.KokoroVoice, line: Line) -> None:
    best, *others = (voice.take(dataclasses.replace(line, attempt=attempt)) for attempt in (0, 1, 2))
    assert [take.figures["timing"] for take in others] == ["render", "stretch"]
    for take in others:
        assert not np.array_equal(take.samples, best.samples)
        assert np.abs(np.subtract(active(take.samples), active(line.original))).max() <= 0.1


def test_without_prosody_the_melody_is_the_voices_own(voice: kokoro.KokoroVoice, line: Line) -> None:
    flat = dataclasses.replace(line, prosody=0.0)
    own, given, source = (
        pitch.contour(samples, RATE) for samples in (voice.take(flat).samples, voice.take(line).samples, line.original)
    )

    def apart(contour: np.ndarray) -> float:
        """From the original's melody, octaves in the median."""
        both = (contour > 0) & (source > 0)
        difference = np.log2(contour[both] / source[both])
        return float(np.median(np.abs(difference - np.median(difference))))

    assert apart(given) < 0.7 * apart(own)


def test_a_melody_is_blended_by_its_share() -> None:
    own = np.array([0, 100, 120, 110, 0], np.float32)
    original = np.full(50, 220.0)
    times = np.linspace(0, 0.2, 5)
    none, half, whole = (_script.Melody(original, (220.0, 150.0), share).moved(own, times) for share in (0, 0.5, 1))
    assert np.allclose(none, own * 150 / 110)
    assert np.allclose(whole[1:4], 150)
    assert np.allclose(half[1:4], np.sqrt(none[1:4] * 150))
    assert (whole[[0, 4]] < _script.VOICED).all()


def test_what_cannot_be_pronounced_is_an_error(voice: kokoro.KokoroVoice, line: Line) -> None:
    dots = Line("...", [Word(start=0, end=1, text="...")], "en", line.original, line.rate)
    with pytest.raises(BackendError, match="no phonemes"):
        voice.take(dots)
    with pytest.raises(BackendError, match="no words"):
        voice.take(Line("", [], "en", line.original, line.rate))
    with pytest.raises(BackendError, match="silence where"):
        voice.take(Line(line.text, line.words, "en", np.zeros_like(line.original), line.rate))


def test_too_many_words_for_the_time_are_an_error(voice: kokoro.KokoroVoice, line: Line) -> None:
    words = [Word(start=0, end=0.2, text="incomprehensibilities") for _ in range(3)]
    with pytest.raises(BackendError, match="cannot time"):
        voice.take(Line("", words, "en", line.original[:4000], line.rate))


def test_long_lines_are_parted_in_their_longest_pauses() -> None:
    words = [Word(start=t, end=t + 0.4, text="a") for t in np.arange(0, 50, 0.5)]
    words = [w.model_copy(update={"start": w.start + (w.start >= 24), "end": w.end + (w.start >= 24)}) for w in words]
    parts = _layout.parted(words, 0.0, 51.0, len)
    assert [w for part, _, _ in parts for w in part] == words
    assert all(end - start <= _layout.LONGEST for _, start, end in parts)
    assert any(23.9 <= end <= 25.0 for _, _, end in parts)
    assert [start for _, start, _ in parts] == [0.0, *(end for _, _, end in parts[:-1])]


def test_a_damaged_cache_of_voices_is_made_anew(few: Kokoro, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_voices, "SENTENCES", ("Good morning to you.",))
    embedder = wespeaker.load(wespeaker.Settings(), Runtime(threads=1, models=models))
    before = set(few.folder.glob("*.json"))
    first = _voices.known(few, embedder, "x", no_progress)
    (file,) = set(few.folder.glob("*.json")) - before
    whole = file.read_bytes()
    file.write_text("{")
    assert _voices.known(few, embedder, "x", no_progress).keys() == first.keys()
    assert file.read_bytes() == whole


def test_a_word_alone_is_said_with_the_style_of_a_whole_line(few: Kokoro) -> None:
    known = frozenset(few.vocabulary)

    def style(text: str) -> np.ndarray:
        spoken = _english.pronounce(text.split(), known, british=False)
        return _script.written(few, "af_heart", spoken).style

    def away(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.linalg.norm(one - other) / np.linalg.norm(other))

    usual = style(" ".join(TEXT * 8))
    assert away(few.style("af_heart", 3), usual) > 0.4
    assert away(style("Yes."), usual) < 0.15
