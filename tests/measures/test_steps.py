from __future__ import annotations

import numpy as np
import pytest

from hyperaudio.measures import steps
from tests.conftest import Podcast

RATE = 44_100


def test_a_single_sample_stands_out_where_it_is_and_a_tone_does_not() -> None:
    tone = (0.3 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE))[None].astype(np.float32)
    assert steps.click(tone, RATE)[0] < 3
    clicked = tone.copy()
    clicked[0, 12_345] += 0.1
    sharp, at = steps.click(clicked, RATE)
    assert sharp > 100 and at == 12_345


def test_speech_has_no_click(podcast: Podcast) -> None:
    from hyperaudio import audio

    speech = audio.read(podcast.mix)
    rate = audio.probe(podcast.mix).rate
    usual, _ = steps.click(speech, rate)
    at = speech.shape[1] // 2
    speech[:, at] += 0.5
    sharp, found = steps.click(speech, rate)
    assert found == at and sharp > 2 * usual


def test_a_joint_is_the_step_over_what_is_around_it() -> None:
    wave = np.sin(2 * np.pi * np.arange(882) / 882).astype(np.float32)[None]
    stepped = np.repeat(np.array([[-0.5, 0.5]], np.float32), 441, axis=1)
    assert steps.joint(wave) < 0.02
    assert steps.joint(stepped) == pytest.approx(1.0 / 0.5, rel=0.01)


def test_too_short_for_a_click() -> None:
    assert steps.click(np.ones((2, 2), np.float32), RATE) == (0.0, 0)
