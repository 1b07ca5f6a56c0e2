"""Whisper through faster-whisper (CTranslate2)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from hyperaudio.backend import SPEECH_RATE, Samples, Transcription
from hyperaudio.errors import BackendError
from hyperaudio.events import Progress
from hyperaudio.models import store
from hyperaudio.settings import Runtime, Section
from hyperaudio.timeline import Word

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

REVISION = 1
RANK = 10
PACKAGES = ("faster-whisper", "ctranslate2")


class Settings(Section):
    model: Literal["base", "tiny.en"] = "base"
    """Size of the Whisper model; tiny.en knows English only."""
    beam_size: int = 5
    """Hypotheses kept while decoding; more is slower and seldom worse."""
    vad_filter: bool = True
    """Leave out stretches without speech, where Whisper tends to invent words."""


def WEIGHTS(settings: Settings) -> tuple[str, ...]:  # noqa: N802 - the contract's name
    return (f"whisper-{settings.model}",)


def load(settings: Settings, runtime: Runtime) -> FasterWhisper:
    from ctranslate2 import get_cuda_device_count
    from faster_whisper import WhisperModel

    wanted = runtime.device
    if wanted == "auto":
        wanted = "cuda" if get_cuda_device_count() else "cpu"
    folder = store.path(f"whisper-{settings.model}", runtime.models)
    device, _, index = wanted.partition(":")
    model = WhisperModel(
        str(folder),
        device=device,
        device_index=int(index or 0),
        compute_type="int8" if device == "cpu" else "default",
        cpu_threads=runtime.threads,
        local_files_only=True,
    )
    return FasterWhisper(model, settings)


class FasterWhisper:
    """Keeps the Transcriber protocol."""

    def __init__(self, model: WhisperModel, settings: Settings) -> None:
        self._model, self._settings = model, settings

    def transcribe(self, speech: Samples, language: str | None, progress: Progress) -> Transcription:
        options: dict[str, Any] = {
            "language": "en" if self._settings.model.endswith(".en") else language,
            "beam_size": self._settings.beam_size,
            "vad_filter": self._settings.vad_filter,
            "word_timestamps": True,
            # A wrong word must not be fed on to what follows.
            "condition_on_previous_text": False,
        }
        seconds = len(speech) / SPEECH_RATE
        words: list[Word] = []
        try:
            segments, info = self._model.transcribe(speech, **options)
            for segment in segments:
                for word in segment.words or ():
                    if text := word.word.strip():
                        start = max(0.0, float(word.start))
                        words.append(
                            Word(
                                start=start,
                                end=min(max(start, float(word.end)), seconds),
                                text=text,
                                confidence=min(1.0, max(0.0, float(word.probability))),
                            )
                        )
                progress(min(1.0, segment.end / seconds))
        except (RuntimeError, ValueError) as error:
            raise BackendError(f"faster-whisper failed: {error}", "try --faster-whisper-model tiny.en") from error
        probability = float(info.language_probability)
        return Transcription(words, info.language, probability if math.isfinite(probability) else 0.0)
