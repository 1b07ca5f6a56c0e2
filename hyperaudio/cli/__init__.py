"""The command line. stdout carries results only; stderr carries progress, notes and errors."""

from __future__ import annotations


def main() -> None:
    """Entry point of the ``hyperaudio`` command."""
    from hyperaudio.cli.app import run

    run()
