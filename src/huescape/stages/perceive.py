"""Stage perceive: what ImageNet classifiers make of one system's test photos, and distances."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from huescape import tracking
from huescape.base.atomic import insist_on_place
from huescape.base.digests import file_sha256
from huescape.base.errors import HuescapeError
from huescape.params.decodings import ANNEALED, Decoding
from huescape.params.opted import model_of, section_of
from huescape.params.perception import PerceivedParams
from huescape.params.places import CATALOG, EVALUATION, PARAMS, PERCEPTION, RESIZED, needed
from huescape.params.reports import EvaluateParams
from huescape.params.sections import read_entry, read_section
from huescape.perception import labels, outputs
from huescape.perception.classifiers import PUBLISHED, Classifier
from huescape.perception.collected import REFERENCE, collect
from huescape.perception.parts import forget, key_of
from huescape.perception.relations import relations
from huescape.photos.catalog_file import CATALOG as CATALOG_FILE
from huescape.photos.catalog_file import rows_of
from huescape.shards import ShardSet
from huescape.shards.format import INDEX
from huescape.systems.released import own_decoding
from huescape.systems.system import DESCRIPTION, WEIGHTS, load_system
from huescape.training.devices import choose_device, keep_freed_memory, reproducible

_TRAINED, _SHIPPED = "perceived", "perceived_released"


def add_arguments(parser: ArgumentParser) -> None:
    """Which system."""
    parser.add_argument(
        "system", help="a name under `perceived:` or `perceived_released:` in params.yaml"
    )


def main(options: Namespace) -> dict[str, float]:
    """Ask the classifiers about one system's colors, in the decoding of its headline scores."""
    name = options.system
    section = section_of(PARAMS, name, _TRAINED, _SHIPPED)
    params = read_entry(PARAMS, section, name, PerceivedParams)
    is_shipped = section == _SHIPPED
    model = model_of(PARAMS, name, is_shipped=is_shipped)
    if is_shipped:
        decoding = own_decoding(model) or ANNEALED
    else:
        decoding = read_section(PARAMS, "evaluate", EvaluateParams).decode
    for path in (model, RESIZED, CATALOG):
        needed(path)
    scores, folder = PERCEPTION / f"{name}.json", PERCEPTION / name
    insist_on_place(scores)
    metrics = run(model, RESIZED, CATALOG, scores, folder, params, decoding)
    tracking.attach_reports(model, EVALUATION, is_shipped=is_shipped).close()
    return metrics


def run(
    model: Path,
    resized: Path,
    catalog: Path,
    out_json: Path,
    out_dir: Path,
    params: PerceivedParams,
    decoding: Decoding,
) -> dict[str, float]:
    """Show the classifiers the test photos of `resized` as they are and as `model` colors them.

    Args:
        model: folder of the system; the folder's name is the system's.
        resized: shards of photos.
        catalog: folder of the stage filter: the photos' categories.
        out_json, out_dir: see `outputs.write`.
        decoding: of the system's distributions.
    Returns:
        The headline numbers that are not of one classifier.
    Raises:
        HuescapeError: an input is missing, damaged or does not fit; no test photo; a category that
            is a wnid and no class of ImageNet-1k; a classifier's package that is not installed.
    """
    photos = ShardSet.open(resized, "photos")
    rows_N = photos.rows("test")
    if not len(rows_N):
        raise HuescapeError(f"{resized}: no photo of the split test; nothing to look at")
    known = rows_of(catalog / CATALOG_FILE, [photos.ids[row] for row in rows_N])
    label_N = np.array(labels.labels_of(known), np.int64)
    device = choose_device()
    asked_names = [name for name in PUBLISHED if name in {REFERENCE, *params.classifiers}]
    classifiers = [Classifier(name, device) for name in asked_names]
    system = load_system(model, device)
    files = [file_sha256(path) for path in _inputs(model, resized)]
    key = key_of("perceive", device.type, decoding.model_dump_json(), asked_names, files)
    keep_freed_memory()
    with reproducible(device):
        found = collect(model.name, system, photos, rows_N, decoding, classifiers, key)
    group_N = np.array([labels.group_of(row) for row in known])
    asked = outputs.Asked(found, label_N, group_N, relations(system))
    facts = {"system": model.name, "decode": decoding.name, "weights_sha256": files[0]}
    record = outputs.record(asked, facts)
    outputs.write(out_dir, record, asked, out_json)
    forget("perceive", model.name)
    numbers = outputs.headline(record)
    return {name: value for name, value in numbers.items() if isinstance(value, int | float)}


def _inputs(model: Path, resized: Path) -> Sequence[Path]:
    """Files that tell all that the pictures are made of: of shards, the index has the digests."""
    return model / WEIGHTS, model / DESCRIPTION, resized / INDEX
