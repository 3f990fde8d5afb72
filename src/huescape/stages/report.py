"""Stage report: one static page on everything that was run, whole in one file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import huescape
from huescape.base.atomic import fresh_directory, write_text
from huescape.base.errors import HuescapeError
from huescape.base.masking import mask
from huescape.base.tables import write_table
from huescape.claims import claims, claims_table, records
from huescape.engines import leftovers, lockfile
from huescape.metrics.scores import METRICS
from huescape.params import places
from huescape.params.load import Params, load_params
from huescape.params.released import RELEASED
from huescape.reporting import charts, dataset, examples, scores, systems
from huescape.reporting.differences import differences
from huescape.reporting.failures import failures
from huescape.reporting.gallery import gallery
from huescape.reporting.groups import grouped
from huescape.reporting.inputs import (
    Catalog,
    Prior,
    SystemResult,
    read_catalog,
    read_photos,
    read_prior,
    read_result,
    read_text,
)
from huescape.reporting.pictures import PAGE_BUDGET, Picture, embed, link
from huescape.reporting.plots import write_plots
from huescape.reporting.published import published
from huescape.reporting.scores import ScoreRow
from huescape.reporting.sides import Comparisons
from huescape.reporting.template import template
from huescape.reporting.verdict import verdict

# Of numbers in tables: as many as the evaluation files have.
_DIGITS = 6
# A prior's figure is line art: it is small as PNG, and JPEG would smear its text.
_FIGURE_BUDGET = 400_000


def add_arguments(parser: ArgumentParser) -> None:
    """None."""


def main(options: Namespace) -> dict[str, float]:
    """Write the page on everything that was run, from what the stages make and nothing else."""
    params = load_params(places.PARAMS)
    lockfile.tell(leftovers.sweep_orphans() + leftovers.undeclared())
    return run(
        places.RAW,
        places.CATALOG,
        [places.EVALUATION / f"{name}.json" for name in params.every_system],
        places.MODELS,
        [places.EVALUATION / f"{name}.json" for name in params.released],
        {name: places.prior_of(name) for name in params.quantizers},
        places.FIGURES,
        places.PAGE,
        places.PARAMS,
    )


def run(
    raw: Path,
    catalog: Path,
    evaluations: Sequence[Path],
    models: Path,
    released: Sequence[Path],
    priors: dict[str, Path],
    figures: Path,
    out: Path,
    params_file: Path,
) -> dict[str, float]:
    """Write the page `out` from the files of the earlier stages; returns what it counts.

    Beside it go the comparison of all systems, `compare.csv`, the published claims, `claims.csv`,
    the systems' pictures of the same photos, `side_by_side/`, and what `dvc plots` shows, `plots/`.

    Each of `evaluations` is a system's `<folder>/<system>.json`, with its curves and pictures in
    `<folder>/<system>/`, and `released` those of shipped models; `priors` are the priors by
    quantizer, their figures in `figures`. The page holds no time, no commit and no path of this
    machine: the same inputs give the same bytes, in any clone. Raises HuescapeError when a file is
    missing or broken; nothing is written then.
    """
    if not evaluations and not released:
        raise HuescapeError("there is nothing to report: `systems` of params.yaml is empty")
    results = [read_result(path, models / path.stem) for path in sorted(evaluations)]
    results += [read_result(path, RELEASED / path.stem) for path in sorted(released)]
    found = read_catalog(raw, catalog)
    tables = [read_prior(name, path, figures) for name, path in sorted(priors.items())]
    params = load_params(params_file)
    groups = grouped(results, params.quantizers)
    trained = [group for group in groups if not group.members[0].is_shipped]
    comparisons = Comparisons()
    checked = claims.check(trained, comparisons)
    rows = scores.score_rows(groups, comparisons)
    context: dict[str, Any] = {
        "title": params.report.title,
        "version": huescape.__version__,
        "params_text": mask(read_text(params_file)).rstrip("\n"),
        "verdict": verdict(trained or groups, comparisons),
        "compared": systems.compared(groups),
        "claims": [
            (item.claim, [claims_table.row(line) for line in item.lines])
            for item in checked
            if item.lines
        ],
        "claims_missing": [(item.claim, item.missing) for item in checked if not item.lines],
        "claims_summary": claims.summary(checked),
        "own_prior": params.evaluate.rebalance and params.evaluate.rebalance.path,
        "claims_basis": claims_table.basis_of(trained or groups),
        **_result_parts(results, rows, comparisons, out),
        "distributions": scores.distributions_of(groups),
        "asked": _asked(params),
        "failures": failures(groups, partial(read_photos, catalog), out),
        **_data_parts(found, tables, out, params),
    }
    curves = [curve for _, _, curve in context["trainings"] if curve]
    spent = sum(_size(prior.figure) for prior in tables)
    spent += _embedded([context["auc_chart"], *curves, *context["failures"].pictures])
    side_by_side = out.parent / "side_by_side"
    with fresh_directory(side_by_side) as fresh:
        drawn = examples.draw_blocks(groups, fresh)
        sheets = [link(side_by_side / path.name, out) for path, _ in drawn]
        context |= {"gallery": gallery(groups, PAGE_BUDGET - spent), "sheets": sheets}
        page = template().render(context)
    with fresh_directory(out.parent / "plots") as fresh:
        write_plots(fresh, results)
    write_table(out.parent / "compare.csv", systems.comparison_table(rows, groups), _DIGITS)
    write_table(out.parent / "claims.csv", records.table(checked), _DIGITS)
    write_text(out, page)
    warned = len(context["warnings"])
    return {"systems": len(results), "warnings": warned, "bytes": len(page.encode())}


def _result_parts(
    results: Sequence[SystemResult], rows: Sequence[ScoreRow], comparisons: Comparisons, out: Path
) -> dict[str, Any]:
    chart, end = charts.auc_chart(results)
    seeds = [row.side.group.members for row in rows if len(row.seeds) > 1]
    averaged = {member.name for members in seeds for member in members}
    return {
        "metrics": METRICS,
        "scores": scores.table(rows, comparisons),
        "differences": differences(rows, comparisons),
        "published": published(rows),
        "warnings": scores.warnings_of(results),
        "basis": scores.basis_of(results),
        "names": [r.name for r in results],
        "headline": scores.headline_of(results),
        "decodes": [(r.name, scores.decodes_of(r, averaged=r.name in averaged)) for r in results],
        "numbers": scores.other_numbers(results),
        "trainings": [
            (r.name, systems.training_of(r), charts.learning_curve(r))
            for r in results
            if not r.is_shipped
        ],
        "auc_chart": chart,
        "auc_end": end,
        "curve_files": [(r.name, link(r.curves_figure, out)) for r in results if r.curves_figure],
        "grids": [(r.name, link(r.grid, out)) for r in results if r.grid],
    }


def _asked(params: Params) -> list[tuple[str, str]]:
    """(what, link) of the pages that stages write which params.yaml asks for.

    They are no inputs: without them the page is as true, and where none is asked for none exists.
    """
    found = (
        ("Perception of", places.PERCEPTION, {**params.perceived, **params.perceived_released}),
        ("Nearest training photos of", places.NEIGHBORS, params.neighbors),
        ("Probe of", places.PROBES, {**params.probed, **params.probed_released}),
        (
            "Generalization:",
            places.GENERALIZATION,
            {**params.generalized, **params.generalized_released},
        ),
    )
    return [
        (f"{what} {name}", link(folder / name / "index.html", places.PAGE))
        for what, folder, entries in found
        for name in entries
    ]


def _embedded(pictures: Sequence[Picture]) -> int:
    """The bytes that the pictures take, before base64 adds its third."""
    return sum(len(picture.uri) for picture in pictures) * 3 // 4


def _data_parts(
    found: Catalog, tables: Sequence[Prior], out: Path, params: Params
) -> dict[str, Any]:
    steps, idle = dataset.funnel_of(found)
    return {
        "summary": found.summary,
        "sources": dataset.sources_of(found),
        "funnel": steps,
        "idle_checks": idle,
        "splits": dataset.splits_of(found),
        "categories": dataset.categories_of(found),
        "quantizers": [
            (
                dataset.quantizer_of(prior, params.quantizers[prior.name]),
                embed(prior.figure, out, _FIGURE_BUDGET, stage=f"prior@{prior.name}"),
            )
            for prior in tables
        ],
    }


def _size(figure: Path) -> int:
    """At most what it will take in the page."""
    return min(figure.stat().st_size, _FIGURE_BUDGET)
