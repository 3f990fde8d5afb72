"""Read what earlier stages wrote; a file that is missing or broken is one line that says which."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huescape.base.arrays import read_arrays
from huescape.base.digests import read_verified, remedy
from huescape.base.errors import HuescapeError

Json = dict[str, Any]
Columns = dict[str, list[float]]


@dataclass(frozen=True)
class SystemResult:
    """One trained system: its scores, its model's record, its history, its curves, its pictures.

    `grid` is a PNG of them; `pictures` holds them one by one, as arrays.
    """

    name: str
    scores: Json
    model: Json
    history: Columns
    curves: Columns
    curves_figure: Path | None
    grid: Path | None
    pictures: Path | None = None


@dataclass(frozen=True)
class Prior:
    """The prior of a quantizer over its Q bins, and its figure."""

    name: str
    empirical: list[float]
    figure: Path


@dataclass(frozen=True)
class Catalog:
    """Where the photos came from, and what became of them.

    `by_source` counts photos by (source, reason); the reason `kept` is among them.
    """

    sources: list[Json]
    summary: Json
    by_source: dict[tuple[str, str], int]


def read_result(evaluation: Path, models: Path) -> SystemResult:
    """Read the evaluation of `<folder>/<system>.json`, in `<folder>/<system>`, and its model.

    Raises HuescapeError for a file that is missing or does not hold what it should.
    """
    name = evaluation.stem
    folder = evaluation.parent / name
    path = folder / "scores.json"
    scores = _read_object(path, f"evaluate@{name}")
    for key in ("baselines", "temperatures"):
        if not isinstance(scores.get(key), dict):
            raise HuescapeError(f"{path}: no section {key!r}; {remedy(f'evaluate@{name}')}")
    curves = _read_columns(folder / "curves.csv", f"evaluate@{name}")
    if "system" in curves:  # the system's own column may carry its role instead of its name
        curves = {name if key == "system" else key: values for key, values in curves.items()}
    _require(curves, ("threshold", name), folder / "curves.csv")
    history = _read_columns(models / name / "history.csv", f"train@{name}")
    _require(history, ("step", "loss"), models / name / "history.csv")
    return SystemResult(
        name=name,
        scores=scores,
        model=_read_object(models / name / "system.json", f"train@{name}"),
        history=history,
        curves=curves,
        curves_figure=_if_there(folder / "curves.png"),
        grid=_if_there(folder / "grid.png"),  # absent when evaluate.pictures is 0
        pictures=_if_there(folder / "pictures.npz"),
    )


def read_prior(name: str, path: Path, figures: Path) -> Prior:
    """Read the prior of quantizer `name`; its figure is `figures/prior-<name>.png`."""
    stage = f"prior@{name}"
    figure = figures / f"prior-{name}.png"
    for needed in (path, figure):
        if not needed.is_file():
            raise _missing(needed, stage)
    empirical = read_arrays(path, "empirical", stage=stage)["empirical"]
    return Prior(name, empirical.tolist(), figure)


def read_catalog(raw: Path, catalog: Path) -> Catalog:
    """Read the sources (`raw/sources.json`) and the fate of their photos (`catalog/summary.*`)."""
    sources = _read_json(raw / "sources.json", "download")
    if not isinstance(sources, list) or not all(isinstance(item, dict) for item in sources):
        raise HuescapeError(f"{raw / 'sources.json'}: not a list of sources; {remedy('download')}")
    summary = _read_object(catalog / "summary.json", "filter")
    _require(
        summary,
        ("photos", "kept", "reasons", "splits", "categories", "dataset_digest"),
        catalog / "summary.json",
    )
    by_source: dict[tuple[str, str], int] = {}
    for row in _read_rows(catalog / "summary.csv", "filter"):
        by_source[row.get("source") or "", row.get("reason") or ""] = _count(row, catalog)
    return Catalog(sources, summary, by_source)


def read_text(path: Path) -> str:
    """Read a UTF-8 text; raises HuescapeError when it cannot be read."""
    try:
        return path.read_bytes().decode()  # with the line ends as they are
    except (OSError, UnicodeDecodeError) as error:
        raise HuescapeError(f"{path}: cannot be read: {error}") from error


def _read_object(path: Path, stage: str) -> Json:
    value = _read_json(path, stage)
    if not isinstance(value, dict):
        raise HuescapeError(f"{path}: not a JSON object; {remedy(stage)}")
    return value


def _read_json(path: Path, stage: str) -> Any:
    try:
        return json.loads(_verified_text(path, stage))
    except json.JSONDecodeError as error:
        line = f"{path}, line {error.lineno}: not valid JSON: {error.msg}; {remedy(stage)}"
        raise HuescapeError(line) from error
    except RecursionError as error:
        raise HuescapeError(f"{path}: nested too deeply; {remedy(stage)}") from error


def _read_rows(path: Path, stage: str) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader(io.StringIO(_verified_text(path, stage), newline="")))
    except csv.Error as error:
        raise HuescapeError(f"{path}: not a table: {error}; {remedy(stage)}") from error


def _verified_text(path: Path, stage: str) -> str:
    try:
        return read_verified(path, stage).decode()
    except UnicodeDecodeError as error:
        raise HuescapeError(f"{path}: cannot be read: not UTF-8; {remedy(stage)}") from error


def _read_columns(path: Path, stage: str) -> Columns:
    """Columns of numbers; an empty field is NaN (a value that was not measured in that row)."""
    columns: Columns = {}
    for number, row in enumerate(_read_rows(path, stage), start=2):
        for key, text in row.items():
            try:
                columns.setdefault(key, []).append(float(text) if text else math.nan)
            except (TypeError, ValueError):
                raise HuescapeError(
                    f"{path}, line {number}: {key} is {text!r}; a number is allowed"
                ) from None
    return columns


def _count(row: dict[str, str], catalog: Path) -> int:
    text = row.get("photos") or ""
    if not text.isdigit():
        raise HuescapeError(f"{catalog / 'summary.csv'}: photos is {text!r}; a count is allowed")
    return int(text)


def _require(found: dict[str, Any], keys: Sequence[str], path: Path) -> None:
    for key in keys:
        if key not in found:
            raise HuescapeError(
                f"{path}: no {key!r} in it; found: {', '.join(sorted(found)) or '-'}"
            )


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _missing(path: Path, stage: str) -> HuescapeError:
    return HuescapeError(f"{path}: no such file; `dvc repro {stage}` makes it")
