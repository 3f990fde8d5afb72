"""DVC's judgement that nothing is stale, remembered for as long as nothing has changed.

Asking DVC takes most of a second, which is what starting Snakemake takes. The answer "nothing is
stale" is kept with a digest of all that it follows from: name, mode, size, times and inode of every
file in the project's folder, DVC's settings and version, and the contents of its cache by name.
Once the digest is another, DVC is asked. It trusts size, time and inode too, so nothing that it
would notice passes here. What is stale is never remembered.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from huescape.base.atomic import write_json
from huescape.engines import graph
from huescape.engines.graph import Graph, Stage

RECORD = Path(".dvc/tmp/huescape-judgement.json")
#: A file younger than this may change again within the same tick of the clock.
_SETTLED_NS = 2_000_000_000


def judged(root: Path = Path()) -> tuple[Graph, frozenset[str]]:
    """The graph, and the stages that DVC calls stale.

    Raises HuescapeError in one line when DVC refuses dvc.yaml.
    """
    remembered = _remembered(root)
    if remembered is not None:
        return remembered, frozenset()
    begun, before = time.time_ns(), _files(root)
    found = graph.judge(root)
    if found.inside and not found.stale and before is not None:
        _remember(root, found, begun, before)
    return found.graph, found.stale


def _remembered(root: Path) -> Graph | None:
    try:
        record = json.loads((root / RECORD).read_bytes())
        seen = _Seen(root, record["elsewhere"])
        if record["digest"] != seen.digest:
            return None
        return Graph({stage["name"]: _stage(stage) for stage in record["stages"]})
    except (OSError, ValueError, KeyError, TypeError, PackageNotFoundError):
        return None


def _files(root: Path) -> str | None:
    """A digest of the project alone: a file that goes while DVC judges leaves no time behind."""
    try:
        return _Seen(root, ()).files
    except (OSError, PackageNotFoundError):
        return None


def _remember(root: Path, found: graph.Judgement, begun: int, before: str) -> None:
    """Keep the judgement, unless a file may have changed while it was made, or just before."""
    with suppress(OSError):
        seen = _Seen(root, found.elsewhere)
        if seen.files == before and seen.latest < begun - _SETTLED_NS:
            stages = [asdict(stage) for stage in found.graph.stages.values()]
            record = {"digest": seen.digest, "elsewhere": found.elsewhere, "stages": stages}
            write_json(root / RECORD, record)


def _stage(record: dict[str, Any]) -> Stage:
    return Stage(**{**record, **{name: tuple(record[name]) for name in ("upstream", "track")}})


class _Seen:
    """What DVC can look at, at one moment, and the latest time of a file (ns).

    `files` is the digest of the project alone, `digest` that of all.
    """

    def __init__(self, root: Path, elsewhere: Sequence[str]) -> None:
        self.latest = 0
        program = [version("dvc"), Path(graph.__file__).read_text(encoding="utf-8")]
        settings = sorted(item for item in os.environ.items() if item[0].startswith("DVC"))
        digest = hashlib.sha256(repr((program, settings)).encode())
        for facts in self._tree(str(root), _ignored(root)):
            digest.update(repr(facts).encode("utf-8", "surrogateescape"))
        self.files = digest.hexdigest()
        for facts in self._elsewhere(elsewhere):
            digest.update(repr(facts).encode("utf-8", "surrogateescape"))
        self.digest = digest.hexdigest()

    def _elsewhere(self, elsewhere: Sequence[str]) -> Iterator[tuple[object, ...]]:
        for path in elsewhere:
            yield (path,)
            if Path(path).is_dir():
                yield from self._folders(path)
            else:
                yield self._file(path, path)

    def _tree(self, root: str, ignored: frozenset[str]) -> Iterator[tuple[object, ...]]:
        """Every file below `root`; a linked folder counts as a folder, once."""
        seen: set[tuple[int, int]] = set()
        waiting = [root]
        while waiting:
            folder = waiting.pop()
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
            for entry in entries:
                if entry.name in ignored:
                    continue
                if not entry.is_dir():
                    yield self._file(entry.path, entry.path)
                    continue
                yield entry.path, entry.is_symlink()
                status = entry.stat()
                if (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    waiting.append(entry.path)

    def _folders(self, cache: str) -> Iterator[tuple[object, ...]]:
        """The time of a folder of the cache changes when an object comes or goes."""
        with os.scandir(cache) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
        for entry in entries:
            yield self._file(entry.path, entry.path)

    def _file(self, name: str, path: str) -> tuple[object, ...]:
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError as error:  # absent, or a dangling link
            return name, error.errno
        times = status.st_mtime_ns, status.st_ctime_ns
        self.latest = max(self.latest, *times)
        return name, status.st_mode, status.st_size, *times, status.st_dev, status.st_ino


def _ignored(root: Path) -> frozenset[str]:
    """Names that neither DVC nor the stages look at, anywhere: plain lines of .dvcignore."""
    try:
        lines = (root / ".dvcignore").read_text(encoding="utf-8").split("\n")
    except OSError:
        lines = []
    lines = [line.strip() for line in lines]
    if any(line.startswith("!") for line in lines):
        lines = []
    return frozenset({".git", ".dvc", *(line for line in lines if not set(line) & set("/*?[#\\"))})
