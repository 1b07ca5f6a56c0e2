"""Makes torchaudio importable beside a CPU-only torch.

The torchaudio wheels of the ordinary package index are linked to CUDA. Beside a torch built for the CPU their
compiled part cannot be loaded and the whole package refuses to import, although what is needed of it here (the
Kaldi filter bank, mel scales, resampling, and whatever pyannote.audio imports) is plain Python on torch. So
where the import fails for that reason, an empty stand-in takes the place of the compiled part. What truly needs
it (forced alignment, the RNN-T loss) then raises when called.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any, NoReturn

EXTENSION = "torchaudio._extension"


def ensure() -> ModuleType:
    """torchaudio, imported with its compiled part or, where that does not load, without. Call it before
    anything that imports torchaudio.

    Raises:
        ImportError: torchaudio is not installed.
    """
    if (loaded := sys.modules.get("torchaudio")) is not None:
        return loaded
    try:
        return importlib.import_module("torchaudio")
    except OSError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules[EXTENSION] = _stand_in()
        return importlib.import_module("torchaudio")


def _stand_in() -> ModuleType:
    def unavailable(function: Any) -> Any:
        def refuse(*args: Any, **kwargs: Any) -> NoReturn:
            raise RuntimeError(f"torchaudio's {function.__name__} needs a torchaudio built for this torch")

        return refuse

    module = ModuleType(EXTENSION)
    vars(module).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
        _check_cuda_version=lambda: None,
        fail_if_no_align=unavailable,
    )
    return module
