"""From shards of photos to totals: the network in batches, the scores photo by photo.

Memory does not grow with the number of photos. Photos are scored in threads (compiled code lets go
of the interpreter) while the network predicts the next batch, and counted in the shards' order, so
that the number of threads changes no byte. Nor does that of processes: each predicts and scores its
own photos, and the first counts them all.

Shape suffixes: N photos, S side of the padded photos, H rows, W columns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from huescape.base import runtime
from huescape.base.errors import HuescapeError
from huescape.base.progress import progress
from huescape.color.spaces import Space
from huescape.distributed import group
from huescape.distributed.turns import in_turns
from huescape.evaluation.confidence import Confidence
from huescape.evaluation.distributions import Distributions, distributions
from huescape.evaluation.extremes import Extreme, Extremes
from huescape.evaluation.looks import look
from huescape.evaluation.passes import Seen, example_ids, inside, see, seen_side, unpadded
from huescape.evaluation.scoring import Reference, Scored, Task, score_photo
from huescape.evaluation.shares import Piece, own_pieces, pieces, turns
from huescape.evaluation.temperatures import PHOTOS
from huescape.metrics.baselines import pick
from huescape.metrics.distribution_sums import DistributionSums
from huescape.metrics.names import BASELINES, TRUTH
from huescape.metrics.pictures import Picture
from huescape.metrics.totals import Rules, Totals
from huescape.params.decodings import Decoding
from huescape.shards import ShardSet
from huescape.systems.system import System


@dataclass(frozen=True)
class Shown:
    """How many photos are shown, and how many of the best and of the worst, by `headline`."""

    headline: str
    pictures: int = 0
    extremes: int = 0


@dataclass
class Evaluation:
    """Totals by prediction (decodings and baselines), and the pictures of a few photos.

    `distribution` is what `Distributions.record` says of a classifier, `distribution_sums` what
    each photo adds to it, `bins` its histograms (`Distributions.bins`); None for a regression, of
    whose examples none has a `confidence`, or is among `annealed`: the first ones at
    `temperatures.TEMPERATURES`, (T, H, W, 3) each.
    """

    ids: list[str] = field(default_factory=list)
    totals: dict[str, Totals] = field(default_factory=dict)
    examples: dict[str, dict[str, Picture]] = field(default_factory=dict)
    confidence: dict[str, Confidence] = field(default_factory=dict)
    annealed: dict[str, npt.NDArray[np.uint8]] = field(default_factory=dict)
    extremes: Extremes = field(default_factory=lambda: Extremes(0))
    distribution: dict[str, Any] | None = None
    distribution_sums: DistributionSums | None = None
    bins: dict[str, npt.NDArray[np.float64]] | None = None


def evaluate(
    system: System,
    photos: ShardSet,
    reference: Reference,
    rules: Rules,
    decodes: Mapping[str, Decoding],
    shown: Shown,
    split: str = "test",
    donors: ShardSet | None = None,
) -> Evaluation:
    """Score `system` by each decoding, and the baselines, on a split of `photos`.

    `donors` (or `photos`) have the training photos whose colors a baseline takes. Of many
    processes, the first has the result; that of the others is empty. Raises HuescapeError when
    there is no photo in the split, or no training photo.
    """
    donors = donors or photos
    for shards, needed in ((photos, split), (donors, "train")):
        if not len(shards.rows(needed)):
            raise HuescapeError(
                f"{shards.folder}: no photo of the split {needed}; nothing to score"
            )
    rows_N = photos.rows(split)
    examples = example_ids([photos.ids[row] for row in rows_N], shown.pictures)
    result = Evaluation(
        examples={photo: {} for photo in examples}, extremes=Extremes(shown.extremes)
    )
    measured = distributions(system, photos)
    work = pieces(rows_N, seen_side(system, photos), group.count())
    seen = _seen(system, photos, own_pieces(work), donors)
    tasks = _tasks(system, seen, decodes, shown.headline, examples, measured)
    scored = in_turns(score_in_threads(tasks, reference, system.space), turns(work))
    for photo in progress(scored, total=len(rows_N), desc="evaluate"):
        _count(result, photo, rules, shown.headline)
        if measured and photo.look.sums:
            measured.add(photo.photo, photo.look.sums)
    if measured and result.ids:
        result.distribution, result.distribution_sums = measured.record(), measured.sums()
        result.bins = measured.bins()
    return result


def _count(result: Evaluation, photo: Scored, rules: Rules, headline: str) -> None:
    result.ids.append(photo.photo)
    for name, score in photo.scores.items():
        if name not in result.totals:
            result.totals[name] = Totals(rules, has_hues=name == headline)
        result.totals[name].add(score)
    if photo.photo in result.examples:
        result.examples[photo.photo] = photo.pictures
    if photo.look.confidence:
        result.confidence[photo.photo] = photo.look.confidence
    if photo.look.annealed is not None:
        result.annealed[photo.photo] = photo.look.annealed
    auc = result.totals[headline].photos[-1]["auc"]
    if auc is not None:
        pictures = {name: photo.pictures[name] for name in (TRUTH, headline)}
        result.extremes.add(Extreme(auc, photo.photo, pictures))


def score_in_threads(tasks: Iterable[Task], reference: Reference, space: Space) -> Iterator[Scored]:
    """Score the tasks in threads, in order, with only a few of them alive at a time."""
    waiting: deque[Future[Scored]] = deque()
    workers = runtime.workers()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(score_photo, task, reference, space))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _seen(
    system: System, photos: ShardSet, work: Iterable[Piece], lenders: ShardSet
) -> Iterator[tuple[Seen, Picture]]:
    """What the network says of each photo of `work`, and the training photo that lends it color."""
    donors_N = lenders.rows("train")
    for piece in work:
        donors = np.array([donors_N[pick(photos.ids[row], len(donors_N))] for row in piece.scored])
        seen = see(system, photos, piece.rows)[piece.part]
        yield from zip(seen, unpadded(lenders, donors), strict=True)


def _tasks(
    system: System,
    seen_with_donors: Iterable[tuple[Seen, Picture]],
    decodes: Mapping[str, Decoding],
    headline: str,
    examples: Sequence[str],
    measured: Distributions | None,
) -> Iterator[Task]:
    every = (*decodes, *BASELINES)
    for seen, donor_HW3 in seen_with_donors:
        size = seen.rgb_HW3.shape[0], seen.rgb_HW3.shape[1]
        decoded = _decoded(system, seen, size, decodes)
        chroma = {name: inside(chroma_HW2, seen.own) for name, chroma_HW2 in decoded.items()}
        is_example = seen.photo in examples
        keep = every if is_example else (headline, TRUTH)
        is_annealed = seen.photo in examples[:PHOTOS]
        found = look(system, seen, measured, is_shown=is_example, is_annealed=is_annealed)
        rgb_HW3 = inside(seen.rgb_HW3, seen.own)
        yield Task(seen.photo, rgb_HW3, chroma, donor_HW3, keep, found)


def _decoded(
    system: System, seen: Seen, size: tuple[int, int], decodes: Mapping[str, Decoding]
) -> dict[str, npt.NDArray[np.float32]]:
    """Chroma (*size, 2) of one photo by each decoding."""
    found: dict[str, npt.NDArray[np.float32]] = {}
    lightness_11HW = torch.from_numpy(seen.lightness_HW)[None, None]
    for name, decoding in decodes.items():
        if system.head == "chroma" and found:  # a regression has nothing to decode
            found[name] = next(iter(found.values()))
            continue
        chroma_12HW = system.decode(seen.output_Chw[None], decoding, size, size, lightness_11HW)
        found[name] = chroma_12HW[0].permute(1, 2, 0).cpu().numpy()
    return found
