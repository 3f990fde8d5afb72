"""Stage gather: list, filter and resize the photos of a source that nothing is trained on."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from huescape.base.atomic import fresh_directory, write_json
from huescape.base.digests import seal
from huescape.generalization.unseen import LEARNED, as_test
from huescape.params.photos import FilterParams, ResizeParams, SplitParams
from huescape.params.places import CATALOG, PARAMS, UNSEEN, needed
from huescape.params.sections import read_entry, read_section
from huescape.params.unseen import UnseenParams, told_as
from huescape.photos.catalog import Tally
from huescape.photos.catalog_file import CATALOG as CATALOG_FILE
from huescape.photos.catalog_file import prints_of, read_catalog, write_catalog
from huescape.stages import download, filter, resize

_ALL_ALIKE = SplitParams(val=0, test=0, honor_lists=False)


def add_arguments(parser: ArgumentParser) -> None:
    """Which source."""
    parser.add_argument("source", help="a name under `unseen:` in params.yaml")


def main(options: Namespace) -> dict[str, float]:
    """Make the photos of one source ready to be scored."""
    params = read_entry(PARAMS, "unseen", options.source, UnseenParams)
    filtered = read_section(PARAMS, "filter", FilterParams)
    resized = read_section(PARAMS, "resize", ResizeParams)
    with told_as(f"unseen.{options.source}.source"):
        return run(UNSEEN / options.source, needed(CATALOG), params, filtered, resized)


def run(
    out: Path,
    catalog: Path,
    params: UnseenParams,
    filtered: FilterParams,
    resized: ResizeParams,
) -> dict[str, float]:
    """Write `raw`, `catalog` and `resized` into `out`, as the stages of a project's own photos do.

    Every photo that is kept is of the split test, whatever its source says. Copies of photos that
    the project trains on, or chooses by, are left out.

    Args:
        catalog: the project's own, of the stage filter.
        filtered: the project's own, but for `categories` and `split`.
    Returns:
        counts: `photos`, `kept`.
    Raises:
        HuescapeError: see the stages download, filter and resize; no photo is left.
    """
    learned = prints_of(catalog / CATALOG_FILE, LEARNED)
    download.run(out / "raw", params.download)
    own = filtered.model_copy(update={"categories": params.categories, "split": _ALL_ALIKE})
    filter.run(out / "raw", out / "catalog", own, is_tested=False)
    rows = as_test(read_catalog(out / "catalog" / CATALOG_FILE), learned, filtered.max_distance)
    with fresh_directory(out / "catalog") as folder:
        tally = Tally()
        write_catalog(folder / CATALOG_FILE, tally.counted(rows))
        tally.write_table(folder / "summary.csv")
        write_json(folder / "summary.json", tally.summary())
        seal(folder)
    resize.run(out / "catalog", out / "resized", resized)
    return {"photos": float(len(rows)), "kept": float(sum(row.kept for row in rows))}
