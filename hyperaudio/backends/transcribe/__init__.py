"""Backends for the task transcribe."""
