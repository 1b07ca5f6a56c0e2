"""Tiny registry packages, and a registry for npm, made on the spot: fixtures that give the functions."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from hyperaudio.models.model import Tarball, Wheel

MakeWheel = Callable[..., Wheel]
MakeTarball = Callable[[Path, str, dict[str, bytes]], Tarball]


@pytest.fixture
def make_wheel() -> MakeWheel:
    return _wheel


@pytest.fixture
def make_tarball() -> MakeTarball:
    return _tarball


@pytest.fixture
def npm_registry() -> Callable[[Path], AbstractContextManager[str]]:
    return _npm_registry


def _wheel(folder: Path, name: str, members: dict[str, bytes], tag: str = "py3-none-any") -> Wheel:
    """A wheel of version 1.0 in ``folder`` that pip takes."""
    file = folder / f"{name}-1.0-{tag}.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        for path, content in members.items():
            archive.writestr(path, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "")
    content = file.read_bytes()
    return Wheel(name, "1.0", hashlib.sha256(content).hexdigest(), len(content))


def _tarball(folder: Path, name: str, members: dict[str, bytes]) -> Tarball:
    """An npm package of version 1.0.0 in ``folder``, whose install scripts would leave a mark."""
    scripts = dict.fromkeys(("preinstall", "install", "postinstall", "prepare", "prepack"), f"touch {folder}/ran")
    manifest = json.dumps({"name": name, "version": "1.0.0", "scripts": scripts}).encode()
    file = folder / f"{name}-1.0.0.tgz"
    with tarfile.open(file, "w:gz") as archive:
        for path, content in {"package/package.json": manifest, **members}.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    content = file.read_bytes()
    return Tarball(name, "1.0.0", hashlib.sha256(content).hexdigest(), len(content))


@contextmanager
def _npm_registry(folder: Path) -> Iterator[str]:
    """Serves the tarballs of a folder as npm's registry does; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            file = folder / (name if name.endswith(".tgz") else f"{name}-1.0.0.tgz")
            if not file.is_file():
                self.send_error(404)
                return
            body = file.read_bytes()
            if not name.endswith(".tgz"):
                dist = {"tarball": f"{address}/{file.name}", "shasum": hashlib.sha1(body).hexdigest()}
                version = {"name": name, "version": "1.0.0", "dist": dist}
                body = json.dumps(
                    {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
                ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield address
        finally:
            server.shutdown()
            thread.join()
