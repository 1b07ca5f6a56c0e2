"""The command line. stdout carries results only; stderr carries progress, notes and errors."""

from __future__ import annotations

import sys

from hyperaudio.errors import INTERRUPTED


def main() -> None:
    """Entry point of the ``hyperaudio`` command."""
    try:
        from hyperaudio.cli.app import run
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    run()
