"""The page, rendered from small files of the form that the earlier stages write."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from huescape.base.digests import seal
from huescape.base.errors import HuescapeError
from huescape.params.reports import ReportParams
from huescape.stages import report

VOID = {"meta", "link", "img", "br", "hr", "input", "rect", "line", "polyline", "path"}
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
WARNING = "auc_rebalanced rests on 5,412 effective pixels, below 100,000: compare by auc_macro"
SAID = "Rebalanced AuC rests on 5,412 effective pixels, below 100,000: compare by Macro AuC"


@dataclass
class Inputs:
    """A project in a folder; `write` fills it, `run` renders it."""

    root: Path

    def run(self, systems: tuple[str, ...] = ("colorunet", "wide"), **changed: Any) -> str:
        page = self.root / "reports" / "index.html"
        seal_as_the_stages_do(self.root)
        arguments: dict[str, Any] = {
            "raw": self.root / "data/raw",
            "catalog": self.root / "data/catalog",
            "evaluations": [self.root / f"reports/evaluation/{name}.json" for name in systems],
            "models": self.root / "models",
            "priors": {q: self.root / f"data/priors/{q}.npz" for q in ("lab313", "yuv32")},
            "figures": self.root / "reports/figures",
            "out": page,
            "params": ReportParams(title="Automatic colorization of landscapes"),
        }
        self.metrics = report.run(**(arguments | changed), params_file=self.root / "params.yaml")
        return page.read_text(encoding="utf-8")


def seal_as_the_stages_do(root: Path) -> None:
    for folder in (root / "data/raw", root / "data/catalog", *(root / "models").iterdir()):
        seal(folder)
    for folder in (path for path in (root / "reports/evaluation").iterdir() if path.is_dir()):
        seal(folder)


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    write_project(tmp_path)
    return Inputs(tmp_path)


def write_project(root: Path) -> None:
    _write(root / "params.yaml", PARAMS)
    _write_data(root)
    _write_prior(root, "lab313", 313, 190)
    _write_prior(root, "yuv32", 32, 0)
    _write_system(root, "colorunet", 142_016, 0.81)
    _write_system(root, "wide", 1_204_313, 0.78)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_json(path: Path, value: Any) -> None:
    _write(path, json.dumps(value, indent=1, sort_keys=True))


def _write_data(root: Path) -> None:
    kept = sum(CATEGORIES.values())
    source = {"name": "sample", "kind": "sample", "licence": "MIT", "homepage": ""}
    own = {"name": "own", "kind": "folder", "licence": "unknown", "homepage": "javascript:x()"}
    sun = {"name": "sun397", "kind": "sun397", "licence": "research purposes"}
    sun["homepage"] = "https://vision.princeton.edu/projects/2010/SUN/"
    sizes = ({"photos": 200, "bytes": 9_120_044}, {"photos": 0, "bytes": 0})
    sources = [source | sizes[0], own | sizes[1], sun | {"photos": 40, "bytes": 1_450_331}]
    _write_json(root / "data/raw/sources.json", sources)
    summary = {
        "photos": kept + sum(DROPPED.values()),
        "kept": kept,
        "reasons": DROPPED | {"kept": kept},
        "splits": {"train": 148, "val": 20, "test": 31},
        "categories": CATEGORIES,
        "dataset_digest": "5f" * 32,
    }
    _write_json(root / "data/catalog/summary.json", summary)
    rows = [f"sample,{key},{count}" for key, count in sorted(DROPPED.items())]
    rows += ["sample,kept,164", "sun397,kept,35"]
    _write(root / "data/catalog/summary.csv", "source,reason,photos\n" + "\n".join(rows) + "\n")


def _write_prior(root: Path, name: str, bins: int, empty: int) -> None:
    empirical = np.exp(-np.arange(bins) / (bins / 6))
    empirical[bins - empty :] = 0
    empirical /= empirical.sum()
    path = root / f"data/priors/{name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, empirical=empirical, smoothed=empirical, weights=np.ones(bins))
    figure = Image.new("RGB", (300, 225), "white")
    draw = ImageDraw.Draw(figure)
    for k, share in enumerate(empirical * 170 / empirical.max()):
        left = 10 + 275 * k // bins
        draw.rectangle((left, 210 - int(share), left + 275 // bins, 210), fill="#3a8a9e")
    draw.text((10, 5), f"prior {name}", fill="black")
    (root / "reports/figures").mkdir(parents=True, exist_ok=True)
    figure.save(root / f"reports/figures/prior-{name}.png")


def _write_system(root: Path, name: str, parameters: int, macro: float) -> None:
    folder = root / "reports/evaluation" / name
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "scores.json", scores_of(macro))
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
        "batch": 16,
        "seed": 0,
    }
    facts = {"steps": 160, "loss": 2.104311, "dataset_digest": "5f" * 32}
    description = {"version": 1, "params": params, "parameters": parameters, "centers": [[0, 0]]}
    _write_json(root / f"models/{name}/system.json", description | facts)
    rows = [
        f"{step},{1.9 + 1.5 * math.exp(-step / 40) + 0.12 * math.sin(step * 7.3):.6f},0.001,0.9"
        for step in range(1, 161)
    ]
    history = "step,loss,lr,grad_norm\n" + "\n".join(rows) + "\n"
    _write(root / f"models/{name}/history.csv", history)


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
            "grey": one(0.868112, 0.696021, 23.412001, 0.0),
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
    }


def _write_curves(path: Path, name: str, macro: float) -> None:
    scales = {name: 14 * (1.6 - macro), "grey": 18.0, "prior_mean": 17.5, "prior_mode": 19.0}
    scales |= {"random_photo": 24.0, "ground_truth": 0.0}
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["threshold", "system", *list(scales)[1:]])
        for t in range(151):
            values = [1.0 if not s else 1 - math.exp(-((t / s) ** 1.3)) for s in scales.values()]
            writer.writerow([t, *(f"{value:.6f}" for value in values)])


def draw_grid(path: Path, rows: int = 2, side: int = 32) -> None:
    """Five columns of drawn landscapes: truth, gray, and three predictions."""
    grid = Image.new("RGB", (5 * side, rows * side), "white")
    for row in range(rows):
        truth = _landscape(row, side)
        gray = truth.convert("L").convert("RGB")
        for column, vivid in enumerate((1.0, 0.0, 0.5, 0.75, 0.95)):
            grid.paste(Image.blend(gray, truth, vivid), (column * side, row * side))
    grid.save(path)


def _landscape(seed: int, side: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    down = np.linspace(0, 1, side)[:, None, None]
    warm = rng.random()
    high, low = (
        np.array([70, 130, 210]),
        np.array([210 + 40 * warm, 215 - 50 * warm, 225 - 90 * warm]),
    )
    sky = high + (low - high) * np.minimum(down * 2, 1)
    ground = np.array([60 + 110 * warm, 110 - 10 * warm, 50 + 20 * warm]) * (1.15 - 0.5 * down)
    across = np.arange(side)
    ridge = 0.45 + np.sum(
        [0.06 / k * np.sin(across * k / 17 + rng.random() * 6) for k in (1, 2, 4)], axis=0
    )
    below = (np.arange(side)[:, None] / side > ridge[None, :])[..., None]
    noise = rng.normal(0, 9, (side, side, 1)) * below
    pixels = np.where(below, np.broadcast_to(ground, (side, side, 3)), sky) + noise
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


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


def leaves(value: Any) -> list[float]:
    """All numbers of a JSON value."""
    if isinstance(value, dict):
        return [number for item in value.values() for number in leaves(item)]
    return [value] if isinstance(value, int | float) else []


def test_page_is_well_formed_and_whole(inputs: Inputs) -> None:
    page = Page(inputs.run())
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    for href in page.values("href"):
        assert not href.startswith("#") or href[1:] in ids
    for heading in ("Scores", "Claims", "Pictures", "Systems", "Data", "Quantizers", "Reproduce"):
        assert heading in page.text
    assert inputs.metrics["bytes"] == (inputs.root / "reports/index.html").stat().st_size


def test_page_loads_nothing_from_elsewhere(inputs: Inputs) -> None:
    text = inputs.run()
    page = Page(text)
    assert all(src.startswith("data:image/") for src in page.values("src"))
    assert len(page.values("src")) == 6  # two priors; curves and a grid for each system
    assert "@import" not in text
    assert "url(" not in text
    assert not [tag for tag, _ in page.tags if tag in ("script", "iframe", "object")]
    links = [found["href"] for tag, found in page.tags if tag == "link"]
    assert links == ["data:,"]
    assert "https://vision.princeton.edu/projects/2010/SUN/" in page.values("href")
    assert not [href for href in page.values("href") if href.startswith("javascript")]


def test_every_score_of_every_system_is_there(inputs: Inputs) -> None:
    words = set(Page(inputs.run()).text.split())
    for name in ("colorunet", "wide"):
        path = inputs.root / f"reports/evaluation/{name}/scores.json"
        numbers = leaves(json.loads(path.read_text()))
        assert len(numbers) > 80
        for number in numbers:
            shown = str(number) if isinstance(number, int) else f"{number:.6f}".rstrip("0")
            assert shown.rstrip(".") in words, (name, number)


def test_headline_table_marks_the_best_and_what_is_shaky(inputs: Inputs) -> None:
    text = inputs.run()
    start = text.index('<table class="scores">')
    table = text[start : text.index("</table>", start)]
    rows = {m[1]: m[2] for m in re.finditer(r'<th scope="row">([^<]+)(.*?)</tr>', table, re.S)}
    assert list(rows) == [
        "colorunet",
        "wide",
        "Gray",
        "Mean color",
        "Most frequent color",
        "Colors of a random photo",
        "Ground truth",
    ]
    assert '<span class="best">0.810<' in rows["colorunet"]  # the higher macro AuC
    assert '<span class="best">40.1<' in rows["colorunet"]  # nearest to the truth's 43.3
    assert "best" not in rows["Ground truth"]
    assert "∞" in rows["Ground truth"]
    assert rows["colorunet"].count('class="shaky"') == 1
    assert "</a> 0.709<" in rows["colorunet"].replace('<span class="best">', "")
    assert "shaky" not in rows["Gray"]


def test_warnings_are_visible_and_said_once(inputs: Inputs) -> None:
    text = inputs.run()
    assert Page(text).text.count(SAID) == 1
    assert "<strong>colorunet, wide</strong>" in text
    assert inputs.metrics["warnings"] == 1


def test_no_warning_no_box(inputs: Inputs) -> None:
    for path in (inputs.root / "reports/evaluation").glob("*/scores.json"):
        scores = json.loads(path.read_text())
        _write_json(path, scores | {"warnings": [], "effective_pixels": 250_000.0})
    text = inputs.run()
    assert 'id="warnings"' not in text
    assert 'class="shaky"' not in text


def test_systems_scored_on_other_photos_are_told_apart(inputs: Inputs) -> None:
    path = inputs.root / "reports/evaluation/wide/scores.json"
    scores = json.loads(path.read_text())
    scores["baselines"]["grey"]["auc"] = 0.5
    _write_json(path, scores)
    assert "scored on other photos than colorunet" in inputs.run()


def test_text_is_escaped_everywhere(inputs: Inputs) -> None:
    text = inputs.run(params=ReportParams(title=HOSTILE))
    assert "<b>" not in text
    page = Page(text)
    assert page.text.count(HOSTILE) == 3  # title, heading, category
    assert PARAMS.rstrip("\n") in page.text


def test_funnel_splits_and_empty_bins(inputs: Inputs) -> None:
    text = " ".join(Page(inputs.run()).text.split())
    assert "From 240 photos to 199" in text
    for line in ("not in a landscape category 12 228", "gray, or nearly so 9 212"):
        assert line in text
    assert "nearly the same picture twice 7 199" in text
    assert "313 bins, 190 of them empty" in text
    assert "32 bins, none of them empty" in text
    assert "148 / 20 / 31" in text
    assert "142,016" in text


def test_no_path_of_this_machine(inputs: Inputs) -> None:
    text = inputs.run()
    assert str(inputs.root) not in text
    page = Page(text)
    local = [h for h in page.values("href") if not h.startswith(("#", "https:", "data:"))]
    assert sorted(local) == [
        "evaluation/colorunet/curves.png",
        "evaluation/colorunet/grid.png",
        "evaluation/wide/curves.png",
        "evaluation/wide/grid.png",
        "figures/prior-lab313.png",
        "figures/prior-yuv32.png",
    ]
    assert all((inputs.root / "reports" / href).is_file() for href in local)


def test_same_inputs_same_bytes(tmp_path: Path) -> None:
    pages = []
    for name in ("one", "another folder"):
        write_project(tmp_path / name)
        _write_pictures(tmp_path / name, "colorunet", 0.5)
        pages.append(Inputs(tmp_path / name))
    evaluations = pages[1].root / "reports/evaluation"
    turned = [evaluations / "wide.json", evaluations / "colorunet.json"]
    first, second = (_comparison(page.root) for page in pages)
    whole = pages[0].run(**first)
    assert whole == pages[1].run(evaluations=turned, **second) == pages[1].run(**second)
    made = [f for f in sorted(pages[0].root.rglob("*")) if f.is_file()]
    assert any(f.name == "side-by-side-1.png" for f in made)
    for file in made:
        other = pages[1].root / file.relative_to(pages[0].root)
        assert file.suffix == ".npz" or file.read_bytes() == other.read_bytes()


def test_large_pictures_are_shrunk_to_the_budget(inputs: Inputs) -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (2048, 1280, 3), dtype=np.uint8))
    noise.save(inputs.root / "reports/evaluation/wide/grid.png")
    page = Page(inputs.run())
    assert inputs.metrics["bytes"] < 5_000_000
    uri = next(src for src in page.values("src") if src.startswith("data:image/jpeg"))
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        sizes = {(f.get("width"), f.get("height")) for tag, f in page.tags if tag == "img"}
        assert (str(image.width), str(image.height)) in sizes


def _write_pictures(root: Path, name: str, vivid: float) -> Path:
    """What the stage evaluate writes of each example photo, for the pictures side by side."""
    arrays: dict[str, Any] = {"ids": np.array([f"sun397/c/coast/sun_{k}" for k in range(3)])}
    for k in range(3):
        truth = _landscape(k, 64)
        gray = truth.convert("L").convert("RGB")
        arrays[f"truth_{k}"] = np.asarray(truth)
        arrays[f"rgb_{k}"] = np.asarray(Image.blend(gray, truth, vivid))
    path = root / f"reports/evaluation/{name}/pictures.npz"
    np.savez(path, **arrays)
    return path


def _comparison(root: Path) -> dict[str, Path]:
    reports = root / "reports"
    return {
        "comparison": reports / "compare.csv",
        "checked_claims": reports / "claims.csv",
        "side_by_side": reports / "side_by_side",
    }


def test_comparison_and_claims_are_on_the_page_and_in_tables(inputs: Inputs) -> None:
    paths = _comparison(inputs.root)
    text = " ".join(Page(inputs.run(**paths)).text.split())
    assert "All systems compared" in text
    # Both fixtures have the same parameters and seed: the second says nothing new.
    systems = [row["systems"] for row in csv.DictReader(paths["comparison"].open())]
    assert systems[0] == "colorunet"
    assert len(systems) == 6
    assert "This run: 31 test photos; 1 seed a system; 160 training steps." in text
    claims = list(csv.DictReader(paths["checked_claims"].open()))
    verdicts = {row["claim"]: row["verdict"] for row in claims}
    assert verdicts.pop("4") == "seen once"  # one system has its own temperatures
    assert set(verdicts.values()) == {"not compared"}
    assert text.count("not compared needs") == len(verdicts) == 7
    assert list(paths["side_by_side"].iterdir()) == []


def test_pairs_are_found_across_systems(inputs: Inputs) -> None:
    path = inputs.root / "models/wide/system.json"
    description = json.loads(path.read_text())
    description["params"]["loss"]["weighted"] = False
    description["pretrained"] = None
    description["params"]["network"]["pretrained"] = "none"
    _write_json(path, description)
    base = json.loads((inputs.root / "models/colorunet/system.json").read_text())
    base["pretrained"] = None
    base["params"]["network"]["pretrained"] = "none"
    _write_json(inputs.root / "models/colorunet/system.json", base)
    paths = _comparison(inputs.root)
    page = Page(inputs.run(**paths))
    text = " ".join(page.text.split())
    assert "colorunet against wide" in text
    assert "Without pretrained weights: colorunet, wide could have started" in text
    rows = [r for r in csv.DictReader(paths["checked_claims"].open()) if r["claim"] == "1"]
    seen = {row["score"]: row["verdict"] for row in rows}
    assert seen == {
        "auc": "not seen (once)",
        "auc_rebalanced": "not decided",
        "auc_macro": "seen once",
        "colorfulness": "seen once",
    }


def test_pictures_side_by_side(inputs: Inputs) -> None:
    path = inputs.root / "models/wide/system.json"
    description = json.loads(path.read_text())
    description["params"]["batch"] = 8
    _write_json(path, description)
    before = len(Page(inputs.run()).values("src"))
    for name, vivid in (("colorunet", 0.9), ("wide", 0.4)):
        _write_pictures(inputs.root, name, vivid)
    page = Page(inputs.run(**_comparison(inputs.root)))
    assert len(page.values("src")) == before + 1
    assert "side_by_side/side-by-side-1.png" in page.values("href")
    assert (inputs.root / "reports/side_by_side/side-by-side-1.png").is_file()
    assert any("predictions of colorunet, wide" in alt for alt in page.values("alt"))


def test_broken_pictures_leave_all_as_it_was(inputs: Inputs) -> None:
    path = _write_pictures(inputs.root, "colorunet", 0.9)
    paths = _comparison(inputs.root)
    inputs.run(**paths)
    others = (path, path.parent / "SHA256SUMS")  # this test makes them other files
    files = [
        f for f in sorted((inputs.root / "reports").rglob("*")) if f.is_file() and f not in others
    ]
    before = [file.read_bytes() for file in files]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(HuescapeError, match=r"pictures\.npz: is not a readable"):
        inputs.run(params=ReportParams(title="another"), **paths)
    after = [
        f for f in sorted((inputs.root / "reports").rglob("*")) if f.is_file() and f not in others
    ]
    assert after == files
    assert [file.read_bytes() for file in files] == before


def test_many_pictures_keep_the_page_small(inputs: Inputs) -> None:
    rng = np.random.default_rng(0)
    names = [f"net{k}" for k in range(9)]
    for k, name in enumerate(names):
        _write_system(inputs.root, name, 1000, 0.7 + k / 100)
        path = inputs.root / f"models/{name}/system.json"
        description = json.loads(path.read_text())
        description["params"]["batch"] = k + 1
        _write_json(path, description)
        arrays = {"ids": np.array([f"photo{n}" for n in range(9)])}
        for n in range(9):
            for kind in ("truth", "rgb"):
                arrays[f"{kind}_{n}"] = rng.integers(0, 256, (192, 192, 3), dtype=np.uint8)
        np.savez(inputs.root / f"reports/evaluation/{name}/pictures.npz", **arrays)
    page = Page(inputs.run(tuple(names), **_comparison(inputs.root)))
    assert inputs.metrics["bytes"] < 5_000_000
    shown = [alt for alt in page.values("alt") if alt.startswith("The same test photos")]
    assert len(shown) == 3  # nine systems, at most four beside the truth and its gray


def test_a_factor_for_each_milestone_is_said(inputs: Inputs) -> None:
    path = inputs.root / "models/wide/system.json"
    description = json.loads(path.read_text())
    description["params"]["optimizer"]["gamma"] = [0.3333, 0.3]
    _write_json(path, description)
    text = " ".join(Page(inputs.run()).text.split())
    assert "times 0.3333, 0.3 at 60 %, 85 % of the run" in text
    assert "times 0.2 at 60 %, 85 % of the run" in text


def test_no_pictures_is_said(inputs: Inputs) -> None:
    for path in (inputs.root / "reports/evaluation").glob("*/grid.png"):
        path.unlink()
    assert "No pictures were drawn" in inputs.run()


def _git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_commit_is_named_and_changes_are_said(inputs: Inputs) -> None:
    assert "not in git" in Page(inputs.run()).text
    _git(inputs.root, "init", "-q")
    assert "without a commit yet" in Page(inputs.run()).text
    _git(inputs.root, "add", "-A")
    _git(inputs.root, "commit", "-q", "-m", "all")
    head = _git(inputs.root, "rev-parse", "HEAD")
    _write(inputs.root / "reports/extra.txt", "written by the run")
    _write(inputs.root / "dvc.lock", "written by the run")
    text = Page(inputs.run()).text
    assert head in text
    assert "uncommitted" not in text
    _write(inputs.root / "src/new.py", "x = 1\n")
    assert "with uncommitted changes" in Page(inputs.run()).text


BROKEN: list[tuple[str, Callable[[Path], object], str]] = [
    ("reports/evaluation/wide/scores.json", Path.unlink, "dvc repro evaluate@wide"),
    (
        "reports/evaluation/wide/scores.json",
        lambda p: p.write_text('{"auc": '),
        "line 1: not valid JSON",
    ),
    ("reports/evaluation/wide/scores.json", lambda p: p.write_text("{}"), "no section 'baselines'"),
    ("reports/evaluation/wide/curves.csv", lambda p: p.write_text("a\n1\n"), "no 'threshold'"),
    ("reports/evaluation/wide/grid.png", lambda p: p.write_bytes(b"\x89PNG"), "not a picture"),
    ("models/wide/history.csv", lambda p: p.write_text("step,loss\n1,x\n"), "loss is 'x'"),
    ("models/wide/system.json", Path.unlink, "dvc repro train@wide"),
    ("data/catalog/summary.json", lambda p: p.write_text("[]"), "not a JSON object"),
    ("data/catalog/summary.csv", Path.unlink, "dvc repro filter"),
    ("data/raw/sources.json", lambda p: p.write_text("{}"), "not a list of sources"),
    ("data/priors/yuv32.npz", lambda p: p.write_bytes(b"nothing"), "is not a readable .npz file"),
    ("reports/figures/prior-yuv32.png", Path.unlink, "dvc repro prior@yuv32"),
]


@pytest.mark.parametrize(("name", "breaks", "says"), BROKEN)
def test_a_broken_input_is_one_line(
    inputs: Inputs, name: str, breaks: Callable[[Path], object], says: str
) -> None:
    before = inputs.run()
    breaks(inputs.root / name)
    with pytest.raises(HuescapeError) as caught:
        inputs.run()
    message = str(caught.value)
    assert name in message
    assert says in message
    assert "\n" not in message
    assert (inputs.root / "reports/index.html").read_text(encoding="utf-8") == before


def test_nothing_to_report(inputs: Inputs) -> None:
    with pytest.raises(HuescapeError, match="systems"):
        inputs.run(evaluations=[])


def test_the_page_shows_no_secret_of_an_address(inputs: Inputs) -> None:
    source = "- {kind: sun397, root: s, url: 'https://me:hunter2@host.org/a.tar?sig=hunter2'}"
    _write(
        inputs.root / "params.yaml",
        PARAMS.replace("- {kind: sample", f"{source}\n    - {{kind: sample"),
    )
    page = inputs.run()
    assert "hunter2" not in page
    assert "https://***@host.org/a.tar?sig=***" in page
