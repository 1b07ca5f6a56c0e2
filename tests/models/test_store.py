from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hyperaudio.errors import MissingError
from hyperaudio.models import catalogue, store
from hyperaudio.models.model import Model

CONTENT = b"weights"


@pytest.fixture(autouse=True)
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a.bin": hashlib.sha256(CONTENT).hexdigest()}
    monkeypatch.setattr(catalogue, "CATALOGUE", (Model("m", "speak", "", "MIT", files, len(CONTENT), ()),))


def put(root: Path, content: bytes) -> Path:
    (root / "m").mkdir()
    (root / "m/a.bin").write_bytes(content)
    return root


def test_right_files_are_given_out(tmp_path: Path) -> None:
    put(tmp_path, CONTENT)
    assert store.present("m", tmp_path)
    assert store.path("m", tmp_path) == tmp_path / "m"


def test_absent_weights_come_with_the_command_that_brings_them(tmp_path: Path) -> None:
    assert not store.present("m", tmp_path)
    with pytest.raises(MissingError) as caught:
        store.path("m", tmp_path)
    assert caught.value.hint == "hyperaudio models pull m"


def test_damaged_weights_are_never_given_out(tmp_path: Path) -> None:
    put(tmp_path, b"weightz")
    assert store.present("m", tmp_path)
    with pytest.raises(MissingError, match="damaged"):
        store.path("m", tmp_path)


def test_a_file_cut_short_is_not_present(tmp_path: Path) -> None:
    assert not store.present("m", put(tmp_path, CONTENT[:-1]))


def test_a_file_is_read_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    digest = store.sha256
    monkeypatch.setattr(store, "sha256", lambda file: (read.append(file), digest(file))[1])
    put(tmp_path, CONTENT)
    for _ in range(3):
        store.path("m", tmp_path)
    assert len(read) == 1
    (tmp_path / "m/a.bin").write_bytes(b"something else")
    with pytest.raises(MissingError, match="damaged"):
        store.path("m", tmp_path)
