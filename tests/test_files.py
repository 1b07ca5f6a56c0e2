from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from pydantic import BaseModel

from hyperaudio.errors import InputError, JobError
from hyperaudio.files import folder_commit, locked, read_json, recover, sha256, write_json, write_text


class Thing(BaseModel):
    count: int


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "stage"
    with pytest.raises(RuntimeError), folder_commit(target) as scratch:
        (scratch / "a.txt").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with folder_commit(target) as scratch:
        (scratch / "a.txt").write_text("whole")
    assert (target / "a.txt").read_text() == "whole"
    assert [p.name for p in tmp_path.iterdir()] == ["stage"]


def test_a_failed_rerun_leaves_the_older_folder(tmp_path: Path) -> None:
    target = tmp_path / "stage"
    with folder_commit(target) as scratch:
        (scratch / "a.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), folder_commit(target) as scratch:
        (scratch / "a.txt").write_text("new")
        raise KeyboardInterrupt
    assert (target / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["stage"]


def test_recover_brings_back_what_a_kill_between_two_renames_set_aside(tmp_path: Path) -> None:
    (tmp_path / ".stage.old").mkdir()
    (tmp_path / ".stage.old" / "a.txt").write_text("old")
    (tmp_path / ".stage.new").mkdir()
    (tmp_path / ".job.json.new").write_text("{")
    recover(tmp_path)
    assert (tmp_path / "stage" / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["stage"]


def test_json_that_does_not_fit_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "thing.json"
    write_json(path, Thing(count=3))
    assert read_json(path, Thing).count == 3
    path.write_text('{"count": "many"}')
    with pytest.raises(JobError, match=r"thing\.json does not fit: count"):
        read_json(path, Thing)
    with pytest.raises(JobError, match="missing"):
        read_json(tmp_path / "none.json", Thing)


def test_a_text_that_cannot_be_written_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        write_text(tmp_path / "no" / "a.txt", "x")


def test_digest_is_of_the_content(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"same")
    assert sha256(tmp_path / "a") == sha256(tmp_path / "b")


def _hold(folder: str, ready, go) -> None:  # type: ignore[no-untyped-def]
    with locked(Path(folder)):
        ready.set()
        go.wait(30)


def test_a_second_process_is_refused_and_a_dead_ones_lock_is_free(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, go = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(tmp_path), ready, go))
    process.start()
    assert ready.wait(60)
    with pytest.raises(JobError, match="in use"), locked(tmp_path):
        pass
    process.kill()
    process.join(30)
    with locked(tmp_path):
        pass
