"""Settings of the machine, from the environment: never parameters, never part of a result."""

from __future__ import annotations

import os
import re
from pathlib import Path

from huescape.base.errors import ParamsError

#: Every environment variable of the project; docs/environment.md says what each is for.
WORKERS, THREADS, DEVICE = "HUESCAPE_WORKERS", "HUESCAPE_THREADS", "HUESCAPE_DEVICE"
PROCESSES = "HUESCAPE_PROCESSES"
STATE, PRETRAINED, TRACKING = "HUESCAPE_STATE", "HUESCAPE_PRETRAINED_DIR", "HUESCAPE_TRACKING"
SHARDS, SHARDS_CACHE = "HUESCAPE_SHARDS", "HUESCAPE_SHARDS_CACHE"
SHARDS_MB, IMAGE = "HUESCAPE_SHARDS_MB", "HUESCAPE_IMAGE"
#: Those that the project sets for its own processes.
ENGINE, SWEEP_POINT, OWN_CODE = "HUESCAPE_ENGINE", "HUESCAPE_SWEEP_POINT", "HUESCAPE_OWN_CODE"
LAUNCHED = "HUESCAPE_LAUNCHED"

_WHOLE = re.compile(r"[1-9][0-9]{0,5}")


def cpus() -> int:
    """Number of processors this process may use (a cluster job sees its own share)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def workers() -> int:
    """Number of worker processes or threads: HUESCAPE_WORKERS, or every processor.

    Of many processes that torchrun started on this host, each has its share.
    """
    return max(1, _positive(WORKERS, cpus()) // local_ranks())


def processes() -> int:
    """Number of processes that a stage starts: HUESCAPE_PROCESSES, or 1, which is itself.

    In each of those that it started, or that torchrun did, 1 as well.
    """
    return 1 if is_rank() else _positive(PROCESSES, 1)


def is_rank() -> bool:
    """Whether torchrun started this process, alone or beside others."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def rank() -> int:
    """The number of this process among those that torchrun started, on every host; or 0."""
    return int(os.environ["RANK"]) if is_rank() else 0


def local_rank() -> int:
    """The same, among those of this host."""
    return int(os.environ["LOCAL_RANK"]) if is_rank() else 0


def local_ranks() -> int:
    """Number of processes that torchrun started on this host, or 1."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if is_rank() else 1


def torch_threads() -> int:
    """Number of threads for torch: HUESCAPE_THREADS, or this process's share of the processors.

    Not OMP_NUM_THREADS: an engine that sets it would change the order of sums, and with it the
    trained weights.
    """
    return _positive(THREADS, max(1, cpus() // local_ranks()))


def state_dir() -> Path:
    """Folder of what outlives a stage but is no result: checkpoints, partial work, journals."""
    return Path(os.environ.get(STATE) or ".huescape")


def shards_address() -> str | None:
    """The address of target shards that are not on this disk, or None: HUESCAPE_SHARDS."""
    address = os.environ.get(SHARDS, "")
    if address and not address.partition("://")[2].strip("/"):
        raise ParamsError(
            f"environment variable {SHARDS} is {address[:80]!r}; "
            "allowed: an address that fsspec reads, such as s3://bucket/prefix"
        )
    return address or None


def shards_cache() -> Path:
    """Folder of shards that were fetched from there, for as many projects as name the same."""
    return Path(os.environ.get(SHARDS_CACHE) or state_dir() / "shards")


def shards_megabytes() -> int:
    """What that folder may hold, in MB of a million bytes: HUESCAPE_SHARDS_MB, or 20,000."""
    return _positive(SHARDS_MB, 20_000)


def project_dir() -> Path:
    """The project of which DVC runs an experiment in a temporary copy here, or this folder.

    DVC removes the copy, so what must stay has to lie in the project. It names it in DVC_ROOT.
    """
    root = os.environ.get("DVC_ROOT")
    if root and Path.cwd().is_relative_to(Path(root).resolve() / ".dvc" / "tmp"):
        return Path(root).resolve()
    return Path()


def _positive(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    if not _WHOLE.fullmatch(text):
        raise ParamsError(
            f"environment variable {name} is {text[:20]!r}; "
            "allowed: a whole number from 1 to 999999"
        )
    return int(text)
