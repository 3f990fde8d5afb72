"""A sweep file: which parameters vary, and over which values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import combinations, product
from math import prod
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from huescape.base.errors import ParamsError
from huescape.params.base import FromList, Section
from huescape.params.download import Name
from huescape.params.messages import explain
from huescape.params.yaml_files import read_yaml

MOST_POINTS = 1000

Point = Mapping[str, Any]  # dotted keys of params.yaml and the values they take; may be empty
Values = Annotated[tuple[Any, ...], FromList]


class SweepParams(Section):
    """A sweep: every combination of the values in `grid`, for each of `points`.

    Keys are dotted keys of params.yaml. `points` lists keys that change together; `{}` stands for
    params.yaml as it is. `systems` names those to train and score; without it, all and the page.
    """

    name: Name
    systems: Annotated[tuple[str, ...], FromList] = ()
    grid: dict[str, Values] = Field(default_factory=dict)
    points: Annotated[tuple[dict[str, Any], ...], FromList] = ()

    def expand(self) -> tuple[Point, ...]:
        """All points, in the order of the file; the last key of the grid varies fastest."""
        combined = (dict(zip(self.grid, row, strict=True)) for row in product(*self.grid.values()))
        inner = list(combined)
        return tuple({**outer, **one} for outer in self.points or ({},) for one in inner)


def read_sweep(path: Path) -> SweepParams:
    """Read and check a sweep file by itself, without params.yaml.

    Raises ParamsError, in one line that names the file, the dotted key and what is allowed.
    """
    value = read_yaml(path)
    if not isinstance(value, dict):
        raise ParamsError(f"{path}: expected sections and keys, found {type(value).__name__}")
    try:
        sweep = SweepParams.model_validate(value)
    except ValidationError as error:
        line = explain(error.errors()[0], value, SweepParams.model_json_schema())
        raise ParamsError(f"{path}: {line}") from error
    if problem := _size_problem(sweep) or _repeated(sweep):
        raise ParamsError(f"{path}: {problem}")
    return sweep


def describe(point: Point, between: str = ", ") -> str:
    """A point in one line: `evaluate.decode.temperature=0.5, systems.unet.steps=100`."""
    return between.join(f"{key}={_text(value)}" for key, value in point.items()) or "as params.yaml"


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """What tells dotted keys apart: their last part, or as many as that takes."""
    parts = {key: key.split(".") for key in keys}
    for count in range(1, max(map(len, parts.values()), default=1) + 1):
        names = {key: ".".join(split[-count:]) for key, split in parts.items()}
        if len(set(names.values())) == len(names):
            break
    return names


def _size_problem(sweep: SweepParams) -> str | None:
    if not sweep.grid and not sweep.points:
        return "nothing varies; allowed: a grid of keys and lists of values, a list of points"
    for key, values in sweep.grid.items():
        if not values:
            return f"grid.{key} has no values; allowed: a list of one or more"
    # Counted, not expanded: it may be astronomical.
    count = max(len(sweep.points), 1) * prod(len(values) for values in sweep.grid.values())
    if count > MOST_POINTS:
        return f"the sweep has {count} points; allowed: at most {MOST_POINTS}"
    return None


def _repeated(sweep: SweepParams) -> str | None:
    for key, values in sweep.grid.items():
        if found := _first_repeated(values):
            return f"grid.{key} lists {found} twice; allowed: each value once"
    if found := _first_repeated(sweep.systems):
        return f"systems lists {found} twice; allowed: each system once"
    for index, point in enumerate(sweep.points):
        if shared := sorted(set(point) & set(sweep.grid)):
            return f"points.{index}.{shared[0]} is in the grid as well; allowed: one of the two"
    for where, keys in [("grid", set(sweep.grid))] + [
        (f"points.{index}", {*point, *sweep.grid}) for index, point in enumerate(sweep.points)
    ]:
        for one, other in combinations(sorted(keys), 2):
            if other.startswith(f"{one}."):
                return f"{where}: {other} lies within {one}; allowed: one of the two"
    if found := _first_repeated(sweep.points):
        return f"points lists {found} twice; allowed: each point once"
    return None


def _first_repeated(values: Iterable[Any]) -> str | None:
    seen: set[str] = set()
    for text in map(_text, values):
        if text in seen:
            return text
        seen.add(text)
    return None


def _text(value: Any) -> str:
    """Equal values as equal texts, whatever YAML's scalars are; 1 and true differ."""
    return json.dumps(value, sort_keys=True, default=str)
