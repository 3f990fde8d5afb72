"""From shards of photos to totals: the network in batches, the scores photo by photo.

Memory does not grow with the number of photos. Photos are scored in threads (compiled code lets go
of the interpreter) while the network predicts the next batch, and counted in the shards' order, so
that the number of threads changes no byte.

Shape suffixes: N photos, S side of the padded photos, H rows, W columns.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from huescape.base import runtime
from huescape.base.boxes import Box
from huescape.base.errors import HuescapeError
from huescape.base.progress import progress
from huescape.color.spaces import Space
from huescape.evaluation.scoring import Reference, Scored, Task, score_photo
from huescape.metrics.baselines import pick
from huescape.metrics.pictures import Picture
from huescape.metrics.totals import Rules, Totals
from huescape.params.decodings import Decoding
from huescape.shards import ShardSet
from huescape.systems.photos import predict_photos, shown_box
from huescape.systems.system import System

# Pixels of one forward pass; 4 photos of 256 x 256 keep the memory of 313 full-size logits low.
_BATCH_PIXELS = 4 * 256 * 256
Rows = npt.NDArray[np.int64]


@dataclass
class Evaluation:
    """Totals by prediction (decodings and baselines), and the pictures of a few photos."""

    ids: list[str] = field(default_factory=list)
    totals: dict[str, Totals] = field(default_factory=dict)
    examples: dict[str, dict[str, Picture]] = field(default_factory=dict)


def example_ids(ids: Sequence[str], count: int) -> list[str]:
    """The `count` photos to show: the first by the hash of their id, the same for every system."""
    return sorted(ids, key=lambda photo: hashlib.sha256(photo.encode()).hexdigest())[:count]


def evaluate(
    system: System,
    photos: ShardSet,
    reference: Reference,
    rules: Rules,
    decodes: Mapping[str, Decoding],
    pictures: int,
) -> Evaluation:
    """Score `system` by each decoding, and the baselines, on the test split of `photos`.

    Raises HuescapeError when there is no test photo, or no training photo for the baselines.
    """
    for split in ("test", "train"):
        if not len(photos.rows(split)):
            raise HuescapeError(f"{photos.folder}: no photo of the split {split}; nothing to score")
    rows_N = photos.rows("test")
    examples = example_ids([photos.ids[row] for row in rows_N], pictures)
    result = Evaluation(examples={photo: {} for photo in examples})
    tasks = _tasks(system, photos, decodes, frozenset(examples))
    scored = score_in_threads(tasks, reference, system.space)
    for photo in progress(scored, total=len(rows_N), desc="evaluate"):
        _count(result, photo, rules)
    return result


def _count(result: Evaluation, photo: Scored, rules: Rules) -> None:
    result.ids.append(photo.photo)
    for name, score in photo.scores.items():
        result.totals.setdefault(name, Totals(rules)).add(score)
    if photo.pictures:
        result.examples[photo.photo] = photo.pictures


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
    system: System, photos: ShardSet, decodes: Mapping[str, Decoding], keep: frozenset[str]
) -> Iterator[Task]:
    rows_N, donors_N = photos.rows("test"), photos.rows("train")
    side = photos.columns["rgb"].shape[0]
    batch = max(1, _BATCH_PIXELS // side**2)
    for start in range(0, len(rows_N), batch):
        rows = rows_N[start : start + batch]
        ids = [photos.ids[row] for row in rows]
        donors = np.array([donors_N[pick(photo, len(donors_N))] for photo in ids])
        rgb_NSS3, boxes = photos.take("rgb", rows), list(map(Box.of, photos.take("box", rows)))
        originals = [_inside(p, box) for p, box in zip(rgb_NSS3, boxes, strict=True)]
        chroma = _predict(system, rgb_NSS3, boxes, decodes)
        donated = _unpadded(photos, donors)
        for number, photo in enumerate(ids):
            yield Task(photo, originals[number], chroma[number], donated[number], photo in keep)


def _unpadded(photos: ShardSet, rows: Rows) -> list[Picture]:
    pairs = zip(photos.take("rgb", rows), photos.take("box", rows), strict=True)
    return [_inside(rgb_SS3, Box.of(box)) for rgb_SS3, box in pairs]


def _inside(plane_SSC: npt.NDArray[Any], box: Box) -> npt.NDArray[Any]:
    """The part of a padded plane (S, S, C) that is the photo, in one piece."""
    return np.ascontiguousarray(box.cut(plane_SSC))


def _predict(
    system: System, rgb_NSS3: Picture, boxes: Sequence[Box], decodes: Mapping[str, Decoding]
) -> list[dict[str, npt.NDArray[np.float32]]]:
    """Chroma (height, width, 2) of each photo by each decoding, at full resolution."""
    lightness_NSS = system.space.from_rgb(rgb_NSS3)[..., 0]
    shown = [shown_box(system, box, lightness_NSS.shape[1]) for box in boxes]
    planes = [view.cut(plane) for view, plane in zip(shown, lightness_NSS, strict=True)]
    found = []
    for output_Chw, view, box in zip(predict_photos(system, planes), shown, boxes, strict=True):
        decoded = _decoded(system, output_Chw, (view.height, view.width), decodes)
        own = box.seen_from(view)
        found.append({name: _inside(chroma_HW2, own) for name, chroma_HW2 in decoded.items()})
    return found


def _decoded(
    system: System, output_Chw: torch.Tensor, size: tuple[int, int], decodes: Mapping[str, Decoding]
) -> dict[str, npt.NDArray[np.float32]]:
    """Chroma (*size, 2) of one photo by each decoding."""
    found: dict[str, npt.NDArray[np.float32]] = {}
    for name, decoding in decodes.items():
        if system.head == "chroma" and found:  # a regression has nothing to decode
            found[name] = next(iter(found.values()))
            continue
        chroma_12HW = system.decode(output_Chw[None], decoding, size, size)
        found[name] = chroma_12HW[0].permute(1, 2, 0).cpu().numpy()
    return found
