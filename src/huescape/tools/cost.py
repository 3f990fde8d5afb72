"""Tool cost: write reports/cost.html, what each stage took here: seconds, per photo, memory."""

from __future__ import annotations

import csv
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from huescape.base import costs
from huescape.base.atomic import write_text
from huescape.base.costs import Cost
from huescape.base.errors import HuescapeError
from huescape.params.places import REPORTS
from huescape.reporting.own_page import NONE, Part, Table, page_of
from huescape.reporting.wording import file_size, thousands

PAGE = REPORTS / "cost.html"
# What Snakemake measures of each rule: seconds, and megabytes (2^20 bytes) held at most.
_LOGS, _MEASURED = Path("logs"), "*.benchmark.tsv"


@dataclass(frozen=True)
class Rule:
    """A rule's last run, as Snakemake measured it; memory is that of all its processes together."""

    name: str
    seconds: float
    peak_bytes: float


def add_arguments(parser: ArgumentParser) -> None:
    """None."""


def main(options: Namespace) -> None:
    """Write the page from what is on record in this folder.

    It is no output of a stage: times differ from run to run. Raises HuescapeError where nothing is
    on record; an older page stays then.
    """
    found, rules = costs.kept(), list(_rules(_LOGS))
    if not found and not rules:
        raise HuescapeError(
            f"nothing is on record in {costs.RECORD} or {_LOGS}/: no stage has run in this folder; "
            "`dvc repro` or Snakemake runs them"
        )
    write_text(PAGE, _page(found, rules))
    print(f"{PAGE}: {len(_last(found))} stages, {len(rules)} rules of Snakemake")


def _page(found: Sequence[Cost], rules: Sequence[Rule]) -> str:
    parts = []
    if found:
        text = (
            "The last run of each, started by whatever engine. Memory is the most that the process "
            "or any one of its children held; of a training that was interrupted, the last part."
        )
        parts.append(Part("Stages", text, tables=(_stages(found),)))
    if rules:
        text = "From its benchmark files; memory is that of all processes of a rule together."
        parts.append(Part("As Snakemake measured them", text, tables=(_measured(rules),)))
    lede = "Measured on this machine, with whatever else it did meanwhile."
    return page_of("What the stages took", lede, parts)


def _stages(found: Sequence[Cost]) -> Table:
    last = _last(found)
    rows: list[tuple[str, ...]] = [
        (
            cost.stage,
            f"{cost.seconds:,.1f}",
            thousands(cost.photos),
            _milliseconds(cost.seconds, cost.photos),
            _milliseconds(cost.seconds, cost.steps),
            file_size(cost.peak_bytes),
            datetime.fromtimestamp(cost.ended, UTC).strftime("%Y-%m-%d %H:%M"),
        )
        for cost in last
    ]
    total = f"{sum(cost.seconds for cost in last):,.1f}"
    head = ("Stage", "Seconds", "Photos", "ms a photo", "ms a step", "Peak memory", "Ended (UTC)")
    rows.append(("All together", total, *[NONE] * (len(head) - 2)))
    return Table("Where a stage counts its photos or steps, the time of one.", head, tuple(rows))


def _measured(rules: Sequence[Rule]) -> Table:
    rows = ((rule.name, f"{rule.seconds:,.1f}", file_size(rule.peak_bytes)) for rule in rules)
    return Table("The last run of each rule.", ("Rule", "Seconds", "Peak memory"), tuple(rows))


def _last(found: Sequence[Cost]) -> list[Cost]:
    """The last run of each stage, in the order in which they ended."""
    return sorted({cost.stage: cost for cost in found}.values(), key=lambda cost: cost.ended)


def _milliseconds(seconds: float, count: float | None) -> str:
    return f"{1000 * seconds / count:,.1f}" if count else NONE


def _rules(logs: Path) -> Iterator[Rule]:
    """What lies in the folder; files that are not of Snakemake, or half-written, are left out."""
    for path in sorted(logs.rglob(_MEASURED)):
        with suppress(OSError, ValueError, KeyError, StopIteration, TypeError, csv.Error):
            with path.open(newline="", encoding="utf-8") as stream:
                row = next(csv.DictReader(stream, delimiter="\t"))
            name = path.relative_to(logs).as_posix().removesuffix(_MEASURED[1:])
            yield Rule(name, float(row["s"]), float(row["max_rss"]) * 2**20)
