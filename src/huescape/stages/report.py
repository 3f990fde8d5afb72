"""Stage report: one static page on everything that was run, whole in one file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import huescape
from huescape.base.atomic import fresh_directory, write_text
from huescape.base.errors import HuescapeError
from huescape.base.masking import mask
from huescape.claims import claims, claims_table
from huescape.engines import leftovers, lockfile
from huescape.params import places
from huescape.params.load import Params, load_params
from huescape.params.reports import ReportParams
from huescape.reporting import compare, dataset, examples, scores, training, wording
from huescape.reporting.groups import Group, grouped
from huescape.reporting.inputs import (
    Catalog,
    Prior,
    SystemResult,
    read_catalog,
    read_prior,
    read_result,
    read_text,
)
from huescape.reporting.metrics import METRICS
from huescape.reporting.pictures import PAGE_BUDGET, Picture, embed
from huescape.reporting.template import template

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
        [places.EVALUATION / f"{name}.json" for name in params.systems],
        places.MODELS,
        {name: places.prior_of(name) for name in params.quantizers},
        places.FIGURES,
        places.PAGE,
        params.report,
        params_file=places.PARAMS,
        comparison=places.REPORTS / "compare.csv",
        checked_claims=places.REPORTS / "claims.csv",
        side_by_side=places.REPORTS / "side_by_side",
    )


def run(
    raw: Path,
    catalog: Path,
    evaluations: Sequence[Path],
    models: Path,
    priors: dict[str, Path],
    figures: Path,
    out: Path,
    params: ReportParams,
    *,
    params_file: Path,
    comparison: Path | None = None,
    checked_claims: Path | None = None,
    side_by_side: Path | None = None,
) -> dict[str, float]:
    """Write the page `out` from the files of the earlier stages; returns what it counts.

    Also writes the comparison of all systems as the table `comparison`, the published claims as
    the table `checked_claims` (both CSV), and the systems' pictures of the same photos into the
    folder `side_by_side`; what is None is not written, and pictures are not shown either then.

    Each of `evaluations` is a system's `<folder>/<system>.json`, with its curves and pictures in
    `<folder>/<system>/`; `priors` are the priors by quantizer, their figures in `figures`. The
    page holds no time, no commit and no path of this machine: the same inputs give the same bytes,
    in any clone. Raises HuescapeError when a file is missing or broken; nothing is written then.
    """
    if not evaluations:
        raise HuescapeError("there is nothing to report: `systems` of params.yaml is empty")
    results = [read_result(path, models) for path in sorted(evaluations)]
    found = read_catalog(raw, catalog)
    tables = [read_prior(name, path, figures) for name, path in sorted(priors.items())]
    settings = load_params(params_file)
    groups = grouped(results, settings.quantizers)
    found_claims = claims.check(groups)
    spent = sum(_size(prior.figure) for prior in tables)
    context = {
        "title": params.title,
        "version": huescape.__version__,
        "params_text": mask(read_text(params_file)).rstrip("\n"),
        "comparison": compare.comparison(groups),
        "claims": claims_table.part(found_claims, groups),
        **_result_parts(results, settings),
        **_data_parts(found, tables, out, settings),
    }
    with fresh_directory(side_by_side) if side_by_side else nullcontext() as fresh:
        shown = _side_by_side(groups, fresh, side_by_side, out, spent)
        context |= {"blocks": shown, **_pictures(results, out, spent + _embedded(shown))}
        page = template().render(context)
    if comparison:
        write_text(comparison, compare.as_csv(groups))
    if checked_claims:
        write_text(checked_claims, claims.as_csv(found_claims))
    write_text(out, page)
    warned = len(context["warnings"])
    return {"systems": len(results), "warnings": warned, "bytes": len(page.encode())}


def _result_parts(results: Sequence[SystemResult], settings: Params) -> dict[str, Any]:
    headline = _headline_temperature(results, settings)
    return {
        "metrics": METRICS,
        "rows": scores.score_rows(results),
        "verdict": scores.verdict(results),
        "warnings": scores.warnings_of(results),
        "basis": scores.basis_of(results),
        "headline": wording.plain(headline),
        "temperatures": [(r.name, scores.temperature_rows(r, headline)) for r in results],
        "numbers": [(r.name, scores.all_numbers(r)) for r in results],
        "systems": [training.trained(r, k) for k, r in enumerate(results)],
        "auc_chart": training.auc_chart(results),
    }


def _side_by_side(
    groups: Sequence[Group], fresh: Path | None, final: Path | None, out: Path, spent: int
) -> list[tuple[str, Picture]]:
    """Draw the systems' pictures into `fresh`, later `final`, and embed them."""
    if fresh is None or final is None:
        return []
    drawn = examples.draw_blocks(groups, fresh)
    budget = int(max(PAGE_BUDGET - spent, 0) * _SIDE_BY_SIDE_SHARE) // max(len(drawn), 1)
    budget = min(budget, _GRID_BUDGET)
    return [
        (", ".join(names), embed(path, out, budget, final / path.name, stage="report"))
        for path, names in drawn
    ]


def _embedded(shown: Sequence[tuple[str, Picture]]) -> int:
    """The bytes that the pictures take, before base64 adds its third."""
    return sum(len(picture.uri) for _, picture in shown) * 3 // 4


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
    found: Catalog, tables: Sequence[Prior], out: Path, settings: Params
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
                dataset.quantizer_of(prior, settings.quantizers[prior.name]),
                embed(prior.figure, out, _FIGURE_BUDGET, stage=f"prior@{prior.name}"),
            )
            for prior in tables
        ],
    }


def _size(figure: Path) -> int:
    """At most what it will take in the page."""
    return min(figure.stat().st_size, _FIGURE_BUDGET)


def _headline_temperature(results: Sequence[SystemResult], settings: Params) -> float:
    """The temperature of the headline scores: as the evaluation says, else as params.yaml does."""
    said = wording.number(results[0].scores.get("temperature"))
    return settings.evaluate.temperature if said is None else said
