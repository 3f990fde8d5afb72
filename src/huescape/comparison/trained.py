"""Which systems of a comparison are trained already, by the key under which a training resumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huescape.base import atomic
from huescape.base.errors import HuescapeError
from huescape.params.presets import resolve_system
from huescape.params.systems import SystemOverrides
from huescape.stages.train import resume_key
from huescape.systems.system import WEIGHTS, read_description


def remember(folder: Path, name: str, entry: dict[str, Any]) -> None:
    """Write down that system `name` was trained with `entry` of params.yaml."""
    atomic.write_text(_note(folder, name), _key(folder, name, entry) + "\n")


def trained_steps(folder: Path, name: str, entry: dict[str, Any], any_steps: bool) -> int | None:
    """Steps of the finished training of `entry` on today's targets, by today's code; None if none.

    With `any_steps`, the steps may be others than those of `entry`.
    """
    model = folder / "models" / name
    try:
        steps = int(read_description(model)["steps"])
        noted = _note(folder, name).read_text(encoding="utf-8").strip()
        changed = {**entry, "steps": steps} if any_steps else entry
        is_same = noted == _key(folder, name, changed) and (model / WEIGHTS).is_file()
    except (HuescapeError, OSError, ValueError, KeyError, TypeError):
        return None
    return steps if is_same else None


def _note(folder: Path, name: str) -> Path:
    return folder / ".huescape" / "trained" / f"{name}.txt"


def _key(folder: Path, name: str, entry: dict[str, Any]) -> str:
    system = resolve_system(name, SystemOverrides.model_validate(entry))
    data, quantizer = folder / "data", system.quantizer
    files = (
        *(data / "shards" / quantizer, data / "priors" / f"{quantizer}.npz"),
        data / "bins" / f"{quantizer}.npz",
    )
    return resume_key(*files, system)
