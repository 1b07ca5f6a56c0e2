"""HTDemucs from its ONNX export: the weights back under demucs' own names, as a model folder demucs can load.

The export keeps most parameters by name. The rest was folded into constants beside the node that
uses them, whose name still tells the module: a matrix of a linear or attention layer lies transposed
next to a ``MatMul``, a norm's or a scale's vector next to a ``Mul``, a bias next to an ``Add``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperaudio.errors import MissingError
from hyperaudio.files import sha256

if TYPE_CHECKING:
    import onnx
    import torch

NAME = "htdemucs"
ONNX = "htdemucs.onnx"
SIGNATURE = "onnx"
"""What demucs calls a single network's weights, here by where they come from."""
ARCHITECTURE: dict[str, Any] = {
    "sources": ["drums", "bass", "other", "vocals"],
    "samplerate": 44_100,
    "segment": Fraction(39, 5),
    "bottom_channels": 512,
    "dconv_mode": 3,
}
"""Where the published model departs from the defaults of ``demucs.htdemucs.HTDemucs``."""

_ROLES = {"MatMul": ("weight", "in_proj_weight"), "Mul": ("weight", "scale"), "Add": ("bias", "in_proj_bias")}


def repository(folder: Path) -> Path:
    """A folder that ``demucs.pretrained.get_model("htdemucs", repo=...)`` loads: made here where absent or damaged.

    Args:
        folder: holds ``htdemucs.onnx``, checked before.

    Raises:
        MissingError: the folder cannot be written, or the ONNX is not an export of HTDemucs.
    """
    if not _intact(folder):
        try:
            _write(folder)
        except OSError as error:
            raise MissingError(
                f"cannot turn {folder / ONNX} into a demucs model: {error}",
                f"make {folder} writable, then: hyperaudio models pull {NAME}",
            ) from error
    return folder


def _intact(folder: Path) -> bool:
    """Whether the folder holds one file of weights, whole by the digest in its name, and the list that names it."""
    files = list(folder.glob(f"{SIGNATURE}-*.th"))
    return (
        (folder / f"{NAME}.yaml").is_file()
        and len(files) == 1
        and sha256(files[0]).startswith(files[0].stem.removeprefix(f"{SIGNATURE}-"))
    )


def _write(folder: Path) -> None:
    from demucs.htdemucs import HTDemucs
    from demucs.states import save_with_checksum

    package = {
        "klass": HTDemucs,
        "args": (),
        "kwargs": ARCHITECTURE,
        "state": state(folder / ONNX),
        "training_args": {},
    }
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
        save_with_checksum(package, Path(scratch) / f"{SIGNATURE}.th")
        (weights,) = Path(scratch).iterdir()
        (Path(scratch) / f"{NAME}.yaml").write_text(f"models: ['{SIGNATURE}']\n")
        for old in folder.glob(f"{SIGNATURE}-*.th"):
            old.unlink(missing_ok=True)
        # The list goes last: where it is, the weights are.
        weights.replace(folder / weights.name)
        (Path(scratch) / f"{NAME}.yaml").replace(folder / f"{NAME}.yaml")


def state(file: Path) -> dict[str, torch.Tensor]:
    """All parameters of HTDemucs, float32, by the names of its ``state_dict``.

    Raises:
        MissingError: the graph does not hold exactly one value for each parameter.
    """
    import numpy as np
    import onnx
    import torch
    from demucs.htdemucs import HTDemucs

    graph = onnx.load(file).graph
    model = HTDemucs(**ARCHITECTURE)
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    arrays = {constant.name: onnx.numpy_helper.to_array(constant) for constant in graph.initializer}
    found = {name: [array] for name, array in arrays.items() if name in wanted}
    for node, name, constant in _folded(graph, arrays.keys() - wanted.keys()):
        array = arrays[constant]
        if node.op_type == "Expand":
            # Looked up for all frequencies in order, scaled, and given as (1, dimensions, frequencies, 1).
            name, array = "freq_emb.embedding.weight", array[0, :, :, 0].T / np.float32(model.freq_emb.scale)
        elif node.op_type == "MatMul":
            array = array.T
        targets = [target for role in _ROLES.get(node.op_type, ()) if (target := f"{name}.{role}") in wanted] or [name]
        # A cross-attention's projection is split into that of the query and that of key and value, in this order.
        found.setdefault(targets[0], []).append(array)
    sizes = {name: sum(part.size for part in parts) for name, parts in found.items()}
    if sizes != {name: int(np.prod(shape)) for name, shape in wanted.items()}:
        raise MissingError(f"{file} is not the export of HTDemucs that is expected", f"hyperaudio models pull {NAME}")
    parameters = {name: np.concatenate(parts) for name, parts in found.items()}
    return {name: torch.from_numpy(parameters[name].reshape(shape).copy()) for name, shape in wanted.items()}


def _folded(graph: onnx.GraphProto, constants: set[str]) -> Iterator[tuple[onnx.NodeProto, str, str]]:
    """``(node, its module's name, constant)`` for each use of one of the constants, in the graph's order."""
    for node in graph.node:
        for constant in constants.intersection(node.input):
            yield node, _module(node.name), constant


def _module(node: str) -> str:
    """``/encoder.0/dconv/layers.0/layers.0.1/Mul`` is a node of ``encoder.0.dconv.layers.0.1``.

    A scope that goes on from the one before it repeats it: a member of a list that is a list itself.
    """
    scopes: list[str] = []
    for scope in node.split("/")[1:-1]:
        if scopes and scope.startswith(f"{scopes[-1]}."):
            scopes.pop()
        scopes.append(scope)
    return ".".join(scopes)
