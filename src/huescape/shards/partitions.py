"""Make a folder of shards in independent partitions: in one process pool, or one job for each.

Finished partitions are kept outside the folder until all are gathered, because engines delete the
outputs of a stage before they run it again: an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from huescape.base import closure, digests
from huescape.base.atomic import explained
from huescape.base.errors import HuescapeError
from huescape.base.pool import run_each
from huescape.base.runtime import state_dir
from huescape.base.temporaries import temporary_folder
from huescape.shards import read_sidecar, shard_name
from huescape.shards.format import column_file, sidecar_file

Make = Callable[[Path], None]

# A partition that an older program or library made is not taken over: its pixels may differ.
_LIBRARIES = ("numba", "numpy", "pillow", "scipy", "simplejpeg")


def add_partition_arguments(parser: ArgumentParser) -> None:
    """What an engine asks for that makes the partitions of a stage as jobs of their own."""
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--partition", type=int, metavar="K", help="make only partition K, from 0")
    part.add_argument("--gather", action="store_true", help="only write the index")


def run_partitions(
    out: Path,
    keys: Sequence[str],
    work: Callable[[int], Make],
    *,
    stage: str,
    partition: int | None,
    gather: Callable[[Path], None],
    only_gather: bool,
    total: int | None = None,
    desc: str = "partitions",
) -> None:
    """Make partitions 0 .. len(keys) - 1 of `out`, then gather them; or only one of the two.

    Args:
        out: the folder of the shards.
        keys: for each partition, a digest of everything it is made from; of those that are made.
        work: `work(k)` is the work of partition k, which a worker process receives pickled: called
            with a folder, it writes shard `shard_name(k)` there. It may report photos done by
            `huescape.base.pool.advance`, and may record `keys[k]` as `inputs` in the `extra` of its
            sidecar, which is then checked before gathering.
        stage: whose partitions they are; what other code made is not taken over.
        partition: make only this one, into `out`, which other processes may be writing to.
        gather: `gather(out)` writes the index; it alone is run with `only_gather`.
        total: how many photos `make` reports in all; None shows progress by partitions.

    The bytes do not depend on the way or on the number of workers. Raises HuescapeError for a
    partition that does not exist, or one that was made from other photos or parameters.
    """
    kept = _Kept(_folder_of(out), _program(stage), keys)
    if partition is not None:
        if not 0 <= partition < len(keys):
            raise HuescapeError(f"partition is {partition}; allowed: 0 to {len(keys) - 1}")
        _make_kept(work(partition), kept.of(partition), partition)
        _place(kept, partition, out)
        return
    if only_gather:
        _make_damaged(work, kept)
    else:
        _make_all(out, work, kept, total, desc)
    for k, key in enumerate(keys):
        if kept.of(k).is_dir():
            _place(kept, k, out)  # it was verified or written just now
        else:
            _check_columns(out, k)
        _check_inputs(out, k, key)
    gather(out)
    shutil.rmtree(kept.folder, ignore_errors=True)


class Keys(Sequence[str]):
    """The digest of each of `count` partitions, computed when it is asked for.

    A job that makes one of thousands needs its own alone.
    """

    def __init__(self, count: int, of: Callable[[int], str]) -> None:
        self._count, self._of = count, cache(of)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, k: Any) -> Any:
        if not 0 <= k < self._count:
            raise IndexError(f"partition {k} of {self._count}")
        return self._of(k)


@dataclass(frozen=True)
class _Kept:
    """Where finished partitions wait for the gather."""

    folder: Path
    program: str
    keys: Sequence[str]

    def of(self, k: int) -> Path:
        return self.folder / _place_of(self.program, k, self.keys[k])


def _make_all(
    out: Path, work: Callable[[int], Make], kept: _Kept, total: int | None, desc: str
) -> None:
    count = len(kept.keys)
    missing = [k for k in range(count) if not _is_kept(kept.of(k), k)]
    if total is not None and len(missing) < count:
        total = None  # how many photos the finished ones hold is not known here
    made = ((work(k), kept.of(k), k) for k in missing)
    run_each(_make_given, made, count=len(missing), total=total, desc=desc, unit=_unit(total))
    if out.is_dir():  # only now: what an earlier run made stays where this one fails
        shutil.rmtree(out)


def _unit(total: int | None) -> str:
    return "partition" if total is None else "photo"


def _make_given(given: tuple[Make, Path, int]) -> None:
    _make_kept(*given)


def _make_damaged(work: Callable[[int], Make], kept: _Kept) -> None:
    """Make anew what waits for the gather and is not what it was; what does not wait is no case."""
    for k in range(len(kept.keys)):
        if kept.of(k).is_dir():
            _make_kept(work(k), kept.of(k), k)


def _is_kept(folder: Path, k: int) -> bool:
    """Whether partition k can be taken over; one whose bytes have changed is dropped, with a word.

    A shard made of them would contradict its own index, and stay: its inputs did not change.
    """
    if not folder.is_dir():
        return False
    if digests.is_sound(folder):
        return True
    print(f"huescape: {folder}: damaged; partition {k} is made anew", file=sys.stderr)
    shutil.rmtree(folder)
    return False


def _make_kept(make: Make, place: Path, k: int) -> None:
    """Make partition k beside its place, then rename the folder: there it is whole or absent."""
    if _is_kept(place, k):
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explained(error, place.parent) from error
    with temporary_folder(place.parent) as temporary:
        make(temporary)
        read_sidecar(temporary, shard_name(k), _again(k))
        digests.seal(temporary)
        if not place.is_dir():
            temporary.rename(place)


def _place(kept: _Kept, k: int, out: Path) -> None:
    """Link the files of partition k into `out`, the sidecar last."""
    folder = kept.of(k)
    last = sidecar_file(shard_name(k))
    names = [path.name for path in folder.iterdir() if path.name != digests.SUMS]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with temporary_folder(out) as temporary:
            for name in sorted(names, key=lambda name: name == last):
                _copy(folder / name, temporary / name)
                (temporary / name).replace(out / name)
    except OSError as error:
        raise explained(error, out / shard_name(k)) from error


def _copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _check_columns(out: Path, k: int) -> None:
    """Compare what lies in `out` with its sidecar: the index would be written over damage."""
    name = shard_name(k)
    for column, stored in read_sidecar(out, name, _again(k)).columns.items():
        path = out / column_file(name, column)
        try:
            found = digests.file_xxh3(path)
        except OSError as error:
            raise explained(error, path) from error
        if found != stored.xxh3:
            raise HuescapeError(
                f"{path}: damaged: its XXH3 is not the one in {out / sidecar_file(name)}; "
                f"{_again(k)}"
            )


def _check_inputs(out: Path, k: int, key: str) -> None:
    found = read_sidecar(out, shard_name(k), _again(k)).extra.get("inputs", key)
    if found != key:
        raise HuescapeError(
            f"{out / sidecar_file(shard_name(k))}: was made from other photos or parameters; "
            f"{_again(k)}"
        )


def _again(k: int) -> str:
    return f"make partition {k} again"


def _folder_of(out: Path) -> Path:
    digest = hashlib.sha256(str(out.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    return state_dir() / "partial" / f"{out.name}-{digest[:12]}"


def _place_of(program: str, k: int, key: str) -> str:
    """With the number, for partitions without photos may all have the same key."""
    return hashlib.sha256(f"{program} {k} {key}".encode()).hexdigest()[:32]


def _program(stage: str) -> str:
    """Digest of the stage's source and of the versions of the libraries that make pixels."""
    digest = hashlib.sha256(closure.digest(stage).encode())
    for library in _LIBRARIES:
        try:
            digest.update(f"{library} {version(library)}\n".encode())
        except PackageNotFoundError:
            digest.update(f"{library}\n".encode())
    return digest.hexdigest()
