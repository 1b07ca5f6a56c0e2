from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from hyperaudio.errors import ConfigError, UsageError
from hyperaudio.models import catalogue, store
from hyperaudio.models.catalogue import CATALOGUE
from hyperaudio.models.model import Model, Packages


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.name)
def test_every_file_has_a_digest_and_a_source_without_an_account(model: Model) -> None:
    open_to_all = {path for source in model.sources if isinstance(source, Packages) for path in source.files}
    assert open_to_all == set(model.files)
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in model.files.values())
    assert all(set(source.files) <= set(model.files) for source in model.sources)


def test_pinned_archives_are_pinned_once() -> None:
    archives = [a for m in CATALOGUE for s in m.sources if isinstance(s, Packages) for a in s.archives]
    assert (
        len({(type(a), a.name, a.version) for a in archives}) == len({a.sha256 for a in archives}) == len(set(archives))
    )


def test_names_are_unique() -> None:
    assert len({model.name for model in CATALOGUE}) == len(CATALOGUE)


def test_the_starter_set_serves_every_task() -> None:
    assert {model.task for model in CATALOGUE if model.starter} >= {
        "separate",
        "diarize",
        "transcribe",
        "embed",
        "speak",
    }


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="htdemucs"):
        catalogue.find("htdemux")


def test_identity_follows_the_bytes_and_nothing_else() -> None:
    model = catalogue.find("ge2e")
    assert dataclasses.replace(model, summary="other words", sources=()).identity == model.identity
    assert dataclasses.replace(model, files={"pretrained.pt": "0" * 64}).identity != model.identity


@pytest.mark.parametrize("path", ["../evil", "/etc/evil", "a/../../evil", "a\\..\\evil", "c:evil", ""])
def test_no_model_reaches_out_of_its_folder(path: str) -> None:
    with pytest.raises(ConfigError, match="out of its folder"):
        dataclasses.replace(catalogue.find("ge2e"), files={path: "0" * 64})


@pytest.mark.parametrize("name", [model.name for model in CATALOGUE if model.starter])
def test_the_pulled_files_are_those_of_the_catalogue(name: str, models: Path) -> None:
    assert store.present(name, models)
    assert store.path(name, models) == models / name
