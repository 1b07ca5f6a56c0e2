from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hyperaudio.errors import MissingError
from hyperaudio.files import sha256
from hyperaudio.models import htdemucs, store

SEGMENT = 343_980
"""Frames the exported graph is fixed to."""


@pytest.fixture(scope="module")
def repository(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("htdemucs")
    (folder / htdemucs.ONNX).symlink_to(store.path(htdemucs.NAME, models) / htdemucs.ONNX)
    return htdemucs.repository(folder)


def test_demucs_and_the_onnx_runtime_agree(repository: Path, data: Path) -> None:
    """The proof of the conversion: one segment, noise and then speech under music, through both, all four stems."""
    import onnxruntime
    import torch
    from demucs.pretrained import get_model

    torch.set_num_threads(2)
    network = get_model(htdemucs.NAME, repo=repository).models[0]
    mix, _ = soundfile.read(
        data / "podcasts/dev2_120s_2spk_music/mix.flac", start=5 * 44_100, frames=SEGMENT, dtype="float32"
    )
    heard = mix.T / mix.std()
    heard[:, : SEGMENT // 2] = np.random.default_rng(0).standard_normal((2, SEGMENT // 2))
    samples = torch.from_numpy(heard)[None]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(repository / htdemucs.ONNX, options, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        ours = network(samples)
        spectrum = network._spec(samples)
        inputs = (samples.numpy(), network._magnitude(spectrum).numpy())
        names = (entry.name for entry in session.get_inputs())
        frequency, time = map(torch.from_numpy, session.run(None, dict(zip(names, inputs, strict=True))))
        theirs = network._ispec(network._mask(spectrum, frequency), SEGMENT) + time
    largest = float((ours - theirs).abs().max() / theirs.abs().max())
    overall = float((ours - theirs).norm() / theirs.norm())
    print(f"largest difference {largest:.1e} of the peak, overall {overall:.1e}")
    assert largest < 1e-3
    assert overall < 1e-3


def test_the_same_onnx_gives_the_same_bytes_and_damage_is_mended(repository: Path) -> None:
    (weights,) = repository.glob("*.th")
    before = sha256(weights)
    listed = (repository / "htdemucs.yaml").stat().st_mtime_ns
    htdemucs.repository(repository)
    assert (repository / "htdemucs.yaml").stat().st_mtime_ns == listed
    with weights.open("r+b") as stream:
        stream.seek(1_000_000)
        stream.write(b"damage")
    htdemucs.repository(repository)
    assert [sha256(file) for file in repository.glob("*.th")] == [before]
    assert sorted(file.name for file in repository.iterdir()) == [htdemucs.ONNX, "htdemucs.yaml", weights.name]


def test_another_graph_is_refused(models: Path, tmp_path: Path) -> None:
    shutil.copy(models / "wespeaker-resnet34/speaker_verification.onnx", tmp_path / htdemucs.ONNX)
    with pytest.raises(MissingError, match="not the export of HTDemucs"):
        htdemucs.repository(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [htdemucs.ONNX]


def test_a_node_tells_its_module() -> None:
    assert htdemucs._module("/encoder.0/dconv/layers.0/layers.0.1/Mul") == "encoder.0.dconv.layers.0.1"
    assert (
        htdemucs._module("/crosstransformer/layers_t.1/cross_attn/MatMul_1") == "crosstransformer.layers_t.1.cross_attn"
    )
    assert htdemucs._module("/Expand") == ""
