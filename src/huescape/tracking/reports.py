"""What stages that run on request have said of a model: found by its weights, in their files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from huescape.base.errors import HuescapeError
from huescape.tracking.context import flat_metrics
from huescape.tracking.notices import warn
from huescape.tracking.records import read_object

#: Folder of a stage's reports, and the file in each that names the weights it is of.
_OF_WEIGHTS = {
    "perception": "perception.json",
    "probes": "probe.json",
    "generalization": "scores.json",
}
_NEIGHBORS = "neighbors"  # of the photos, whatever the model


def reports_of(reports: Path, weights: str) -> tuple[dict[str, float], list[list[str]]]:
    """Numbers and artifacts of the reports on the model with these weights.

    Numbers are called `<stage>/<score>`, of a source that nothing was trained on
    `generalization/<entry>/<score>`. One that cannot be read is left out, with a warning.
    """
    results: dict[str, float] = {}
    artifacts: list[list[str]] = []
    for stage, folder in _folders(reports, weights):
        headline = folder.with_name(f"{folder.name}.json")
        prefix = f"{stage}/{folder.name}" if stage == "generalization" else stage
        if headline.is_file() and (found := _read(headline)) is not None:
            numbers = flat_metrics(found)
            results |= {f"{prefix}/{key}": value for key, value in numbers.items()}
            artifacts.append([str(headline.resolve()), stage])
        artifacts.append([str(folder.resolve()), stage])
    return results, artifacts


def _read(path: Path) -> dict[str, Any] | None:
    """The file's object; the evaluation itself is not lost for a report of another stage."""
    try:
        return read_object(path)
    except HuescapeError as error:
        warn(f"a report is not tracked: {error}")
        return None


def _folders(reports: Path, weights: str) -> Iterator[tuple[str, Path]]:
    for stage, name in _OF_WEIGHTS.items():
        for path in sorted((reports / stage).glob(f"*/{name}")):
            if (found := _read(path)) is not None and found.get("weights_sha256") == weights:
                yield stage, path.parent
    for path in sorted((reports / _NEIGHBORS).glob("*/summary.json")):
        yield _NEIGHBORS, path.parent
