"""Stage evaluate: score one system, trained or shipped, and the baselines on the test split."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from huescape import tracking
from huescape.base import runtime
from huescape.base.atomic import insist_on_place
from huescape.base.digests import file_sha256
from huescape.distributed import group
from huescape.evaluation import outputs
from huescape.evaluation.loop import Shown, evaluate
from huescape.evaluation.scoring import read_reference
from huescape.evaluation.shares import launch_if_many
from huescape.metrics.totals import Rules
from huescape.networks.cost import cost_of
from huescape.params.places import EVALUATION, MODELS, PARAMS, RESIZED, bins_of, needed, prior_of
from huescape.params.presets import read_system
from huescape.params.released import ReleasedParams, released_model
from huescape.params.reports import EvaluateParams
from huescape.params.sections import entries, read_entry, read_section
from huescape.shards import ShardSet
from huescape.systems.released import own_decoding
from huescape.systems.system import WEIGHTS, load_system
from huescape.training.devices import choose_device, keep_freed_memory, reproducible


def add_arguments(parser: ArgumentParser) -> None:
    """Which system."""
    parser.add_argument(
        "system", help="a name under `systems:`, `finetuned:` or `released:` in params.yaml"
    )


def main(options: Namespace) -> dict[str, float] | None:
    """Score one system and the baselines, and tell MLflow: the run that trained it, if one did.

    In HUESCAPE_PROCESSES processes, or among those that torchrun started; nothing is returned but
    in the first of them.
    """
    name, params = options.system, read_section(PARAMS, "evaluate", EvaluateParams)
    is_shipped = name in entries(PARAMS, "released")
    model = _shipped(name) if is_shipped else _trained(name)
    paths = (model, RESIZED, bins_of(params.prior), prior_of(params.prior))
    for path in paths:
        needed(path)
    if own := own_decoding(model) if is_shipped else None:
        params = params.model_copy(update={"decode": own})
    scores, folder = EVALUATION / f"{name}.json", EVALUATION / name
    insist_on_place(scores)
    if launch_if_many("evaluate", name, RESIZED, params.split):
        return None
    metrics = run(*paths, scores, folder, params)
    if runtime.rank():
        return None
    attach = tracking.attach_shipped if is_shipped else tracking.attach
    attach(name, model, scores, folder).close()
    return metrics


def _trained(name: str) -> Path:
    read_system(PARAMS, name)  # a model that is left over has no scores
    return MODELS / name


def _shipped(name: str) -> Path:
    read_entry(PARAMS, "released", name, ReleasedParams)
    return released_model(name)


def run(
    model: Path,
    resized: Path,
    bins: Path,
    prior: Path,
    out_json: Path,
    out_dir: Path,
    params: EvaluateParams,
    *,
    donors: Path | None = None,
) -> dict[str, float]:
    """Score the system in `model` on the photos of `resized` that `params.split` names.

    Of many processes, the first writes, and nothing is returned by the others.

    Args:
        model: folder of the trained system; the folder's name is the system's.
        resized: shards of photos.
        bins, prior: .npz of the scoring quantizer, the same for every system.
        out_json: the headline scores, which `dvc metrics` shows.
        out_dir: all scores (`scores.json`, see `outputs.record`, and `scores.csv`), `photos.csv`,
            `photo_sums.npz`, `hue_sums.npz`, of a classifier `distribution_sums.npz` and
            `bins.csv`, `curves.csv`, figures and, if wanted, `grid.png`, `pictures.npz`,
            `temperatures.npz`, and `best.png` and `worst.png`; see `outputs.write`.
        donors: shards whose training photos lend their colors to the baseline `random_photo`;
            None for `resized`.
    Returns:
        The headline scores; a score that is infinite or undefined is left out.
    Raises:
        HuescapeError: an input is missing, damaged or does not fit, or there is no test photo.
    """
    reference = read_reference(bins, prior, params.rebalance)
    photos = ShardSet.open(resized, "photos")
    lenders = ShardSet.open(donors, "photos") if donors else photos
    device = choose_device()
    system = load_system(model, device)
    rules = Rules(reference.weight_Q, params.macro_pixels, params.macro_photos)
    keep_freed_memory()
    with group.together(device), reproducible(device):
        wanted = Shown(params.decode.name, params.pictures, params.extremes)
        asked = params.every_decode, wanted, params.split
        result = evaluate(system, photos, reference, rules, *asked, lenders)
    if runtime.rank():
        return {}
    # A photo that does not suit the network is padded before it is seen.
    multiple = system.network.multiple
    shown = max(photos.number("size"), system.params.geometry.view or 0)
    size = -(-shown // multiple) * multiple
    record = outputs.record(result, params)
    record |= {"head": system.head, "cost": cost_of(system.network, size)}
    record["weights_sha256"] = file_sha256(model / WEIGHTS)
    outputs.write(out_dir, record, model.name, result, params, out_json)
    return {key: value for key, value in record.items() if isinstance(value, int | float)}
