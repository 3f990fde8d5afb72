"""Checkpoints: everything that the next step depends on, written whole, the last two kept.

A file is the SHA-256 of the rest, a line end, and what `torch.save` wrote: a tensor with one other
bit loads without complaint, and would be trained on. What is damaged or does not fit is dropped
with one line, and training goes on from the checkpoint before.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from huescape.base import atomic
from huescape.base.errors import HuescapeError
from huescape.base.memory import is_out_of_memory

_KEPT = 2
_NAME = re.compile(r"step-(\d{8,})\.pt")
_DRIVER = re.compile(r"\b(CUDA|cuDNN|CUDNN|CUBLAS|HIP|NVRTC|NVML|NVIDIA|MPS)(?![a-zA-Z])")
_DRIVER_ERRORS = getattr(torch, "AcceleratorError", ())  # of torch 2.8 and later


@dataclass
class Checkpoint:
    """The learner's state after `step` steps; `values` (step, columns) are those of each.

    `validated` holds the validation losses before it, by step.
    """

    step: int
    learner: dict[str, Any]
    values: torch.Tensor
    validated: dict[int, float] = field(default_factory=dict)


def packed(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as a file holds it."""
    buffer = io.BytesIO()  # torch's own writer reports a full disk as a RuntimeError
    torch.save(vars(checkpoint), buffer)
    content = buffer.getvalue()
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def unpacked(stored: bytes) -> Checkpoint:
    """What `packed` packed, on the CPU; raises ValueError, or anything, for what it did not."""
    sha256, _, content = stored.partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != sha256:
        raise ValueError("damaged: it is not what was written")
    read = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    checkpoint = Checkpoint(**read)
    if not isinstance(checkpoint.values, torch.Tensor) or checkpoint.step != len(checkpoint.values):
        raise ValueError(f"step {checkpoint.step} with the values of {len(checkpoint.values)}")
    return checkpoint


def digest(parts: Iterable[bytes]) -> str:
    """16 hex digits that change when any of `parts` does."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.hexdigest()[:16]


class CheckpointFolder:
    """The checkpoints of one training; the folder's name should tell its inputs (see `digest`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint and remove all but the last two; HuescapeError if the disk refuses."""
        path = self.folder / f"step-{checkpoint.step:08d}.pt"
        atomic.write_bytes(path, packed(checkpoint))
        for old in self._paths()[:-_KEPT]:
            old.unlink(missing_ok=True)

    def latest(self) -> Checkpoint | None:
        """The last checkpoint that is as it was written, or None; damaged ones are dropped."""
        return self.restore(lambda checkpoint: None)

    def restore(self, load: Callable[[Checkpoint], object]) -> Checkpoint | None:
        """The last checkpoint that is as it was written and that `load` takes over, or None.

        All after it are dropped. After None, `load` may have been called and have failed half-way.
        Raises HuescapeError for one that cannot be read: it may well be whole, and stays. Errors of
        memory and of a driver, which are no checkpoint's fault, come through as they are.
        """
        for path in reversed(self._paths()):
            content = _content(path)
            try:
                checkpoint = unpacked(content)
                load(checkpoint)
            except Exception as error:  # torch raises anything on what is not its own
                if not _is_to_blame(error):
                    raise
                reason = " ".join(str(error).split())[:150]
                print(f"huescape: {path}: dropped ({reason})", file=sys.stderr)
                path.unlink(missing_ok=True)
            else:
                return checkpoint
        return None

    def remove(self) -> None:
        """Remove the whole folder, once what it was for is safely elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _paths(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))


def _is_to_blame(error: Exception) -> bool:
    """Whether the checkpoint is what is wrong, and not the machine: its memory or its driver."""
    if is_out_of_memory(error) or isinstance(error, _DRIVER_ERRORS):
        return False
    # Libraries above the driver raise a plain RuntimeError, as `load_state_dict` does.
    return not (isinstance(error, RuntimeError) and _DRIVER.search(str(error)))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HuescapeError(f"{path}: cannot be read: {error.strerror or error}") from error
