from __future__ import annotations

import numpy as np

from hyperaudio import audio, demo
from hyperaudio.dsp import activity
from hyperaudio.timeline import intersect, merge
from tests.conftest import Podcast


def test_speech_is_found_where_it_is_and_no_music_in_it(podcast: Podcast) -> None:
    speech = audio.read_mono(podcast.mix, 16_000)
    found = activity.detect([speech[None, :100_000], speech[None, 100_000:]])
    truth = merge((s["start"], s["end"]) for s in podcast.truth["segments"])
    both = activity.total(intersect(found.speech, truth))
    assert both > 0.85 * activity.total(truth)
    assert activity.total(found.speech) - both < 0.15 * activity.total(truth)
    assert activity.total(found.music) < 1.5


def test_the_demos_bed_is_music_and_no_speech() -> None:
    bed = demo._bed(demo.RATE * 20, 3.0, 17.0)
    heard = np.concatenate(list(audio.resample([bed.mean(axis=0, keepdims=True)], demo.RATE, 16_000)), axis=1)
    found = activity.detect([heard])
    assert activity.total(found.music) > 18 and activity.total(found.speech) < 1


def test_a_gate_is_open_inside_and_shut_a_fade_outside() -> None:
    curve = activity.gate([(1.0, 2.0)], 0, 3000, 1000, 0.1)
    assert (curve[1000:2000] == 1).all() and (curve[:900] == 0).all() and (curve[2101:] == 0).all()
    parts = [activity.gate([(1.0, 2.0)], at, at + 500, 1000, 0.1) for at in range(0, 3000, 500)]
    assert np.array_equal(np.concatenate(parts), curve)
