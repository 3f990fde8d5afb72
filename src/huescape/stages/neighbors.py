"""Stage neighbors: the nearest training photos of each photo of a split, by hash and features."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from huescape.base.digests import file_sha256
from huescape.base.errors import HuescapeError
from huescape.evaluation.passes import Rows, unpadded
from huescape.metrics.pictures import Picture
from huescape.params.perception import NeighborsParams
from huescape.params.places import CATALOG, NEIGHBORS, PARAMS, RESIZED, needed
from huescape.params.sections import read_entry
from huescape.perception import neighbor_outputs as outputs
from huescape.perception.classifiers import Classifier
from huescape.perception.collected import REFERENCE
from huescape.perception.nearest import Marks, nearest, unit
from huescape.perception.parts import Arrays, forget, in_parts, key_of
from huescape.perception.pictures import gray_picture
from huescape.photos.catalog_file import CATALOG as CATALOG_FILE
from huescape.photos.catalog_file import values_of
from huescape.shards import ShardSet
from huescape.shards.format import INDEX
from huescape.training.devices import choose_device, keep_freed_memory, reproducible

_STAGE = "neighbors"
# Training photos whose own nearest ones are looked for, as a measure.
_AMONG = 1_000


def add_arguments(parser: ArgumentParser) -> None:
    """Which split."""
    parser.add_argument("split", help="a name under `neighbors:` in params.yaml: test or val")


def main(options: Namespace) -> dict[str, float]:
    """Look for the photos of one split among the training photos."""
    params = read_entry(PARAMS, "neighbors", options.split, NeighborsParams)
    for path in (RESIZED, CATALOG):
        needed(path)
    return run(options.split, RESIZED, CATALOG, NEIGHBORS / options.split, params)


def run(
    split: str, resized: Path, catalog: Path, out: Path, params: NeighborsParams
) -> dict[str, float]:
    """Write `neighbors.csv`, `summary.json`, and the closest pairs as `pairs.png`, into `out`.

    Args:
        split: whose photos are looked for.
        resized: shards of photos.
        catalog: folder of the stage filter: the photos' perceptual hashes.
    Returns:
        `photos`, and `within_max_distance`: how many have a training photo that counts as a copy.
    Raises:
        HuescapeError: an input is missing or damaged; no photo of `split`, or fewer than two to
            train on; a package that is not installed.
    """
    photos = ShardSet.open(resized, "photos")
    rows_N, rows_T = photos.rows(split), photos.rows("train")
    for name, rows, least in ((split, rows_N, 1), ("train", rows_T, 2)):
        if len(rows) < least:
            raise HuescapeError(
                f"{resized}: {len(rows)} photos of the split {name}; nothing to compare"
            )
    both = np.concatenate([rows_N, rows_T])
    marks = _marks(split, photos, both, catalog)
    own, training = (marks.some(np.arange(len(both))[part]) for part in _parts(len(rows_N)))
    found = nearest(own, training)
    among = nearest(training.some(np.arange(min(_AMONG, len(rows_T)))), training, among=True)
    row_of = {photos.ids[row]: int(row) for row in both}
    ids = list(row_of)
    listed = outputs.pairs(ids[: len(rows_N)], ids[len(rows_N) :], found)
    told = outputs.summary(split, params, found, among, len(rows_T))

    def picture(photo: str) -> Picture:
        return unpadded(photos, [row_of[photo]])[0]

    outputs.write(out, listed, told, outputs.closest(listed, params), picture)
    forget(_STAGE, split)
    return {"photos": len(rows_N), "within_max_distance": told["within_max_distance"]}


def _parts(count: int) -> tuple[slice, slice]:
    return slice(None, count), slice(count, None)


def _marks(split: str, photos: ShardSet, rows: Rows, catalog: Path) -> Marks:
    """What the photos are compared by; the features are of them as they were resized."""
    hash_N = _hashes(catalog / CATALOG_FILE, [photos.ids[row] for row in rows])
    device = choose_device()
    classifier = Classifier(REFERENCE, device)

    def ask(some: Rows) -> Arrays:
        pictures = unpadded(photos, some)
        seen = classifier([*pictures, *map(gray_picture, pictures)]).features_NF
        return {"color": seen[: len(some)], "gray": seen[len(some) :]}

    key = key_of(_STAGE, device.type, split, file_sha256(photos.folder / INDEX))
    keep_freed_memory()
    with reproducible(device):
        features = in_parts(_STAGE, split, key, rows, ask)
    return Marks(hash_N, unit(features["color"]), unit(features["gray"]))


def _hashes(path: Path, ids: list[str]) -> npt.NDArray[np.uint64]:
    hashes = values_of(path, "phash", ids)
    missing = [photo for photo, bits in zip(ids, hashes, strict=True) if bits is None]
    if missing:
        raise HuescapeError(
            f"{path}: has no hash of {missing[0]!r}, though it was resized; run the stages filter "
            "and resize again"
        )
    return np.array(hashes, np.uint64)
