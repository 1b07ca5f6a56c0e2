"""Every error hyperaudio raises on purpose, each with the exit code the command line gives it.

A message says what went wrong and where; a hint says what to do next. Only the command line
catches these; a library caller gets the exception itself.
"""

from __future__ import annotations

from typing import ClassVar


class HyperaudioError(Exception):
    """Base of the tree.

    Args:
        message: what went wrong and where, in one line.
        hint: what to do next, in one line; may be empty.
    """

    exit_code: ClassVar[int] = 1
    meaning: ClassVar[str] = "a bug: an unexpected exception"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = " ".join(message.split())
        self.hint = " ".join(hint.split())

    def __str__(self) -> str:
        return f"{self.message} - {self.hint}" if self.hint else self.message


class UsageError(HyperaudioError):
    """The command was called with options that do not go together."""

    exit_code = 2
    meaning = "usage"


class InputError(HyperaudioError):
    """The user's file or choice cannot be worked with."""

    exit_code = 3
    meaning = "bad input (missing, unreadable, empty, silent, no such speaker, reference too short ...)"


class MissingError(HyperaudioError):
    """A package or the weights of a model are not there."""

    exit_code = 4
    meaning = "a dependency or weights are missing; the message has the command that brings them"


class ConfigError(HyperaudioError):
    """A setting is unknown or has a value it cannot take."""

    exit_code = 5
    meaning = "configuration"


class BackendError(HyperaudioError):
    """A model failed while it ran."""

    exit_code = 6
    meaning = "a backend failed"


class JobError(HyperaudioError):
    """The job folder is locked by another run, or damaged."""

    exit_code = 7
    meaning = "the job is locked or damaged"


class BatchError(HyperaudioError):
    """Some files of a batch failed; the others are done."""

    exit_code = 8
    meaning = "some files of a batch failed"


class VerificationError(HyperaudioError):
    """The result was written, but a figure misses its threshold."""

    exit_code = 9
    meaning = "verification fell short (the result is written all the same)"


INTERRUPTED = 130


def exit_codes() -> list[tuple[int, str]]:
    """The whole table, ascending: what each exit code of the command line means."""
    tree: list[type[HyperaudioError]] = [HyperaudioError, *HyperaudioError.__subclasses__()]
    rows = {error.exit_code: error.meaning for error in tree}
    return sorted({0: "success", INTERRUPTED: "interrupted", **rows}.items())
