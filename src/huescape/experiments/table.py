"""The table of a sweep: a row for each point and system, as a file and as text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from huescape.base.digests import read_verified
from huescape.base.errors import HuescapeError
from huescape.base.masking import mask
from huescape.base.tables import TEXT, frame, table_text
from huescape.experiments.sweep_file import short_names
from huescape.metrics.scores import METRICS

SCORES = tuple(score.key for score in METRICS if score.headline)  # of the evaluation
TRAINING = ("loss", "steps")  # of the model
COLUMNS = ("point", "experiment", "status", "system")

Row = Mapping[str, Any]


def headline(project: Path, system: str) -> dict[str, Any]:
    """The scores of a system in a project, and the loss and steps of its training.

    Raises HuescapeError when the files of the stages are not there or damaged.
    """
    found: dict[str, Any] = {}
    evaluation = project / "reports" / "evaluation" / system
    model = project / "models" / system
    for path, folder, stage, names in (
        (evaluation.with_name(f"{system}.json"), evaluation, "evaluate", SCORES),
        (model / "system.json", model, "train", TRAINING),
    ):
        content = read_verified(path, f"{stage}@{system}", folder)
        try:
            facts = json.loads(content)
            found.update({name: facts.get(name) for name in names})
        except (ValueError, AttributeError) as error:
            raise HuescapeError(f"{path}: cannot be read: {error}") from error
    return found


def as_csv(rows: Sequence[Row], varied: Iterable[str]) -> str:
    """Rows as CSV, values in full."""
    columns = _columns(varied)
    lines = ([_exact(row.get(name)) for name in columns] for row in rows)
    return table_text(frame(lines, dict.fromkeys(columns, TEXT)))


def as_text(rows: Sequence[Row], varied: Iterable[str]) -> str:
    """Rows as aligned text; of a key the heading has what tells it apart."""
    columns = _columns(varied)
    lines = [
        list(short_names(columns).values()),
        *([_short(row.get(name)) for name in columns] for row in rows),
    ]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    padded = (zip(line, widths, strict=True) for line in lines)
    return "\n".join("  ".join(t.ljust(w) for t, w in line).rstrip() for line in padded)


def refuse_foreign(path: Path) -> None:
    """Raise HuescapeError for a file in a table's place that is no table of a sweep."""
    head = ",".join(COLUMNS[:2]).encode()
    if path.is_file() and not path.read_bytes().startswith(head):
        raise HuescapeError(f"{path}: is there, and no table of a sweep; move it, or name another")


def _columns(varied: Iterable[str]) -> tuple[str, ...]:
    return (*COLUMNS, *varied, *SCORES, *TRAINING)


def _exact(value: Any) -> str:
    if value is None:
        return ""
    return mask(value if isinstance(value, str) else json.dumps(value, sort_keys=True))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _exact(value)
