"""Stage generalize: score a system, trained or shipped, on a source that it was not trained on."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from huescape import tracking
from huescape.base import runtime
from huescape.base.arrays import read_arrays
from huescape.base.atomic import insist_on_place, write_text
from huescape.base.digests import reseal
from huescape.base.tables import write_table
from huescape.evaluation.shares import launch_if_many
from huescape.generalization.intervals import intervals
from huescape.generalization.pages import generalization_page
from huescape.metrics import photo_sums
from huescape.metrics.photo_sums import PhotoSums
from huescape.params.opted import model_of, section_of
from huescape.params.places import (
    EVALUATION,
    GENERALIZATION,
    PARAMS,
    RESIZED,
    UNSEEN,
    bins_of,
    needed,
    prior_of,
)
from huescape.params.reports import EvaluateParams
from huescape.params.sections import read_entry, read_section
from huescape.params.unseen import GeneralizedParams
from huescape.stages import evaluate
from huescape.systems.released import own_decoding

_TRAINED, _SHIPPED = "generalized", "generalized_released"
_DIGITS = 6


def add_arguments(parser: ArgumentParser) -> None:
    """Which entry."""
    parser.add_argument(
        "entry", help="a name under `generalized:` or `generalized_released:` in params.yaml"
    )


def main(options: Namespace) -> dict[str, float] | None:
    """Score one system on one source, in the decoding of its headline scores.

    In many processes as `evaluate` does.
    """
    section = section_of(PARAMS, options.entry, _TRAINED, _SHIPPED)
    entry = read_entry(PARAMS, section, options.entry, GeneralizedParams)
    params = read_section(PARAMS, "evaluate", EvaluateParams)
    is_shipped = section == _SHIPPED
    model = model_of(PARAMS, entry.system, is_shipped=is_shipped)
    own = own_decoding(model) if is_shipped else None
    params = params.model_copy(update={"decode": own or params.decode, "split": "test"})
    unseen = UNSEEN / entry.unseen / "resized"
    paths = model, unseen, bins_of(params.prior), prior_of(params.prior)
    for path in (*paths, RESIZED):
        needed(path)
    scores, folder = GENERALIZATION / f"{options.entry}.json", GENERALIZATION / options.entry
    insist_on_place(scores)
    if launch_if_many("generalize", options.entry, unseen, params.split):
        return None
    metrics = run(*paths, RESIZED, scores, folder, params)
    if runtime.rank():
        return None
    tracking.attach_reports(model, EVALUATION, is_shipped=is_shipped).close()
    return metrics


def run(
    model: Path,
    unseen: Path,
    bins: Path,
    prior: Path,
    resized: Path,
    out_json: Path,
    out_dir: Path,
    params: EvaluateParams,
) -> dict[str, float]:
    """Score the system in `model` on the photos of `unseen`; all as `evaluate.run` does.

    `intervals.csv` comes beside its files (see `generalization.intervals`), and a page.

    Args:
        unseen: shards of the source's photos, by the stage gather.
        resized: shards of the project's own, whose training photos lend their colors to the
            baseline `random_photo`.
    """
    donors = resized
    metrics = evaluate.run(model, unseen, bins, prior, out_json, out_dir, params, donors=donors)
    if runtime.rank():
        return metrics
    found = read_arrays(out_dir / "photo_sums.npz", *photo_sums.ARRAYS, stage="generalize")
    table = intervals(PhotoSums(**found), params.decode.name)
    write_table(out_dir / "intervals.csv", table, _DIGITS)
    page = generalization_page(out_dir.name, params.decode.name, table, out_dir)
    write_text(out_dir / "index.html", page)
    for name in ("intervals.csv", "index.html"):
        reseal(out_dir / name)
    return metrics
