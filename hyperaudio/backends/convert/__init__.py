"""Backends for the task convert."""
