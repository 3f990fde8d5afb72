"""What describes a run besides its numbers: flat parameters, and tags from the surroundings."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import huescape
from huescape.base.runtime import ENGINE

LOCK = Path("dvc.lock")


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted keys; an empty mapping stays as a value."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def flat_params(values: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as dotted keys and texts; what is not text is written as JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value, default=str)
        for key, value in flatten(values).items()
    }


def flat_metrics(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of nested results under dotted keys; texts, lists and flags are left out."""
    return {
        key: float(value)
        for key, value in flatten(values).items()
        if hasattr(value, "__float__") and not isinstance(value, bool)
    }


def allowed_key(key: str) -> str:
    """A key as MLflow allows it: word characters and `-. /:`, and a path without `..`."""
    plain = posixpath.normpath(re.sub(r"[^\w\-. /:]", "_", key)).lstrip("/")
    return "_" if plain in ("", ".", "..") else plain[:250]


def allowed_keys(values: Mapping[str, str]) -> dict[str, str]:
    """The same values under keys that MLflow allows."""
    return {allowed_key(key): value for key, value in values.items()}


def surroundings() -> dict[str, str]:
    """Tags: huescape's version, engine, git commit, digest of dvc.lock; unknown ones are absent."""
    tags = {
        "huescape.version": huescape.__version__,
        "engine": engine(),
        "mlflow.source.name": "huescape",
    }
    if LOCK.is_file():
        tags["dvc.lock"] = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    commit = _git("rev-parse", "--verify", "--quiet", "HEAD")
    if commit:
        tags["git.commit"] = tags["mlflow.source.git.commit"] = commit
        # dvc.lock changes while a pipeline runs: it has a tag of its own.
        status = _git("status", "--porcelain", "--untracked-files=no", "--", ".", f":!{LOCK}")
        tags["git.dirty"] = "unknown" if status is None else str(bool(status)).lower()
    return tags


def engine() -> str:
    """What started this process: `snakemake`, `dvc` or `command`."""
    if named := os.environ.get(ENGINE):
        return named
    return "dvc" if os.environ.get("DVC_STAGE") or os.environ.get("DVC_ROOT") else "command"


def _git(*arguments: str) -> str | None:
    command = ["git", "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
