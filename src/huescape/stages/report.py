"""Stage report: one static page on everything that was run, whole in one file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
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
from huescape.reporting.groups import Group, grouped
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
from huescape.reporting.pictures import PAGE_BUDGET, Picture, embed
from huescape.reporting.scores import ScoreRow
from huescape.reporting.sides import Comparisons
from huescape.reporting.template import template
from huescape.reporting.verdict import verdict

# Of numbers in tables: as many as the evaluation files have.
_DIGITS = 6
# A prior's figure is line art: it is small as PNG, and JPEG would smear its text.
_FIGURE_BUDGET = 400_000
# Photos look the same as JPEG of this size, and the page opens at once on a phone.
_GRID_BUDGET = 900_000
# The pictures side by side come first: together they get at most this share of what is left.
_SIDE_BY_SIDE_SHARE = 0.6


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
    and the systems' pictures of the same photos, `side_by_side/`.

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
            (item.claim, [claims_table.row(line) for line in item.lines], item.missing)
            for item in checked
        ],
        "claims_summary": claims.summary(checked),
        "claims_basis": claims_table.basis_of(trained or groups),
        **_result_parts(results, rows, comparisons),
        "distributions": scores.distributions_of(groups),
        "failures": failures(groups, read_photos(catalog), out),
        **_data_parts(found, tables, out, params),
    }
    curves = [curve for _, _, curve in context["trainings"] if curve]
    spent = sum(_size(prior.figure) for prior in tables)
    spent += _embedded([context["auc_chart"], *curves])
    spent += _embedded(context["failures"].pictures)
    side_by_side = out.parent / "side_by_side"
    with fresh_directory(side_by_side) as fresh:
        shown = _side_by_side(groups, fresh, side_by_side, out, spent)
        context |= {
            "blocks": shown,
            **_pictures(results, out, spent + _embedded([p for _, p in shown])),
        }
        page = template().render(context)
    write_table(out.parent / "compare.csv", systems.comparison_table(rows, groups), _DIGITS)
    write_table(out.parent / "claims.csv", records.table(checked), _DIGITS)
    write_text(out, page)
    warned = len(context["warnings"])
    return {"systems": len(results), "warnings": warned, "bytes": len(page.encode())}


def _result_parts(
    results: Sequence[SystemResult], rows: Sequence[ScoreRow], comparisons: Comparisons
) -> dict[str, Any]:
    chart, end = charts.auc_chart(results)
    return {
        "metrics": METRICS,
        "scores": scores.table(rows, comparisons),
        "differences": differences(rows, comparisons),
        "warnings": scores.warnings_of(results),
        "basis": scores.basis_of(results),
        "names": [r.name for r in results],
        "headline": scores.headline_of(results),
        "decodes": [(r.name, scores.decodes_of(r)) for r in results],
        "numbers": [(r.name, scores.all_numbers(r), r.scores["decode"]) for r in results],
        "trainings": [
            (r.name, systems.training_of(r), charts.learning_curve(r))
            for r in results
            if not r.is_shipped
        ],
        "auc_chart": chart,
        "auc_end": end,
    }


def _side_by_side(
    groups: Sequence[Group], fresh: Path, final: Path, out: Path, spent: int
) -> list[tuple[str, Picture]]:
    """Draw the systems' pictures into `fresh`, later `final`, and embed them."""
    drawn = examples.draw_blocks(groups, fresh)
    budget = int(max(PAGE_BUDGET - spent, 0) * _SIDE_BY_SIDE_SHARE) // max(len(drawn), 1)
    budget = min(budget, _GRID_BUDGET)
    return [
        (", ".join(names), embed(path, out, budget, final / path.name, stage="report"))
        for path, names in drawn
    ]


def _embedded(pictures: Sequence[Picture]) -> int:
    """The bytes that the pictures take, before base64 adds its third."""
    return sum(len(picture.uri) for picture in pictures) * 3 // 4


def _pictures(results: Sequence[SystemResult], out: Path, spent: int) -> dict[str, Any]:
    """The figures of the systems; the grids share what the figures leave of the budget."""
    figures = [(r.name, r.curves_figure) for r in results if r.curves_figure]
    grids = [(r.name, r.grid) for r in results if r.grid]
    spent += sum(_size(path) for _, path in figures)
    share = max(PAGE_BUDGET - spent, 0) // max(len(grids), 1)
    return {
        "curve_figures": [
            (name, embed(path, out, _FIGURE_BUDGET, stage=f"evaluate@{name}"))
            for name, path in figures
        ],
        "grids": [
            (name, embed(path, out, min(share, _GRID_BUDGET), stage=f"evaluate@{name}"))
            for name, path in grids
        ],
    }


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
