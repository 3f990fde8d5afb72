"""Read what earlier stages wrote; a file that is missing or broken is one line that says which."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from huescape.base.arrays import read_arrays
from huescape.base.digests import read_verified, remedy
from huescape.base.errors import HuescapeError
from huescape.base.tables import read_cells
from huescape.metrics import distribution_sums, hue_sums, photo_sums
from huescape.metrics.distribution_sums import DistributionSums
from huescape.metrics.hue_sums import HueSums
from huescape.metrics.names import BASELINES
from huescape.metrics.photo_sums import PhotoSums
from huescape.params.released import RELEASED
from huescape.photos.catalog import CatalogRow
from huescape.photos.catalog_file import CATALOG, known_rows

Json = dict[str, Any]
Sums = TypeVar("Sums")

_SCORES = (
    *("baselines", "decodes", "decode", "warnings", "settings", "head", "cost", "distribution"),
    *("photos", "macro_bins", "effective_pixels"),
)


#: Figures of an evaluation that say where a system fails.
FIGURES = ("hue", "distribution", "confidence", "worst", "best")


@dataclass(frozen=True)
class SystemResult:
    """One system: its scores, its model's record, its history, its curves, its pictures.

    `history` has the columns `step` and `loss`, and `val_loss` where it was kept; `curves` has
    `threshold`, `system` and one for each baseline. `photos` is what each test photo adds to the
    scores, `hues` what it adds to shifts of hue, and `lightness` its mean L by id. `grid` is a PNG
    of the pictures; `pictures` holds them one by one, as arrays, and `temperatures` a few of them
    at several temperatures. `figures` are further PNGs by the stem of their file, of FIGURES.
    """

    name: str
    scores: Json
    model: Json
    history: pd.DataFrame
    curves: pd.DataFrame
    photos: PhotoSums
    curves_figure: Path | None
    grid: Path | None
    pictures: Path | None
    temperatures: Path | None
    hues: HueSums
    lightness: Mapping[str, float]
    figures: Mapping[str, Path]

    @property
    def is_shipped(self) -> bool:
        """Whether it came with the package: it was not trained here, and has no history."""
        return "release" in self.model


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation alone says of a system, its model aside.

    `distribution` is None for a regression; `photos` and it are of the same photos.
    """

    name: str
    scores: Json
    photos: PhotoSums
    distribution: DistributionSums | None


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


def read_result(evaluation: Path, model_folder: Path) -> SystemResult:
    """Read the evaluation of `<folder>/<system>.json`, in `<folder>/<system>`, and its model.

    A model that came with the package has an empty history. Raises HuescapeError for a file that is
    missing or does not hold what it should.
    """
    name = evaluation.stem
    folder = evaluation.parent / name
    path = folder / "scores.json"
    scores = _read_object(path, f"evaluate@{name}")
    _require(scores, _SCORES, path)
    maker = f"{'release' if model_folder.parent == RELEASED else 'train'}@{name}"
    model = _read_object(model_folder / "system.json", maker)
    _require(model, ("params", "steps", "loss", "dataset_digest"), model_folder / "system.json")
    history = pd.DataFrame({"step": [], "loss": []})
    if "release" not in model:
        history = _read_numbers(model_folder / "history.csv", maker, ("step", "loss"))
    return SystemResult(
        name=name,
        scores=scores,
        model=model,
        history=history,
        curves=_read_numbers(folder / "curves.csv", f"evaluate@{name}", ("threshold", "system")),
        photos=_read_photo_sums(folder / "photo_sums.npz", f"evaluate@{name}"),
        curves_figure=_if_there(folder / "curves.png"),
        grid=_if_there(folder / "grid.png"),  # absent when evaluate.pictures is 0
        pictures=_if_there(folder / "pictures.npz"),
        temperatures=_if_there(folder / "temperatures.npz"),  # absent for a regression
        hues=_read_sums(folder / "hue_sums.npz", f"evaluate@{name}", HueSums, hue_sums.ARRAYS),
        lightness=_read_lightness(folder / "photos.csv", f"evaluate@{name}", scores["decode"]),
        figures={stem: path for stem in FIGURES if (path := folder / f"{stem}.png").is_file()},
    )


def read_evaluated(evaluation: Path, name: str) -> Evaluated:
    """Read the evaluation of a system below the folder `evaluation`.

    Raises HuescapeError for a system that has none, and for a file that is missing or damaged.
    """
    folder = evaluation / name
    if not folder.is_dir():
        known = ", ".join(sorted(path.name for path in evaluation.glob("*/"))) or "none"
        raise HuescapeError(f"{folder}: no such evaluation; evaluated: {known}")
    stage, path = f"evaluate@{name}", folder / "scores.json"
    scores = _read_object(path, stage)
    _require(scores, ("decode", "decodes", "baselines", "head", "settings"), path)
    photos = _read_photo_sums(folder / "photo_sums.npz", stage)
    lacking = {*scores["decodes"], *BASELINES} - set(photos.names_P.tolist())
    if lacking:
        what = f"{folder / 'photo_sums.npz'}: has no {min(lacking)!r}"
        raise HuescapeError(f"{what}; {remedy(stage)}")
    path = folder / "distribution_sums.npz"
    found = None
    if scores["head"] != "chroma":
        found = _read_sums(path, stage, DistributionSums, distribution_sums.ARRAYS)
    if found and not np.array_equal(found.ids_N, photos.ids_N):
        raise HuescapeError(f"{path}: not of the photos of photo_sums.npz; {remedy(stage)}")
    return Evaluated(name, scores, photos, found)


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
    rows = read_cells(
        catalog / "summary.csv", "filter", ("source", "reason", "photos"), "a summary"
    )
    counts = _floats(catalog / "summary.csv", "photos", rows["photos"])
    fates = zip(rows["source"], rows["reason"], strict=True)
    return Catalog(sources, summary, dict(zip(fates, map(int, counts), strict=True)))


def read_photos(catalog: Path, result: SystemResult) -> dict[str, CatalogRow]:
    """The rows of the photos that a system was scored on, by id (`catalog/catalog.parquet`)."""
    return known_rows(catalog / CATALOG, result.photos.ids_N.tolist())


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
        return json.loads(read_verified(path, stage).decode())
    except UnicodeDecodeError as error:
        raise HuescapeError(f"{path}: cannot be read: not UTF-8; {remedy(stage)}") from error
    except json.JSONDecodeError as error:
        line = f"{path}, line {error.lineno}: not valid JSON: {error.msg}; {remedy(stage)}"
        raise HuescapeError(line) from error
    except RecursionError as error:
        raise HuescapeError(f"{path}: nested too deeply; {remedy(stage)}") from error


def _read_photo_sums(path: Path, stage: str) -> PhotoSums:
    return _read_sums(path, stage, PhotoSums, photo_sums.ARRAYS)


def _read_sums(path: Path, stage: str, kind: Callable[..., Sums], names: Sequence[str]) -> Sums:
    read_verified(path, stage)
    arrays = read_arrays(path, *names, stage=stage)
    try:
        return kind(**arrays)
    except HuescapeError as error:
        raise HuescapeError(f"{path}: {error}; {remedy(stage)}") from error


def _read_lightness(path: Path, stage: str, decode: str) -> dict[str, float]:
    cells = read_cells(path, stage)
    _require(cells, ("id", "prediction", "lightness"), path)
    numbers = _floats(path, "lightness", cells["lightness"])
    rows = zip(cells["id"], cells["prediction"], numbers, strict=True)
    return {photo: number for photo, prediction, number in rows if prediction == decode}


def _read_numbers(path: Path, stage: str, columns: Sequence[str]) -> pd.DataFrame:
    """A table of numbers with at least these columns; an empty field is NaN (not measured)."""
    cells = read_cells(path, stage)
    _require(cells, columns, path)
    return pd.DataFrame({name: _floats(path, name, texts) for name, texts in cells.items()})


def _floats(path: Path, column: str, texts: Sequence[str]) -> list[float]:
    found = []
    for line, text in enumerate(texts, start=2):
        try:
            found.append(float(text or "nan"))
        except ValueError:
            raise HuescapeError(
                f"{path}, line {line}: {column} is {text!r}; a number is allowed"
            ) from None
    return found


def _require(found: Mapping[str, Any], keys: Sequence[str], path: Path) -> None:
    for key in keys:
        if key not in found:
            raise HuescapeError(
                f"{path}: no {key!r} in it; found: {', '.join(sorted(found)) or '-'}"
            )


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _missing(path: Path, stage: str) -> HuescapeError:
    return HuescapeError(f"{path}: no such file; `dvc repro {stage}` makes it")
