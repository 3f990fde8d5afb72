"""From shards of photos to totals: the network in batches, the scores photo by photo.

Memory does not grow with the number of photos. Photos are scored in threads (compiled code lets go
of the interpreter) while the network predicts the next batch, and counted in the shards' order, so
that the number of threads changes no byte.

Shape suffixes: N photos, S side of the padded photos, H rows, W columns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
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
from huescape.evaluation.confidence import Confidence, confidence
from huescape.evaluation.distributions import Distributions, distributions
from huescape.evaluation.extremes import Extreme, Extremes
from huescape.evaluation.passes import (
    Rows,
    Seen,
    batches,
    example_ids,
    inside,
    see,
    seen_side,
    unpadded,
)
from huescape.evaluation.scoring import Reference, Scored, Task, score_photo
from huescape.evaluation.temperatures import PHOTOS, at_temperatures
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

    `donors` (or `photos`) have the training photos whose colors a baseline takes. Raises
    HuescapeError when there is no photo in the split, or no training photo.
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
    tasks = _tasks(system, photos, rows_N, donors, decodes, shown.headline, result, measured)
    scored = score_in_threads(tasks, reference, system.space)
    for photo in progress(scored, total=len(rows_N), desc="evaluate"):
        _count(result, photo, rules, shown.headline)
    if measured:
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


def _tasks(
    system: System,
    photos: ShardSet,
    rows_N: Rows,
    lenders: ShardSet,
    decodes: Mapping[str, Decoding],
    headline: str,
    result: Evaluation,
    measured: Distributions | None,
) -> Iterator[Task]:
    every = (*decodes, *BASELINES)
    donors_N = lenders.rows("train")
    for rows in batches(rows_N, seen_side(system, photos)):
        donors = np.array([donors_N[pick(photos.ids[row], len(donors_N))] for row in rows])
        for seen, donor_HW3 in zip(
            see(system, photos, rows), unpadded(lenders, donors), strict=True
        ):
            if measured:
                measured.add(seen)
            size = seen.rgb_HW3.shape[0], seen.rgb_HW3.shape[1]
            decoded = _decoded(system, seen, size, decodes)
            chroma = {name: inside(chroma_HW2, seen.own) for name, chroma_HW2 in decoded.items()}
            original_HW3 = inside(seen.rgb_HW3, seen.own)
            is_example = seen.photo in result.examples
            if is_example:
                _look_closer(system, seen, result)
            keep = every if is_example else (headline, TRUTH)
            yield Task(seen.photo, original_HW3, chroma, donor_HW3, keep)


def _look_closer(system: System, seen: Seen, result: Evaluation) -> None:
    """What is kept of a photo that is shown, besides its pictures."""
    if sure := confidence(system, seen):
        result.confidence[seen.photo] = sure
    is_early = seen.photo in [*result.examples][:PHOTOS]
    if is_early and (pictures := at_temperatures(system, seen)) is not None:
        result.annealed[seen.photo] = pictures


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
