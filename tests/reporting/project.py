"""A small project in the form that the earlier stages write, its page, and what is in a page."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from huescape.base.digests import seal
from huescape.stages import report

VOID = {"meta", "link", "img", "br"}
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
evaluate: {temperature: 0.38, temperatures: [1.0, 0.38, 0.2], prior: lab313}
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
COST = {
    "parameters": 142_016,
    "trained_parameters": 142_016,
    "macs_per_photo_inference": 1_269_825_536,
    "macs_per_photo_training": 3_800_039_424,
    "activation_bytes_per_photo": 41_681_600,
    "input": "256x256",
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
        "reasons": DROPPED | {"kept": kept},
        "splits": {"train": 148, "val": 20, "test": 31},
        "categories": CATEGORIES,
        "dataset_digest": "5f" * 32,
    }
    write_json(root / "data/catalog/summary.json", summary)
    rows = [f"sample,{key},{count}" for key, count in sorted(DROPPED.items())]
    rows += ["sample,kept,164", "sun397,kept,35"]
    write(root / "data/catalog/summary.csv", "source,reason,photos\n" + "\n".join(rows) + "\n")


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
    folder = root / "reports/evaluation" / name
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder.with_suffix(".json"), scores_of(macro))
    _write_curves(folder / "curves.csv", name, macro)
    draw_grid(folder / "grid.png")
    draw_grid(folder / "curves.png", rows=1)
    params = {
        "preset": "colorunet",
        "quantizer": "yuv32",
        "network": {"name": "colorunet", "options": {}},
        "loss": {"name": "cross_entropy", "weighted": True, "options": {}},
        "optimizer": {"name": "adam", "lr": 0.001, "milestones": [0.6, 0.85], "gamma": 0.2},
        "augmentation": {"flip": True, "crop": 128, "noise": [0.0, 0.01]},
        "steps": 160,
        "batch": batch,
        "seed": 0,
    }
    facts = {"steps": 160, "loss": 2.104311, "dataset_digest": "5f" * 32}
    description = {"version": 1, "params": params, "parameters": 142_016, "centers": [[0, 0]]}
    write_json(root / f"models/{name}/system.json", description | facts)
    rows = [
        f"{step},{1.9 + 1.5 * math.exp(-step / 40) + 0.12 * math.sin(step * 7.3):.6f},0.001,0.9"
        for step in range(1, 161)
    ]
    history = "step,loss,lr,grad_norm\n" + "\n".join(rows) + "\n"
    write(root / f"models/{name}/history.csv", history)


def scores_of(macro: float) -> dict[str, Any]:
    """An evaluation in the form of the stage evaluate, its numbers invented but plausible."""

    def one(auc: float, macro: float, psnr: float | None, vivid: float) -> dict[str, Any]:
        return {
            "auc": auc,
            "auc_photo_mean": auc - 0.001234,
            "auc_macro": macro,
            "auc_rebalanced": macro - 0.101,
            "bin_accuracy": auc - 0.655,
            "bin_accuracy_balanced": macro - 0.62,
            "psnr": psnr,
            "ssim": 1.0 if psnr is None else 0.9 + psnr / 500,
            "colorfulness": vivid,
            "delta_colorfulness": abs(vivid - 43.271903),
        }

    return {
        **one(0.1 + macro * 0.964694, macro, 21.1 + macro * 3.47, 40.120034 - (0.81 - macro) * 300),
        "photos": 31,
        "pixels": 1_874_301,
        "macro_bins": 61,
        "effective_pixels": 5_412.331204,
        "temperature": 0.38,
        "baselines": {
            "gray": one(0.868112, 0.696021, 23.412001, 0.0),
            "prior_mean": one(0.868003, 0.698214, 23.398122, 1.412003),
            "prior_mode": one(0.858441, 0.687331, 23.170255, 2.801992),
            "random_photo": one(0.819034, 0.701245, 20.004127, 39.811032),
            "ground_truth": one(1.0, 1.0, None, 43.271903),
        },
        "temperatures": {
            "0.38": one(0.881402, macro, 23.912114, 40.120034),
            "0.2": one(0.875112, macro + 0.004, 22.871003, 47.023114),
            "1.0": one(0.885003, macro - 0.009, 24.301772, 33.310045),
        },
        "warnings": [WARNING],
        "head": "bins",
        "cost": COST,
    }


def _write_curves(path: Path, name: str, macro: float) -> None:
    scales = {name: 14 * (1.6 - macro), "gray": 18.0, "prior_mean": 17.5, "prior_mode": 19.0}
    scales |= {"random_photo": 24.0, "ground_truth": 0.0}
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["threshold", "system", *list(scales)[1:]])
        for t in range(151):
            values = [1.0 if not s else 1 - math.exp(-((t / s) ** 1.3)) for s in scales.values()]
            writer.writerow([t, *(f"{value:.6f}" for value in values)])


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
        if self.open[-1:] != ["style"]:
            self.text += data

    def values(self, attribute: str) -> list[str]:
        return [found[attribute] or "" for _, found in self.tags if attribute in found]
