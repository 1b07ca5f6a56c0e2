from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hyperaudio.cli.models import app
from hyperaudio.errors import MissingError, UsageError
from hyperaudio.models import catalogue


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_list_says_what_is_here(models: Path, tmp_path: Path) -> None:
    (tmp_path / "ge2e").symlink_to(models / "ge2e")
    found = json.loads(run("list", "--json", "--folder", tmp_path).stdout)["models"]
    assert [model["name"] for model in found] == [model.name for model in catalogue.CATALOGUE]
    assert [model["name"] for model in found if model["present"]] == ["ge2e"]
    assert all(model["sources"] and model["licence"] and model["size"] for model in found)


def test_the_table_has_a_row_for_each_model(tmp_path: Path) -> None:
    table = run("list", "--folder", tmp_path).stdout
    assert all(model.name in table for model in catalogue.CATALOGUE)


def test_a_pull_of_what_is_here_prints_its_folder_and_no_more_on_stdout(models: Path, tmp_path: Path) -> None:
    for name in ("wespeaker-resnet34", "ge2e"):
        (tmp_path / name).symlink_to(models / name)
    result = run("pull", "wespeaker-resnet34", "ge2e", "ge2e", "--folder", tmp_path)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [str(tmp_path / "wespeaker-resnet34"), str(tmp_path / "ge2e")]
    assert "CC BY 4.0" in result.stderr
    assert run("path", "ge2e", "--folder", tmp_path).stdout.strip() == str(tmp_path / "ge2e")


def test_what_the_licence_restricts_is_shown_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("pull", "htdemucs", "--folder", tmp_path / "models")
    assert "personal and research use only" in result.stderr
    assert isinstance(result.exception, MissingError)
    assert "install Node.js" in result.exception.hint


def test_the_path_of_an_absent_model_is_exit_code_4(tmp_path: Path) -> None:
    result = run("path", "ge2e", "--folder", tmp_path)
    assert isinstance(result.exception, MissingError)
    assert result.exception.exit_code == 4
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["pull", "path"])
def test_a_wrong_name_is_a_usage_error_that_names_the_nearest(command: str, tmp_path: Path) -> None:
    result = run(command, "wisper-base", "--folder", tmp_path)
    assert isinstance(result.exception, UsageError)
    assert "whisper-base" in result.exception.hint
