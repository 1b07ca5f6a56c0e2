from __future__ import annotations

from hyperaudio.subtitles import LONGEST, plain, srt, vtt
from hyperaudio.timeline import Utterance, Word


def utterance(text: str, start: float = 3661.5) -> Utterance:
    words = tuple(Word(start=start + k, end=start + k + 0.5, text=word) for k, word in enumerate(text.split()))
    return Utterance(start=start, end=words[-1].end, speaker="SPEAKER_00", words=words)


def test_srt_counts_from_one_and_has_commas() -> None:
    assert srt([utterance("Good evening.")]) == "1\n01:01:01,500 --> 01:01:03,000\n[SPEAKER_00] Good evening.\n\n"


def test_vtt_has_a_head_points_and_escaped_text() -> None:
    text = vtt([utterance("Tom & <Jerry>")])
    assert text.startswith("WEBVTT\n\n01:01:01.500 --> 01:01:04.000\n<v SPEAKER_00>Tom &amp; &lt;Jerry&gt;\n")


def test_plain_text_is_a_line_an_utterance() -> None:
    assert plain([utterance("Yes."), utterance("No.", 1.0)]).splitlines()[1] == "[00:00:01.000] SPEAKER_00: No."


def test_long_utterances_become_cues_that_fit_two_lines_and_lose_no_word() -> None:
    text = " ".join(["patience"] * 60)
    cues = [
        block.splitlines()[2].removeprefix("[SPEAKER_00] ") for block in srt([utterance(text)]).strip().split("\n\n")
    ]
    assert " ".join(cues) == text and all(len(cue) <= LONGEST for cue in cues)
