"""Checkpoints: everything that the next step depends on, written whole, the last two kept."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from huescape import atomic

_KEPT = 2
_NAME = re.compile(r"step-(\d{8,})\.pt")


@dataclass
class Checkpoint:
    """The learner's state after `step` steps; `values` are those of each step."""

    step: int
    learner: dict[str, Any]
    values: list[tuple[float, ...]]


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
        buffer = io.BytesIO()  # torch's own writer reports a full disk as a RuntimeError
        torch.save(vars(checkpoint), buffer)
        atomic.write_bytes(path, buffer.getvalue())
        for old in self._paths()[:-_KEPT]:
            old.unlink(missing_ok=True)

    def latest(self) -> Checkpoint | None:
        """The last checkpoint that can be read, or None."""
        for path in reversed(self._paths()):
            try:
                return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
            except Exception:  # damaged: the unpickler stumbles over anything; take the one before
                path.unlink(missing_ok=True)
        return None

    def remove(self) -> None:
        """Remove the whole folder, once what it was for is safely elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _paths(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))
