"""Backends for the task speak."""
