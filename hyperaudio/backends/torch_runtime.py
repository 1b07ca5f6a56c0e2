"""What backends that run on torch share: the device, the threads, and errors mapped at the seam."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hyperaudio.errors import BackendError, HyperaudioError, MissingError

if TYPE_CHECKING:
    import torch

    from hyperaudio.settings import Runtime


def device(runtime: Runtime) -> torch.device:
    """The device asked for, with the process's CPU threads set; ``auto`` is CUDA where there is one.

    Raises:
        MissingError: CUDA is asked for and not there.
    """
    import torch

    torch.set_num_threads(runtime.threads)
    cuda = torch.cuda.is_available()
    if runtime.device.startswith("cuda") and not cuda:
        raise MissingError(f"device {runtime.device} is not there: this torch sees no CUDA", "use the device cpu")
    return torch.device("cuda" if runtime.device == "auto" and cuda else runtime.device.replace("auto", "cpu"))


@contextmanager
def mapped(what: str) -> Iterator[None]:
    """Turns what a model raises into a BackendError that says where it happened."""
    try:
        yield
    except HyperaudioError:
        raise
    except Exception as error:
        full = "out of memory" in str(error).lower() or isinstance(error, MemoryError)
        raise BackendError(
            f"{what} failed: {'out of memory' if full else f'{type(error).__name__}: {error}'}",
            "free memory or use the device cpu" if full else "try another backend",
        ) from error
