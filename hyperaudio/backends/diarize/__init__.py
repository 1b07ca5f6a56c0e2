"""Backends for the task diarize."""
