"""Backends by task; a module's place is its registration. Nothing imports them by name."""
