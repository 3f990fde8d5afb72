"""Zhang et al.'s Table 1 beside what was scored here, where a row is the same thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from huescape.reporting.scores import ScoreRow
from huescape.reporting.wording import NONE

#: AuC and rebalanced AuC on 10,000 ImageNet validation photos (Zhang et al. 2016, Table 1), and
#: what is the same thing here: the name of a baseline, or the preset of a system.
_TABLE = (
    ("Ground truth", 1.0, 1.0, "ground_truth"),
    ("Gray", 0.891, 0.580, "gray"),
    ("Colors of a random photo", 0.842, 0.573, "random_photo"),
    ("L2 regression", 0.912, 0.644, "zhang2016_l2"),
    ("Classification", 0.916, 0.651, "zhang2016_norebalance"),
    ("Classification, rebalanced", 0.895, 0.673, "zhang2016"),
)


@dataclass(frozen=True)
class Published:
    """A row: what it is, the published AuC and rebalanced AuC, and ours with their intervals."""

    label: str
    auc: str
    rebalanced: str
    name: str
    ours: tuple[str, str]


def published(rows: Sequence[ScoreRow]) -> list[Published]:
    """The rows of the table, with the first system of each preset."""
    return [
        Published(label, f"{100 * auc:.1f}", f"{100 * balanced:.1f}", *_ours(key, rows))
        for label, auc, balanced, key in _TABLE
    ]


def _ours(key: str, rows: Sequence[ScoreRow]) -> tuple[str, tuple[str, str]]:
    row = next((row for row in rows if key in (row.name, _preset(row))), None)
    if row is None:
        return NONE, (NONE, NONE)
    return row.label, (_percent(row, "auc"), _percent(row, "auc_rebalanced"))


def _preset(row: ScoreRow) -> str:
    model = row.side.group.members[0].model
    return str(model["params"]["preset"]) if row.kind == "system" else ""


def _percent(row: ScoreRow, key: str) -> str:
    one = row.means[key]
    if one is None:
        return NONE
    if one.low is None or one.high is None or one.low == one.high:
        return f"{100 * one.mean:.1f}"
    return f"{100 * one.mean:.1f} ({100 * one.low:.1f}\N{EN DASH}{100 * one.high:.1f})"
