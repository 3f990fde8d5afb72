"""What a sweep remembers between calls: which points are finished, and with which results."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from huescape.base.atomic import fresh_directory, write_json
from huescape.base.digests import is_sound, seal
from huescape.base.errors import HuescapeError
from huescape.base.runtime import state_dir
from huescape.tracking.notices import say

_RESULTS = "results.json"
NOT_CODE = frozenset({"__pycache__"})


class Memory:
    """The folder `sweeps/<name>/` of the state: finished points, and the place they are made in.

    Results count for one `base` only: the code and the photos, all that no parameter says.
    """

    def __init__(self, name: str) -> None:
        self.folder = (state_dir() / "sweeps" / name).resolve()
        self.member = self.folder / "point.json"

    def finished(self, key: str) -> dict[str, Any] | None:
        """What was remembered of a point; None if it is not finished.

        What is not as it was written is dropped, with a word: the point is run again.
        """
        path = self._path(key)
        if not path.exists():
            return None
        if not is_sound(path):
            say(f"huescape: {path}: damaged; the point is run again")
            shutil.rmtree(path)
            return None
        found: dict[str, Any] = json.loads((path / _RESULTS).read_text(encoding="utf-8"))
        return found

    def finish(self, key: str, content: dict[str, Any]) -> None:
        """Remember a point as finished. Raises HuescapeError when the disk refuses."""
        with fresh_directory(self._path(key)) as fresh:
            write_json(fresh / _RESULTS, content)
            seal(fresh)

    @contextmanager
    def alone(self) -> Iterator[int]:
        """Keep a second sweep of this name away; yields what children inherit to keep the lock."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise HuescapeError(
                    f"sweep {self.folder.name} runs already, or a stage of it still does"
                ) from error
            yield lock.fileno()

    def _path(self, key: str) -> Path:
        return self.folder / "points" / key


def base_digest(project: Path) -> str:
    """SHA-256 over the code of the stages, their graph, and the photos that dvc.lock knows."""
    digest = hashlib.sha256()
    paths = [project / "dvc.yaml", *sorted((project / "src").rglob("*"))]
    for path in paths:
        if path.is_file() and not NOT_CODE.intersection(path.parts):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(project).as_posix()}\0{content}\n".encode())
    digest.update(_photos(project / "dvc.lock").encode())
    return digest.hexdigest()


def _photos(lock: Path) -> str:
    """The digests of what the stage download wrote; empty before it ran."""
    try:
        content = YAML(typ="safe", pure=True).load(lock.read_text(encoding="utf-8"))
        outs = content["stages"]["download"]["outs"]
        return json.dumps([out.get("md5") for out in outs])
    except (OSError, YAMLError, ValueError, KeyError, TypeError, AttributeError):
        return ""
