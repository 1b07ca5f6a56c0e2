from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from hyperaudio import pipeline
from hyperaudio.errors import ConfigError
from hyperaudio.settings import Layer, from_environment, from_pairs, from_toml, resolve, to_toml

CONFIGS = Path(__file__).parents[1] / "configs"


def test_later_layers_win_and_only_what_was_given_is_remembered() -> None:
    settings = resolve(
        pipeline.schema(),
        Layer("a", {"transcribe.language": "de", "transcribe.pause": 1.0}),
        Layer("b", {"transcribe.language": "en"}),
    )
    assert settings["transcribe"].language == "en"  # type: ignore[attr-defined]
    assert settings.given == {"transcribe.language": "en", "transcribe.pause": 1.0}


def test_none_takes_off_what_was_set() -> None:
    before = Layer("the job", {"reconstruct.master_lufs": -16.0, "transcribe.language": "de"})
    settings = resolve(pipeline.schema(), before, from_pairs(["reconstruct.master_lufs=none"]))
    assert settings["reconstruct"].master_lufs is None  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="fade"):
        resolve(pipeline.schema(), from_pairs(["reconstruct.fade=none"]))


def test_environment_and_pairs_reach_backends_too() -> None:
    environment = from_environment(
        {"HYPERAUDIO_SEPARATE__HTDEMUCS__OVERLAP": "0.1", "HYPERAUDIO_MODELS": "/x", "A": "b"}
    )
    settings = resolve(pipeline.schema(), environment, from_pairs(["transcribe.faster_whisper.beam_size=2"]))
    assert settings.given == {"separate.htdemucs.overlap": 0.1, "transcribe.faster_whisper.beam_size": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[transcribe]\nbeem_size = 3", "did you mean"),
        ("[transcrib]\nlanguage = 'en'", "did you mean transcribe.language"),
        ("[transcribe]\npause = 'long'", "transcribe.pause = 'long'"),
        ("[diarize]\nnum_speakers = 0", "diarize.num_speakers"),
        ("[diarize]\nmin_speakers = 3\nmax_speakers = 2", "does not hold"),
        ("[transcribe\n", "no TOML"),
    ],
)
def test_a_wrong_setting_is_said_with_its_file(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        resolve(pipeline.schema(), from_toml(path))
    assert said in str(caught.value)
    assert "my.toml" in str(caught.value)


def test_the_printed_toml_is_the_defaults_and_the_shipped_one() -> None:
    text = to_toml(pipeline.schema())
    assert (
        resolve(pipeline.schema(), Layer("x", dict(_flat(tomli.loads(text))))).sections
        == resolve(pipeline.schema()).sections
    )
    assert (CONFIGS / "default.toml").read_text() == text, "run: hyperaudio settings > configs/default.toml"


def _flat(tree: dict, prefix: str = ""):  # type: ignore[no-untyped-def]
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def test_every_setting_is_described() -> None:
    for name, section in pipeline.schema().items():
        for field, info in section.model_fields.items():
            assert info.description, f"{name}.{field}"
