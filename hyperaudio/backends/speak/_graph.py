"""Kokoro-82M as three functions instead of one: durations, then pitch and energy, then sound.

The published ONNX graph maps tokens to sound and keeps its prosody to itself. Cut at the tensors that
carry the prosody, it takes durations, pitch and energy from the caller. Tensor names are those of the
export ``kokoro-v1.0`` (the cut is checked when the model is loaded).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyperaudio.errors import BackendError

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

RATE = 24_000
"""Hz of the sound."""
UNIT = 600
"""Frames of sound per unit of duration: 25 ms."""
ROWS, STYLE = 510, 256
"""Shape of a voice file: one style vector per number of tokens."""

_DURATION, _PITCH, _ENERGY = "/encoder/Clip_output_0", "/encoder/Squeeze_output_0", "/encoder/Squeeze_1_output_0"


class Kokoro:
    """The model and its voices in one folder.

    Args:
        folder: holds the model, ``vocab.json`` and ``voices/*.bin``.
        threads: onnxruntime threads within an operator.

    Raises:
        BackendError: the file is not the export this cut is made for.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        import json

        import onnx

        self.folder = folder
        self.vocabulary: dict[str, int] = json.loads((folder / "vocab.json").read_text("utf-8"))["vocab"]
        model = onnx.load(str(folder / "kokoro-v1.0.int8.onnx"))
        self._durations = _session(_part(model, [], [_DURATION]), threads)
        self._prosody = _session(_part(model, [_DURATION], [_PITCH, _ENERGY]), threads)
        self._sound = _session(_part(model, [_DURATION, _PITCH, _ENERGY], ["audio"]), threads)

    def voices(self, prefixes: Sequence[str]) -> list[str]:
        """Names of the voices that begin with one of the prefixes, in order."""
        return sorted(f.stem for f in (self.folder / "voices").glob("*.bin") if f.stem.startswith(tuple(prefixes)))

    def style(self, voice: str, tokens: int) -> Floats:
        """Style vector ``(1, 256)`` of a voice for a text of that many tokens."""
        table = np.fromfile(self.folder / "voices" / f"{voice}.bin", np.float32).reshape(ROWS, STYLE)
        return np.ascontiguousarray(table[min(max(tokens, 1), ROWS) - 1][None])

    def tokens(self, phonemes: str) -> npt.NDArray[np.int64]:
        """Token ids ``(1, n)`` of phonemes with a blank at either end; unknown symbols are left out."""
        return np.array([[0, *(self.vocabulary[p] for p in phonemes if p in self.vocabulary), 0]], np.int64)

    def durations(self, tokens: npt.NDArray[np.int64], style: Floats) -> npt.NDArray[np.int64]:
        """The model's own duration of each token ``(n,)``, in units of 25 ms."""
        (durations,) = self._run(self._durations, tokens=tokens, style=style, speed=np.ones(1, np.float32))
        return np.asarray(np.rint(durations[0]), np.int64)

    def prosody(
        self, tokens: npt.NDArray[np.int64], style: Floats, durations: npt.NDArray[np.int64]
    ) -> tuple[Floats, Floats]:
        """The model's own pitch (Hz, near 0 where unvoiced) and energy for these durations, two values per unit."""
        pitch, energy = self._run(
            self._prosody, **{"tokens": tokens, "style": style, _DURATION: durations[None].astype(np.float32)}
        )
        return pitch[0], energy[0]

    def sound(
        self,
        tokens: npt.NDArray[np.int64],
        style: Floats,
        durations: npt.NDArray[np.int64],
        pitch: Floats,
        energy: Floats,
    ) -> Floats:
        """Sound ``(600 * sum(durations),)`` at 24 kHz."""
        (sound,) = self._run(
            self._sound,
            **{
                "tokens": tokens,
                "style": style,
                _DURATION: durations[None].astype(np.float32),
                _PITCH: pitch[None].astype(np.float32),
                _ENERGY: energy[None].astype(np.float32),
            },
        )
        return sound.ravel()

    @staticmethod
    def _run(session: Any, **feed: Any) -> list[Floats]:
        wanted = {i.name for i in session.get_inputs()}
        try:
            return session.run(None, {k: v for k, v in feed.items() if k in wanted})
        except Exception as error:
            raise BackendError(f"Kokoro failed: {error}", "report the line's text") from error


def _part(model: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """The piece of the graph that computes ``outputs``, with ``inputs`` given instead of computed."""
    from onnx import TensorProto, helper

    graph = model.graph
    producer = {name: node for node in graph.node for name in node.output}
    if missing := [name for name in (*inputs, *outputs) if name not in producer]:
        raise BackendError(f"Kokoro's graph has no {missing[0]}", "hyperaudio models pull kokoro-82m")
    needed: set[str] = set()
    queue = list(outputs)
    while queue:
        name = queue.pop()
        if name in needed:
            continue
        needed.add(name)
        if name in producer and name not in inputs:
            queue.extend(producer[name].input)
    nodes = [node for node in graph.node if any(o in needed and o not in inputs for o in node.output)]
    given = [i for i in graph.input if i.name in needed]
    given += [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, f"n{k}"]) for k, name in enumerate(inputs)]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    weights = [w for w in graph.initializer if w.name in needed]
    part = helper.make_graph(nodes, "part", given, made, weights)
    return helper.make_model(part, opset_imports=model.opset_import, ir_version=model.ir_version)


def _session(model: Any, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
