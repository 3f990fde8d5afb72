"""Fill the pages with the tables of benchmarks/results/, between their markers.

`<!-- bench:NAME -->` and `<!-- /bench -->` each stand on a line of their own; what is between them
is written by this program, what is around them by people. The name `summary` stands for all that
has a target.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import scale
from benchmarks.__main__ import SUITE
from benchmarks.harness import RESULTS, bound, markdown, ratio_cells

PAGES = Path("docs/performance.md"), Path("docs/scale.md")
_PART = re.compile(r"(<!-- bench:(?P<name>\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def filled(page: str, results: Path = RESULTS) -> str:
    """The page with every part as its results say; a benchmark without results is said to be."""
    return _PART.sub(lambda match: _part(match, results), page)


def _part(match: re.Match[str], results: Path) -> str:
    if match["name"] == "summary":
        lines = _summary(results)
    elif match["name"] == "scale":
        lines = scale.lines(partial(_read, results))
    else:
        recorded = _read(results, match["name"])
        lines = [*_head(recorded), "", *markdown(recorded)] if recorded else ["Not measured yet."]
    return "\n".join([match[1].rstrip("\n"), *lines, match[3]])


def _read(results: Path, name: str) -> dict[str, Any] | None:
    path = results / f"{name}.json"
    found: dict[str, Any] | None = None
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
    return found


def _summary(results: Path) -> list[str]:
    """Every ratio that has a target, reached or missed."""
    lines = [
        "| benchmark | ratio | median | lowest to highest | target | raised to |",
        "|---|---|---:|---:|---|---:|",
    ]
    for name in (*SUITE, "gpu"):
        for ratio in (_read(results, name) or {"ratios": []})["ratios"]:
            if ratio["target"] is not None:
                lines.append(f"| {' | '.join([name, *ratio_cells(ratio), _raised(ratio)])} |")
    return lines


def _raised(ratio: dict[str, Any]) -> str:
    """The worst round, where even that passed the target: what the next change has to hold."""
    value, target = ratio["value"], ratio["target"]
    worst = value["low"] if ratio["at_least"] else value["high"]
    passed = worst > target if ratio["at_least"] else worst < target
    return bound(ratio, worst) if passed else ""


def _head(recorded: dict[str, Any]) -> list[str]:
    machine = recorded["machine"]
    where = f"{machine['processor']}, {machine['cpus']} cores, {machine['capability']}"
    if recorded["benchmark"] == "gpu":
        where = machine.get("gpu", where)
    return [f"`{recorded['command']}` on {where}. {recorded['question']}"]


def main() -> int:
    """Write the pages, or with --check only say whether they are what the results say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.document", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if it would")
    options = parser.parse_args()
    pages = {page: page.read_text(encoding="utf-8") for page in PAGES}
    changed = {page: after for page, text in pages.items() if (after := filled(text)) != text}
    for page, text in changed.items():
        if options.check:
            print(f"{page}: is not what benchmarks/results says: `python -m benchmarks.document`")
        else:
            page.write_text(text, encoding="utf-8")
    return int(options.check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
