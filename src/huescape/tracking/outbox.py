"""Records whose store could not be reached, with copies of what they made: published later.

Each is a folder of `.huescape/tracking/waiting`, made whole or not at all, with `run.json` (the
record, its paths relative to the folder) and `files/`. Its name is its time and its digest: what a
disk has damaged is set aside, with a line.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from huescape.base.atomic import write_json
from huescape.base.errors import HuescapeError
from huescape.base.masking import mask
from huescape.base.temporaries import temporary_folder
from huescape.tracking.notices import Outage, Unusable, cause, warn
from huescape.tracking.records import Record, folder_digest
from huescape.tracking.settings import alone, state, tracking_uri


def _outbox() -> Path:
    return state() / "waiting"


def keep(record: Record) -> None:
    """Put a record and copies of its files aside. Raises OSError or HuescapeError."""
    _outbox().mkdir(parents=True, exist_ok=True)
    with temporary_folder(_outbox()) as hidden:
        kept = {**record, "artifacts": []}
        for number, (source, place) in enumerate(record["artifacts"]):
            kept["artifacts"].append([_copied(Path(source), hidden, f"files/{number}"), place])
        if record.get("model"):
            kept["model"] = _copied(Path(record["model"]), hidden, "files/model")
        write_json(hidden / "run.json", kept)
        hidden.rename(_outbox() / f"{time.time_ns():020d}-{folder_digest(hidden)}")


def _copied(source: Path, folder: Path, place: str) -> str:
    target = folder / place / source.name
    target.parent.mkdir(parents=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
    return target.relative_to(folder).as_posix()


def deliver(stopped: Callable[[], bool] = lambda: False) -> int:
    """Publish all that waits and can be published now; how many. A line for each dead address."""
    if not _outbox().is_dir():
        return 0
    from huescape.tracking.publish import publish  # slow
    from huescape.tracking.store import Store, connect

    stores: dict[str, Store | None] = {}
    delivered = 0
    # One process is enough; a disk that refuses keeps what waits where it is.
    with suppress(OSError), alone(state(), ".outbox.lock", 0):
        for folder, record in _waiting():
            address = _address(record)
            if stopped() or (address in stores and stores[address] is None):
                continue
            try:
                store = stores[address] = stores.get(address) or connect(address)
                publish(store, record)
                _remove(folder)
                delivered += 1
            except (Outage, Unusable) as error:
                stores[address] = None
                warn(f"MLflow at {address}: {error}; what is meant for it waits in {_outbox()}")
    return delivered


def addresses() -> Counter[str]:
    """How many records wait for each address."""
    return Counter(_address(record) for _, record in _waiting())


def forget(address: str) -> int:
    """Give up what waits for an address; how many records. Raises HuescapeError if none does."""
    gone = [folder for folder, record in _waiting() if _address(record) == mask(address)]
    if not gone:
        allowed = ", ".join(addresses()) or "none"
        raise HuescapeError(f"nothing waits for {mask(address)}; addresses: {allowed}")
    for folder in gone:
        _remove(folder)
    return len(gone)


def _address(record: Record) -> str:
    return str(record["destination"] or mask(tracking_uri()))


def _waiting() -> Iterator[tuple[Path, Record]]:
    """What waits, oldest first, with its paths made absolute."""
    for folder in sorted(_outbox().glob("[!.]*")):
        try:
            if folder_digest(folder) != folder.name.partition("-")[2]:
                raise ValueError("not what was written")
            record = json.loads((folder / "run.json").read_bytes())
        except (OSError, ValueError) as error:
            _set_aside(folder, cause(error))
            continue
        record["artifacts"] = [[str(folder / path), place] for path, place in record["artifacts"]]
        if record.get("model"):
            record["model"] = str(folder / record["model"])
        yield folder, record


def _set_aside(folder: Path, reason: str) -> None:
    if folder.is_dir():  # not delivered by another process a moment ago
        place = state() / "damaged" / folder.name
        place.parent.mkdir(exist_ok=True)
        folder.rename(place)
        warn(f"{folder}: damaged ({reason}): it is not published; it is kept as {place}")


def _remove(folder: Path) -> None:
    with temporary_folder(folder.parent) as gone:
        folder.rename(gone / folder.name)
