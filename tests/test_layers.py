"""A module imports only from rows above its own, and nothing imports a backend by name."""

from __future__ import annotations

import ast
from pathlib import Path

import hyperaudio

PACKAGE = Path(hyperaudio.__file__).parent
ROWS = (
    "__init__",
    "errors",
    "events",
    "timeline",
    "tags",
    "ffmpeg",
    "wav",
    "audio",
    "pcm",
    "files",
    "settings",
    "models",
    "fingerprint",
    "job",
    "backend",
    "dsp",
    "editing measures",
    "backends",
    "reference",
    "stage",
    "delivery subtitles",
    "stages",
    "pipeline",
    "speakers",
    "replacement demo",
    "cli",
    "__main__",
)
ROW = {name: row for row, names in enumerate(ROWS) for name in names.split()}


def _imports(path: Path) -> set[str]:
    """Modules of the package that a file imports at its top level."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "hyperaudio":
            parts = node.module.split(".")[1:]
            found |= {".".join(parts)} if parts else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix("hyperaudio.") for a in node.names if a.name.startswith("hyperaudio.")}
    return found


def test_imports_point_upwards() -> None:
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        own = path.relative_to(PACKAGE).with_suffix("").parts[0]
        for name in _imports(path):
            top = name.split(".")[0]
            if top in ROW and top != own and ROW[top] >= ROW[own]:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert wrong == []


def test_no_module_outside_them_imports_a_backend() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] != "backends"
        for name in _imports(path)
        if name.startswith("backends.")
    ]
    assert wrong == []
