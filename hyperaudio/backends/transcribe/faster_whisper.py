"""Whisper through faster-whisper (CTranslate2)."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from hyperaudio.backend import SPEECH_RATE, Samples, Transcription
from hyperaudio.errors import BackendError, ConfigError, MissingError
from hyperaudio.events import Progress
from hyperaudio.models import store
from hyperaudio.settings import Runtime, Section
from hyperaudio.timeline import Word, frames, merge, subtract

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

REVISION = 1
RANK = 10
PACKAGES = ("faster-whisper", "ctranslate2")


MISSED = 1.0
"""Seconds of speech without a word that are worth asking again."""
MARGIN = 0.2
"""Seconds of context for that."""
SURE, SILENT = -1.0, 0.6
"""Average log probability above, and probability of silence below which, a second answer counts; Whisper's own."""


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
    from ctranslate2 import get_cuda_device_count, set_random_seed
    from faster_whisper import WhisperModel

    set_random_seed(0)  # where Whisper is unsure it samples: the same speech is to give the same words

    wanted = runtime.device
    if wanted == "auto":
        wanted = "cuda" if get_cuda_device_count() else "cpu"
    if wanted.startswith("cuda") and not get_cuda_device_count():
        raise MissingError(f"device {wanted} is not there: CTranslate2 sees no CUDA", "use --device cpu")
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
        known = self._model.supported_languages
        if language is not None and language not in known:
            near = difflib.get_close_matches(language, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "use an ISO 639-1 code such as en"
            raise ConfigError(f"Whisper {self._settings.model} does not know the language {language}", hint)
        wanted = "en" if self._settings.model.endswith(".en") else language
        seconds = len(speech) / SPEECH_RATE
        try:
            segments, info = self._run(speech, wanted, self._settings.vad_filter)
            words: list[Word] = []
            for segment in segments:
                words += _words(segment, 0.0, seconds)
                progress(min(0.9, 0.9 * segment.end / seconds))
            if words:
                words = self._filled(words, speech, info.language)
        except (RuntimeError, ValueError) as error:
            raise BackendError(f"faster-whisper failed: {error}", "try --model tiny.en") from error
        progress(1.0)
        probability = float(info.language_probability)
        return Transcription(words, info.language, probability if math.isfinite(probability) else 0.0)

    def _run(self, speech: Samples, language: str | None, vad_filter: bool) -> tuple[Iterable[Any], Any]:
        return self._model.transcribe(
            speech,
            language=language,
            beam_size=self._settings.beam_size,
            vad_filter=vad_filter,
            word_timestamps=True,
            # A wrong word must not be fed on to what follows.
            condition_on_previous_text=False,
        )

    def _filled(self, words: list[Word], speech: Samples, language: str) -> list[Word]:
        """The words with those of speech that was passed over.

        Whisper at times ends a window of half a minute after its first sentence and takes the rest for
        silence. Where the detector hears speech and there is no word for a second, it is asked again.
        """
        from faster_whisper.vad import get_speech_timestamps

        spoken = [(s["start"] / SPEECH_RATE, s["end"] / SPEECH_RATE) for s in get_speech_timestamps(speech)]
        covered = merge(((word.start, word.end) for word in words), gap=MISSED)
        found = list(words)
        for start, end in subtract(spoken, covered):
            if end - start < MISSED:
                continue
            first = max(0, frames(start - MARGIN, SPEECH_RATE))
            part = speech[first : frames(end + MARGIN, SPEECH_RATE)]
            segments, _ = self._run(part, language, vad_filter=False)
            for segment in segments:
                if segment.avg_logprob > SURE and segment.no_speech_prob < SILENT:
                    again = _words(segment, first / SPEECH_RATE, len(speech) / SPEECH_RATE)
                    found += [word for word in again if start <= (word.start + word.end) / 2 <= end]
        return sorted(found, key=lambda word: (word.start, word.end))


def _words(segment: Any, offset: float, seconds: float) -> list[Word]:
    """The words of one of Whisper's segments, ``offset`` seconds later, within the recording's length."""
    found = []
    for word in segment.words or ():
        if text := word.word.strip():
            start = min(max(0.0, float(word.start) + offset), seconds)
            end = min(max(start, float(word.end) + offset), seconds)
            confidence = min(1.0, max(0.0, float(word.probability)))
            found.append(Word(start=start, end=end, text=text, confidence=confidence))
    return found
