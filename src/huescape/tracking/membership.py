"""Which point of which sweep this process works for, if any: what makes its run a child.

The sweep writes a small file for each point and names it in the environment of its stages.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from huescape.base.atomic import write_json
from huescape.base.errors import HuescapeError
from huescape.base.masking import mask_values
from huescape.base.runtime import SWEEP_POINT
from huescape.tracking.context import flat_params


@dataclass(frozen=True)
class Membership:
    """A point of a sweep: the record of the sweep's own run, the point's key, and what varies.

    `varied` has dotted keys of params.yaml; `tags` are those of every run of the point; `title` is
    what tells its runs from those of other points: `lambda=0.5`.
    """

    parent: Mapping[str, Any]
    point: str
    varied: Mapping[str, Any]
    tags: Mapping[str, str]
    title: str = ""

    def run(self, system: str) -> str:
        """Key of the run of a system at this point: the same in every process, at every try."""
        text = f"{self.parent['key']}\0{self.point}\0{system}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def joined(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record of a run as that of a child of the sweep's run."""
        return {
            **record,
            "title": f"{record['title']} {self.title}".rstrip(),
            "parent": dict(self.parent),
            "params": {**record["params"], **flat_params(self.varied)},
            "tags": {**record["tags"], **self.tags},
        }

    def write(self, path: Path) -> None:
        """Write the file that `HUESCAPE_SWEEP_POINT` names. Raises HuescapeError."""
        write_json(path, mask_values(asdict(self)))


def membership() -> Membership | None:
    """The point that this process works for. Raises HuescapeError for a damaged file."""
    named = os.environ.get(SWEEP_POINT)
    if not named:
        return None
    try:
        return Membership(**json.loads(Path(named).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise HuescapeError(
            f"{SWEEP_POINT} names {named}, which cannot be read: {error}"
        ) from error
