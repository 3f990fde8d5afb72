"""Fill docs/performance.md with the tables of benchmarks/results/, between its markers.

`<!-- bench:NAME -->` and `<!-- /bench -->` each stand on a line of their own; what is between them
is written by this program, what is around them by people.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, markdown

PAGE = Path("docs/performance.md")
_PART = re.compile(r"(<!-- bench:(?P<name>\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def filled(page: str, results: Path = RESULTS) -> str:
    """The page with every part as its results say; a benchmark without results is said to be."""
    return _PART.sub(lambda match: _part(match, results), page)


def _part(match: re.Match[str], results: Path) -> str:
    path = results / f"{match['name']}.json"
    if not path.exists():
        lines = ["Not measured yet."]
    else:
        recorded = json.loads(path.read_text(encoding="utf-8"))
        lines = [*_head(recorded), "", *markdown(recorded)]
    return "\n".join([match[1].rstrip("\n"), *lines, match[3]])


def _head(recorded: dict[str, Any]) -> list[str]:
    machine = recorded["machine"]
    where = f"{machine['processor']}, {machine['cpus']} cores, {machine['capability']}"
    return [f"`{recorded['command']}` on {machine.get('gpu', where)}. {recorded['question']}"]


def main() -> int:
    """Write the page, or with --check only say whether it is what the results say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.document", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if it would")
    options = parser.parse_args()
    before = PAGE.read_text(encoding="utf-8")
    after = filled(before)
    if options.check and after != before:
        print(f"{PAGE}: is not what benchmarks/results says: run `python -m benchmarks.document`")
        return 1
    if after != before:
        PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
