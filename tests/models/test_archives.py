from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from hyperaudio.models import archives
from hyperaudio.models.archives import ArchiveError


def wheel(file: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def tarball(file: Path, members: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return file


@pytest.mark.parametrize("pack", [wheel, tarball])
def test_only_named_members_come_out_and_only_to_their_places(pack, tmp_path: Path) -> None:
    archive = pack(tmp_path / "archive", {"p/a.bin": b"A", "p/run.py": b"boom", "../../evil": b"E", "/etc/evil": b"E"})
    out = tmp_path / "out"
    archives.extract(archive, {"p/a.bin": out / "1", "../../evil": out / "2"})
    assert {file.relative_to(tmp_path).as_posix(): file.read_bytes() for file in out.rglob("*")} == {
        "out/1": b"A",
        "out/2": b"E",
    }
    assert not (tmp_path.parent.parent / "evil").exists()


def test_a_link_is_no_file(tmp_path: Path) -> None:
    archive = tarball(tmp_path / "archive", {}, {"p/a.bin": "/etc/passwd"})
    with pytest.raises(ArchiveError, match=r"no file p/a\.bin"):
        archives.extract(archive, {"p/a.bin": tmp_path / "out"})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("pack", [wheel, tarball])
def test_an_absent_member_is_named(pack, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"b\.bin"):
        archives.extract(pack(tmp_path / "archive", {"a.bin": b"A"}), {"b.bin": tmp_path / "out"})


@pytest.mark.parametrize(
    "content", [b"", b"no archive at all", b"\x1f\x8b\x08\x00 half a gzip", b"PK\x03\x04 half a zip"]
)
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(ArchiveError, match="archive"):
        archives.extract(tmp_path / "archive", {"a.bin": tmp_path / "out"})


def test_a_tarball_cut_short_is_refused(tmp_path: Path) -> None:
    whole = tarball(tmp_path / "whole", {"a.bin": bytes(range(256)) * 4000, "b.bin": b"B"}).read_bytes()
    (tmp_path / "archive").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArchiveError):
        archives.extract(tmp_path / "archive", {"b.bin": tmp_path / "out"})


def test_parts_are_joined_in_order(tmp_path: Path) -> None:
    parts = [tmp_path / name for name in ("2", "0", "1")]
    for part in parts:
        part.write_text(part.name)
    archives.join(parts, tmp_path / "deep/whole")
    assert (tmp_path / "deep/whole").read_text() == "201"
    assert not any(part.exists() for part in parts)
