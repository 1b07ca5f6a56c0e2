"""Backends for the task separate."""
