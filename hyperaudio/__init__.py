"""hyperaudio: replace one speaker's voice in a recording and leave everything else as it was.

    >>> import hyperaudio
    >>> done = hyperaudio.replace("podcast.mp3", {"SPEAKER_01": "ref.wav"})
    >>> done.output, done.quality.passed

Everything raised on purpose is a :class:`hyperaudio.HyperaudioError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hyperaudio.errors import HyperaudioError
    from hyperaudio.events import Event
    from hyperaudio.job import Job
    from hyperaudio.pipeline import run_stage
    from hyperaudio.replacement import Replacement, analyse, replace
    from hyperaudio.settings import Runtime

_HOMES = {
    "Event": "events",
    "HyperaudioError": "errors",
    "Job": "job",
    "Replacement": "replacement",
    "Runtime": "settings",
    "analyse": "replacement",
    "replace": "replacement",
    "run_stage": "pipeline",
}
__all__ = ["Event", "HyperaudioError", "Job", "Replacement", "Runtime", "analyse", "replace", "run_stage"]


def __getattr__(name: str) -> Any:
    # Late, so that importing the package costs nothing.
    if name not in _HOMES:
        raise AttributeError(f"module 'hyperaudio' has no attribute {name!r}")
    return getattr(import_module(f"hyperaudio.{_HOMES[name]}"), name)
