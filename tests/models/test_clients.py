from __future__ import annotations

import dataclasses
import importlib.metadata
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hyperaudio.models import clients
from hyperaudio.models.model import Hub

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all pip may look at."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def silent(done: int) -> None:
    assert done >= 0


def test_pip_fetches_and_neither_installs_nor_runs(shelf: Path, tmp_path: Path, make_wheel: Any) -> None:
    marker = tmp_path / "ran"
    code = f"open({str(marker)!r}, 'w')".encode()
    wheel = make_wheel(shelf, "tinyweights", {"tinyweights/__init__.py": code, "tinyweights/a.bin": b"A"})
    clients.archive(wheel, tmp_path / "archive", silent)
    assert (tmp_path / "archive").read_bytes() == (shelf / "tinyweights-1.0-py3-none-any.whl").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["archive", "shelf"]
    assert "tinyweights" not in sys.modules
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("tinyweights")


def test_pip_refuses_another_archive_of_that_name(shelf: Path, tmp_path: Path, make_wheel: Any) -> None:
    wheel = dataclasses.replace(make_wheel(shelf, "tinyweights", {}), sha256="0" * 64)
    with pytest.raises(clients.FetchError):
        clients.archive(wheel, tmp_path / "archive", silent)
    assert not (tmp_path / "archive").exists()


def test_pip_fetches_the_pinned_wheel_of_another_platform(shelf: Path, tmp_path: Path, make_wheel: Any) -> None:
    made = make_wheel(shelf, "tinyweights", {"a.bin": b"A"}, tag="cp39-cp39-win_amd64")
    wheel = dataclasses.replace(made, target=("win_amd64", "3.9", "cp", "cp39"))
    clients.archive(wheel, tmp_path / "archive", silent)
    assert (tmp_path / "archive").stat().st_size == wheel.size


def test_what_pip_does_not_find_is_a_failure_in_one_line(shelf: Path, tmp_path: Path, make_wheel: Any) -> None:
    wheel = make_wheel(tmp_path, "tinyweights", {})
    with pytest.raises(clients.FetchError, match="tinyweights") as caught:
        clients.archive(wheel, tmp_path / "archive", silent)
    assert "\n" not in str(caught.value)


@needs_npm
def test_npm_fetches_and_runs_no_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_tarball: Any, npm_registry: Any
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    tarball = make_tarball(shelf, "tinyweights", {"package/a.bin": b"A"})
    with npm_registry(shelf) as address:
        monkeypatch.setenv("npm_config_registry", address)
        clients.archive(tarball, tmp_path / "archive", silent)
        with pytest.raises(clients.FetchError, match="404"):
            clients.archive(dataclasses.replace(tarball, name="nothing"), tmp_path / "other", silent)
    assert (tmp_path / "archive").read_bytes() == (shelf / "tinyweights-1.0.0.tgz").read_bytes()
    assert not (shelf / "ran").exists()


def test_without_npm_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_tarball: Any) -> None:
    tarball = make_tarball(tmp_path, "tinyweights", {})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(clients.UnreachableError, match="npm is not installed"):
        clients.archive(tarball, tmp_path / "archive", silent)


def test_an_unreachable_hub_is_given_up_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    begun = time.monotonic()
    with pytest.raises(clients.UnreachableError):
        clients.hub(Hub("nobody/nothing", {"a.bin": "a.bin"}), tmp_path, silent)
    assert time.monotonic() - begun < clients.HUB_PATIENCE + 5
