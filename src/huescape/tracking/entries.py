"""What stands in a journal, and whether it still does: files that a disk or a person may damage."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

DAMAGED = "damaged"  # the kind of an entry that cannot be read; and where such journals are kept

#: What a header must have to be delivered; `dataset` and `parent` may be null or absent.
_HEADER = {
    "run": str,
    "name": str,
    "destination": str,
    "created": int,
    "params": dict,
    "tags": dict,
    "attached": bool,
}
#: What an entry must have besides `time`, by its kind.
_ENTRIES: dict[str, Mapping[str, type]] = {
    "begin": {},
    "params": {"values": dict},
    "tags": {"values": dict},
    "metrics": {"values": dict, "step": int},
    "picture": {"path": str, "name": str, "step": int},
    "artifact": {"path": str, "folder": str},
    "model": {"path": str, "loader": str, "scores": dict},
    "end": {"status": str},
}


def parse_header(content: bytes) -> dict[str, Any]:
    """The header of a journal. Raises ValueError, in one line, when it cannot be one.

    One of another version is returned as it is.
    """
    header = json.loads(content)
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    if header.get("version") == 1:
        lost = [key for key, kind in _HEADER.items() if not isinstance(header.get(key), kind)]
        if lost:
            raise ValueError(f"its header has no valid {lost[0]!r}")
    return header


def parse_entry(line: bytes) -> dict[str, Any]:
    """The entry in a line; one of the kind `damaged` where the line is none that we wrote."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if isinstance(entry, dict) and isinstance(entry.get("time"), int) and _whole(entry):
        return entry
    return {"kind": DAMAGED, "time": 0}


def picture_series(name: str) -> str:
    """What stands for the pictures of this name among the names of metrics."""
    return f"picture:{name}"


def last_steps(entries: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The last step of every metric and series of pictures that the entries have."""
    steps: dict[str, int] = {}
    for entry in entries:
        keys: Iterable[str] = ()
        if entry["kind"] == "metrics":
            keys = entry["values"]
        elif entry["kind"] == "picture":
            keys = (picture_series(entry["name"]),)
        for key in keys:
            steps[key] = max(steps.get(key, entry["step"]), entry["step"])
    return steps


def _whole(entry: Mapping[str, Any]) -> bool:
    wanted = _ENTRIES.get(str(entry.get("kind")))
    if wanted is None or not all(isinstance(entry.get(key), kind) for key, kind in wanted.items()):
        return False
    if entry["kind"] == "metrics":
        return all(isinstance(value, int | float) for value in entry["values"].values())
    return True
