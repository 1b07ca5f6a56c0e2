from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyperaudio import audio, backend
from hyperaudio.errors import InputError
from hyperaudio.reference import judge
from hyperaudio.settings import Runtime, resolve
from tests.conftest import Podcast

RATE = 16_000


@pytest.fixture(scope="module")
def embedder(models: Path) -> backend.Embedder:
    return backend.choose("embed", "wespeaker", resolve(backend.schema()), Runtime()).load()  # type: ignore[no-any-return]


def clip(path: Path, samples: np.ndarray) -> Path:
    audio.write(path, samples.astype(np.float32), RATE, "PCM_16")
    return path


def test_a_good_clip_passes_without_a_warning(podcast: Podcast, embedder: backend.Embedder) -> None:
    judged = judge(podcast.reference, "ref.wav", embedder)
    assert judged.warnings == () and judged.seconds > 8


def test_short_clipped_and_noisy_clips_are_used_with_a_warning(
    podcast: Podcast, embedder: backend.Embedder, tmp_path: Path
) -> None:
    voice = audio.read_mono(podcast.reference, RATE)
    short = judge(clip(tmp_path / "a.wav", voice[: 6 * RATE]), "a.wav", embedder)
    assert len(short.warnings) == 1 and "only" in short.warnings[0]
    clipped = judge(clip(tmp_path / "b.wav", np.clip(voice * 30, -1, 1)), "b.wav", embedder)
    assert any("clipped" in warning for warning in clipped.warnings)
    noise = 0.4 * np.sqrt(np.mean(voice**2)) * np.random.default_rng(0).normal(size=len(voice))
    noisy = judge(clip(tmp_path / "c.wav", voice + noise), "c.wav", embedder)
    assert any("noisy" in warning for warning in noisy.warnings)


def test_two_people_are_refused(podcast: Podcast, embedder: backend.Embedder, tmp_path: Path) -> None:
    both = np.concatenate([audio.read_mono(path, RATE)[: 6 * RATE] for path in podcast.clips.values()])
    with pytest.raises(InputError, match="more than one speaker"):
        judge(clip(tmp_path / "both.wav", both), "both.wav", embedder)
