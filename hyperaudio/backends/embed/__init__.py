"""Backends for the task embed."""
