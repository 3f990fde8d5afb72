"""Where a network computes, as a person asks for it: a setting of the machine."""

from __future__ import annotations

import os

import torch

from huescape.base import runtime
from huescape.base.errors import ParamsError


def find_device(asked: str | None, dashes: str = "--") -> torch.device:
    """`asked`, or HUESCAPE_DEVICE, or CUDA, or MPS, or the CPU, whichever is there first.

    Raises ParamsError, which calls it `dashes` device, for one that is not there.
    """
    usable = _usable()
    name = asked or os.environ.get(runtime.DEVICE, "") or usable[0]
    at = "cuda:0" if name == "cuda" else name
    if at not in usable:
        where = f"{dashes}device" if asked else f"environment variable {runtime.DEVICE}"
        raise ParamsError(f"{where} is {name[:40]!r}; allowed here: {', '.join(usable)}")
    return torch.device(name)


def _usable() -> list[str]:
    """The best first."""
    cuda = [f"cuda:{k}" for k in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*(cuda if torch.cuda.is_available() else []), *mps, "cpu"]
