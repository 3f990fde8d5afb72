"""Which photos each of many processes predicts and scores, and how many there are.

Photos go through the network in the batches of one process, whatever the number of processes:
rounding in a network depends on what it sees together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from huescape.base import runtime
from huescape.distributed import group
from huescape.distributed.launch import launch
from huescape.evaluation.passes import Rows, batches
from huescape.shards import ShardSet


def launch_if_many(stage: str, name: str, resized: Path, split: str) -> bool:
    """Whether `huescape STAGE NAME` ran in many processes, and this one need do nothing.

    HUESCAPE_PROCESSES says how many; no more are started than there are photos to score. Raises as
    `launch` does.
    """
    wanted = runtime.processes()
    if wanted > 1:
        wanted = min(wanted, len(ShardSet.open(resized, "photos").rows(split)))
    if wanted > 1:
        launch(wanted, stage, name, again="the same command begins anew")
    return wanted > 1


@dataclass(frozen=True)
class Piece:
    """What one process takes at a time: of the photos `rows`, a batch, those at `part`."""

    rows: Rows
    part: slice

    @property
    def scored(self) -> Rows:
        """The rows of the photos that it scores."""
        return self.rows[self.part]


def pieces(rows_N: Rows, side: int, processes: int) -> list[Piece]:
    """All photos in order, none twice; piece k is that of process k % `processes`.

    A piece is a whole batch, as long as there are enough of them. Where there are fewer than half
    as many as processes, several predict the same batch and score a part of it each.
    """
    whole = list(batches(rows_N, side))
    parts = max(1, processes // max(1, len(whole)))
    found = []
    for rows in whole:
        ends = [k * len(rows) // parts for k in range(parts + 1)]
        found += [Piece(rows, slice(*pair)) for pair in pairwise(ends)]
    return [piece for piece in found if len(piece.scored)]


def own_pieces(work: Sequence[Piece]) -> Sequence[Piece]:
    """Those of this process."""
    return work[group.number() :: group.count()]


def turns(work: Sequence[Piece]) -> list[int]:
    """The process that scores each photo, in the order of the photos."""
    return [k % group.count() for k, piece in enumerate(work) for _ in piece.scored]
