"""Stage probe: what the features of a system's blocks say of a photo's scene, depth by depth."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from huescape import tracking
from huescape.base.atomic import insist_on_place
from huescape.base.digests import file_sha256
from huescape.base.progress import progress
from huescape.params.opted import model_of, section_of
from huescape.params.places import CATALOG, EVALUATION, PARAMS, PROBES, RESIZED, needed
from huescape.params.probes import ProbedParams
from huescape.params.sections import read_entry
from huescape.photos.catalog import SPLITS
from huescape.probing import outputs
from huescape.probing.collected import Features, block_features, gray_features
from huescape.probing.linear import probe
from huescape.probing.outputs import GRAY, PRETRAINED, RANDOM, TRAINED, Probed
from huescape.probing.scenes import Scenes, scenes
from huescape.shards import ShardSet
from huescape.systems.system import WEIGHTS, System, build_system, load_system
from huescape.training.devices import choose_device, keep_freed_memory, reproducible

_TRAINED, _SHIPPED = "probed", "probed_released"


def add_arguments(parser: ArgumentParser) -> None:
    """Which system."""
    parser.add_argument(
        "system", help="a name under `probed:` or `probed_released:` in params.yaml"
    )


def main(options: Namespace) -> dict[str, float]:
    """Probe one system, trained or shipped."""
    name = options.system
    section = section_of(PARAMS, name, _TRAINED, _SHIPPED)
    params = read_entry(PARAMS, section, name, ProbedParams)
    is_shipped = section == _SHIPPED
    model = model_of(PARAMS, name, is_shipped=is_shipped)
    for path in (model, RESIZED, CATALOG):
        needed(path)
    scores, folder = PROBES / f"{name}.json", PROBES / name
    insist_on_place(scores)
    metrics = run(model, RESIZED, CATALOG, scores, folder, params)
    tracking.attach_reports(model, EVALUATION, is_shipped=is_shipped).close()
    return metrics


def run(
    model: Path,
    resized: Path,
    catalog: Path,
    out_json: Path,
    out_dir: Path,
    params: ProbedParams,
) -> dict[str, float]:
    """Fit a linear classifier of scenes to the features of every block of the system in `model`.

    The same is done with random weights, with gray pixels and, where the training of the network
    started from pretrained weights, with those.

    Args:
        model: folder of the system; the folder's name is the system's.
        resized: shards of photos.
        catalog: folder of the stage filter: the photos' categories.
        out_json, out_dir: see `outputs.write`.
    Returns:
        The headline, see `outputs.headline`.
    Raises:
        HuescapeError: an input is missing, damaged or does not fit; fewer than two categories with
            enough training photos; a split without a photo of them.
    """
    photos = ShardSet.open(resized, "photos")
    found = scenes(photos, catalog, params.min_photos)
    device = choose_device()
    system = load_system(model, device)
    keep_freed_memory()
    with reproducible(device):
        seen = _seen(system, photos, found, params)
    probes = [_probed(one, found) for one in progress(seen, len(seen), "probe", "classifier")]
    facts = {
        "system": model.name,
        "weights_sha256": file_sha256(model / WEIGHTS),
        "options": params.model_dump(mode="json"),
    }
    record = outputs.record(probes, found, facts)
    outputs.write(out_dir, record, out_json)
    return outputs.headline(record)


@dataclass(frozen=True)
class _Seen:
    """What one classifier is to see: features (N, F) of the photos of all splits, one by one."""

    weights: str
    block: str
    depth: int
    features_NF: Features


def _seen(system: System, photos: ShardSet, found: Scenes, params: ProbedParams) -> list[_Seen]:
    rows_N = np.concatenate([found.rows[split] for split in SPLITS])
    gray_NF = gray_features(system, photos, rows_N, params.features)
    seen = [_Seen(GRAY, "", 0, gray_NF)]
    systems = {TRAINED: system}
    if system.network.pretrained:
        systems[PRETRAINED] = _fresh(system, params.seed, pretrained=True)
    systems[RANDOM] = _fresh(system, params.seed)
    for weights, one in systems.items():
        blocks = block_features(one, photos, rows_N, params.features, weights)
        seen += [
            _Seen(weights, block, depth, features_NF)
            for depth, (block, features_NF) in enumerate(blocks.items(), start=1)
        ]
    return seen


def _fresh(system: System, seed: int, *, pretrained: bool = False) -> System:
    """The same architecture with random weights, but for what `pretrained` fills in."""
    params = system.params.model_copy(update={"seed": seed})
    spec = system.quantizer, system.centers, system.prior
    fresh = build_system(params, *spec, pretrained=pretrained)
    fresh.network.to(system.device).eval()
    return fresh


def _probed(seen: _Seen, found: Scenes) -> Probed:
    ends = np.cumsum([len(found.rows[split]) for split in SPLITS])
    parts = np.split(seen.features_NF, ends[:-1])
    fitted = probe(dict(zip(SPLITS, parts, strict=True)), found.labels)
    return Probed(seen.weights, seen.block, seen.depth, seen.features_NF.shape[1], fitted)
