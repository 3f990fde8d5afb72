"""A small project in the form that the earlier stages write, its page, and what is in a page."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from huescape.base.arrays import write_arrays
from huescape.base.digests import seal
from huescape.base.tables import write_table
from huescape.metrics.names import BASELINES
from huescape.photos.catalog import CatalogRow
from huescape.photos.catalog_file import write_catalog
from huescape.reporting.inputs import FIGURES, SystemResult
from huescape.stages import report
from tests.reporting.conftest import SCORES, TRUTH, result

VOID = {"meta", "link", "img", "br", "input"}
HOSTILE = '<b>bold</b> & "quoted"'
PARAMS = """\
download:
  sources:
    - {kind: sample, photos: 240, seed: 0}  # a comment with <angle> & brackets
quantizers:
  lab313:
    space: lab
    bins: {rule: gamut, step: 10.0}
    prior: {sigma: 5.0, lambda: 0.5}
    encode: {method: soft, neighbors: 5, sigma: 5.0, stride: 4}
  yuv32:
    space: yuv
    bins: {rule: frequent, n: 32, cells: 10}
    prior: {sigma: 0.0, lambda: 0.25}
    encode: {method: hard, stride: 1}
systems:
  colorunet: {preset: colorunet, quantizer: yuv32}
  wide: {preset: colorunet, quantizer: lab313}
evaluate:
  decode: {method: annealed, tau: 0.0, temperature: 0.38}
  decodes: [{temperature: 1.0}, {temperature: 0.38}, {method: median}]
  prior: lab313
report: {title: Automatic colorization of landscapes}
"""
DROPPED = {
    "not_landscape": 12,
    "too_small": 4,
    "undecodable": 3,
    "gray": 9,
    "duplicate": 6,
    "near_duplicate": 7,
}
CATEGORIES = {
    "m/mountain_snowy": 38,
    "c/coast": 34,
    "d/desert/sand": 31,
    "f/forest/broadleaf": 29,
    "l/lake/natural": 26,
    "f/field/wild": 22,
    HOSTILE: 12,
    "c/canyon": 7,
}
WARNING = {
    "score": "auc_rebalanced",
    "text": "rests on 5,412 effective pixels, below 100,000: compare by the macro AuC",
}


@dataclass
class Inputs:
    """A project in a folder; `run` renders it."""

    root: Path

    def run(self, systems: tuple[str, ...] = ("colorunet", "wide"), **changed: Any) -> str:
        seal_as_the_stages_do(self.root)
        arguments: dict[str, Any] = {
            "raw": self.root / "data/raw",
            "catalog": self.root / "data/catalog",
            "evaluations": [self.root / f"reports/evaluation/{name}.json" for name in systems],
            "models": self.root / "models",
            "released": [],
            "priors": {q: self.root / f"data/priors/{q}.npz" for q in ("lab313", "yuv32")},
            "figures": self.root / "reports/figures",
            "out": self.root / "reports/index.html",
            "params_file": self.root / "params.yaml",
        }
        self.metrics = report.run(**(arguments | changed))
        return (self.root / "reports/index.html").read_text(encoding="utf-8")

    def change(self, path: str, **sections: Any) -> None:
        """Replace top-level keys of a JSON file; a dictionary is merged into the one there."""
        found = json.loads((self.root / path).read_text())
        for key, value in sections.items():
            found[key] = {**found[key], **value} if isinstance(value, dict) else value
        write_json(self.root / path, found)

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.root / "reports" / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def seal_as_the_stages_do(root: Path) -> None:
    for folder in (root / "data/raw", root / "data/catalog", *(root / "models").iterdir()):
        seal(folder)
    for folder in (path for path in (root / "reports/evaluation").iterdir() if path.is_dir()):
        scores = folder.with_name(f"{folder.name}.json")
        seal(folder, *[path for path in (scores,) if path.exists()])


def write_project(root: Path) -> None:
    write(root / "params.yaml", PARAMS)
    _write_data(root)
    _write_prior(root, "lab313", 313, 190)
    _write_prior(root, "yuv32", 32, 0)
    write_system(root, "colorunet", 0.81, batch=16)
    write_system(root, "wide", 0.78, batch=8)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    write(path, json.dumps(value, indent=1, sort_keys=True))


def _write_data(root: Path) -> None:
    kept = sum(CATEGORIES.values())
    source = {"name": "sample", "kind": "sample", "licence": "MIT", "homepage": ""}
    own = {"name": "own", "kind": "folder", "licence": "unknown", "homepage": "javascript:x()"}
    sun = {"name": "sun397", "kind": "sun397", "licence": "research purposes"}
    sun["homepage"] = "https://vision.princeton.edu/projects/2010/SUN/"
    sizes = ({"photos": 200, "bytes": 9_120_044}, {"photos": 0, "bytes": 0})
    sources = [source | sizes[0], own | sizes[1], sun | {"photos": 40, "bytes": 1_450_331}]
    write_json(root / "data/raw/sources.json", sources)
    summary = {
        "photos": kept + sum(DROPPED.values()),
        "kept": kept,
        "reasons": DROPPED,
        "splits": {"train": 148, "val": 20, "test": 31},
        "categories": CATEGORIES,
        "dataset_digest": "5f" * 32,
    }
    write_json(root / "data/catalog/summary.json", summary)
    rows = [f"sample,{key},{count}" for key, count in sorted(DROPPED.items())]
    rows += ["sample,kept,164", "sun397,kept,35"]
    write(root / "data/catalog/summary.csv", "source,reason,photos\n" + "\n".join(rows) + "\n")
    photos = sorted(map(_catalog_row, range(40)), key=lambda row: row.id)
    write_catalog(root / "data/catalog/catalog.parquet", photos)


def _catalog_row(number: int) -> CatalogRow:
    """A test photo, as those of `result`; their categories take turns."""
    category = [*CATEGORIES][number % 7]
    own = {"id": f"photo{number}", "category": category, "width": 300 + number, "height": 200}
    empty = dict.fromkeys(("path", "source", "tier"), "x") | {"sha256": f"{number:064x}"}
    measured = {"bytes": 1, "offset": None, "chroma": number / 2, "phash": "0" * 16}
    return CatalogRow(**own, **empty, **measured, split="test", kept=True, reason="")


def _write_prior(root: Path, name: str, bins: int, empty: int) -> None:
    empirical = np.exp(-np.arange(bins) / (bins / 6))
    empirical[bins - empty :] = 0
    empirical /= empirical.sum()
    path = root / f"data/priors/{name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, empirical=empirical, smoothed=empirical, weights=np.ones(bins))
    (root / "reports/figures").mkdir(parents=True, exist_ok=True)
    draw_grid(root / f"reports/figures/prior-{name}.png")


def write_system(root: Path, name: str, macro: float, batch: int) -> None:
    params = {"preset": "colorunet", "quantizer": "yuv32", "steps": 160, "batch": batch}
    made = result(name, scores_of(macro), {"loss": 2.1}, **params)
    write_evaluation(root, made, macro)
    write_json(root / f"models/{name}/system.json", made.model)
    history = pd.DataFrame({"step": range(1, 161), "loss": 2 + np.exp(-np.arange(160) / 40)})
    write_table(root / f"models/{name}/history.csv", history)


def write_evaluation(root: Path, made: SystemResult, macro: float) -> None:
    """What the stage evaluate writes of a system, and of a shipped one, too."""
    folder = root / "reports/evaluation" / made.name
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "scores.json", made.scores)
    write_arrays(folder / "photo_sums.npz", **asdict(made.photos))
    write_arrays(folder / "hue_sums.npz", **asdict(made.hues))
    seen = [(photo, made.scores["decode"], value) for photo, value in made.lightness.items()]
    write_table(
        folder / "photos.csv", pd.DataFrame(seen, columns=["id", "prediction", "lightness"])
    )
    for stem in FIGURES:
        draw_grid(folder / f"{stem}.png", rows=1)
    draw_grid(folder / "grid.png")
    draw_grid(folder / "curves.png", rows=1)
    t = np.arange(151)
    names = {"system": 10 / macro} | {name: 20.0 + k for k, name in enumerate(BASELINES)}
    curves = {"threshold": t} | {name: 1 - np.exp(-t / scale) for name, scale in names.items()}
    write_table(folder / "curves.csv", pd.DataFrame(curves), 6)


def scores_of(macro: float) -> dict[str, Any]:
    """Scores that are told apart by their digits; the best colorfulness is that of 0.81."""

    def one(macro: float, vivid: float) -> dict[str, Any]:
        part = {"auc": 0.1 + macro * 0.964694, "auc_rebalanced": macro - 0.101, "psnr": 30 * macro}
        return SCORES | part | {"auc_macro": macro, "colorfulness": vivid}

    vivid = 40.120034 - (0.81 - macro) * 300
    baselines = {name: one(0.68 + 0.01 * k, 2.1 * k) for k, name in enumerate(BASELINES)}
    return one(macro, vivid) | {
        "photos": 31,
        "effective_pixels": 5_412.331204,
        "baselines": baselines | {"ground_truth": TRUTH | {"colorfulness": 43.271903}},
        "decodes": {
            t: one(macro + shift, vivid - 900 * shift)
            for t, shift in (("annealed T=0.38", 0.0), ("median", -0.004), ("annealed T=1", 0.009))
        },
        "warnings": [WARNING],
        "settings": {"split": "test", "macro_pixels": 1, "macro_photos": 1},
    }


def draw_grid(path: Path, rows: int = 2, side: int = 32) -> None:
    """Five columns of pictures."""
    Image.fromarray(pictures_of(1, (rows * side, 5 * side))[0]).save(path)


def pictures_of(count: int, size: tuple[int, int]) -> np.ndarray:
    """Colors that change slowly, (count, H, W, 3)."""
    down, across = np.mgrid[: size[0], : size[1]]
    planes = [(down * (k + 1) + across * 2) % 256 for k in range(3)]
    shifted = [np.stack(planes, axis=-1) + 40 * n for n in range(count)]
    return np.stack(shifted).astype(np.uint8)


def write_pictures(root: Path, name: str, vivid: float) -> Path:
    """What the stage evaluate writes of each example photo, for the pictures side by side."""
    arrays: dict[str, Any] = {"ids": np.array([f"sun397/c/coast/sun_{k}" for k in range(3)])}
    for k, truth in enumerate(pictures_of(3, (64, 64))):
        arrays[f"truth_{k}"], arrays[f"rgb_{k}"] = truth, (truth * vivid).astype(np.uint8)
    path = root / f"reports/evaluation/{name}/pictures.npz"
    np.savez(path, **arrays)
    return path


def write_temperatures(root: Path, name: str) -> Path:
    """The first two of these photos at three temperatures."""
    arrays: dict[str, Any] = {"ids": np.array([f"sun397/c/coast/sun_{k}" for k in range(2)])}
    arrays["temperatures"] = np.array([1.0, 0.38, 0.2])
    for k, truth in enumerate(pictures_of(2, (64, 64))):
        arrays[f"rgb_{k}"] = np.stack([truth // 3, truth // 2, truth])
    path = root / f"reports/evaluation/{name}/temperatures.npz"
    np.savez(path, **arrays)
    return path


class Page(HTMLParser):
    """Checks that tags nest, and keeps the attributes, the text and the ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in <{tag}>"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        self.text += " " if tag in ("td", "th") else ""

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["script"]):
            self.text += data

    def values(self, attribute: str) -> list[str]:
        return [found[attribute] or "" for _, found in self.tags if attribute in found]
