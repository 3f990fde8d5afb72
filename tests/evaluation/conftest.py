"""Small shards of textured photos, scoring bins and prior, and untrained systems, as real files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from huescape.color.bins import gamut_centers
from huescape.color.encoding import nearest_bin
from huescape.color.priors import smooth_prior
from huescape.color.spaces import rgb_to_lab
from huescape.params.base import Named
from huescape.params.systems import SystemParams
from huescape.shards import Column, write_index, write_shard
from huescape.systems.system import build_system, save_system

SIZE = 32
SPLITS = ("train", "test", "val", "test", "train", "test", "train", "test", "test")
# (top, left, height, width): whole, landscape, portrait and one narrower than SSIM's window.
BOXES = ((0, 0, 32, 32), (4, 0, 24, 32), (0, 8, 32, 16), (12, 0, 8, 32))


@dataclass(frozen=True)
class Inputs:
    """Paths of everything that the stage reads."""

    resized: Path
    bins: Path
    prior: Path
    models: Path


def paint(seed: int) -> np.ndarray:
    """A photo of waves, uint8 (SIZE, SIZE, 3), its colors its own."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    waves = np.sin(x / rng.uniform(2, 8) + y / rng.uniform(2, 8))
    color, low = rng.uniform(20, 110, 3), rng.uniform(0, 100, 3)
    return (low + color * (1 + waves[..., None]) / 2).astype(np.uint8)


def write_photos(folder: Path, padding: int = 0) -> Path:
    """Shards of photos whose padding has the value `padding`."""
    columns = [Column("rgb", "uint8", (SIZE, SIZE, 3)), Column("box", "int16", (4,))]
    rows: list[Any] = []
    for number, split in enumerate(SPLITS):
        box = BOXES[number % len(BOXES)]
        rgb = np.full((SIZE, SIZE, 3), padding, np.uint8)
        inside = slice(box[0], box[0] + box[2]), slice(box[1], box[1] + box[3])
        rgb[inside] = paint(number)[inside]
        rows.append((f"made/{number}", split, {"rgb": rgb, "box": np.array(box, np.int16)}))
    folder.mkdir(parents=True)
    write_shard(folder, "00000", columns, rows[:4])
    write_shard(folder, "00001", columns, rows[4:])
    write_index(folder, "photos", columns, ["00000", "00001"], {"size": SIZE})
    return folder


def write_system(folder: Path, space: str, network: str = "colorunet") -> Path:
    """A system with fresh weights: 313 Lab bins, or 25 YUV bins."""
    grid = np.linspace(-0.3, 0.3, 5)
    yuv = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    centers = gamut_centers() if space == "lab" else yuv
    params = SystemParams(
        preset="colorunet",
        quantizer="toy",
        network=Named.model_validate({"name": network, "width": 4}),
        loss=Named(name="cross_entropy"),
    )
    spec = {"name": "toy", "space": space, "encode": {}, "bins": len(centers)}
    save_system(
        folder, build_system(params, spec, centers, np.ones(len(centers))), {}, "step,loss\n"
    )
    return folder


def write_regression(folder: Path, space: str, network: dict[str, Any]) -> Path:
    """A system that predicts chroma, with fresh weights, large enough to give colors."""
    params = SystemParams(
        preset="zhang2016_l2",
        quantizer="toy",
        network=Named.model_validate(network),
        loss=Named(name="l2"),
    )
    spec = {"name": "toy", "space": space, "encode": {"method": "chroma"}, "bins": 313}
    system = build_system(params, spec, gamut_centers(), np.ones(313))
    with torch.no_grad():
        last = list(system.network.parameters())[-1]
        last += torch.tensor([0.2, -0.3])
    save_system(folder, system, {}, "step,loss\n")
    return folder


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("inputs")
    centers = gamut_centers()
    pixels = np.stack([paint(n) for n, split in enumerate(SPLITS) if split == "train"])
    counts = np.bincount(nearest_bin(rgb_to_lab(pixels)[..., 1:], centers).ravel(), minlength=313)
    smoothed = smooth_prior(counts / counts.sum(), centers, 5.0)
    np.savez(folder / "bins.npz", centers=centers, counts=counts)
    np.savez(
        folder / "prior.npz",
        empirical=counts / counts.sum(),
        smoothed=smoothed,
        weights=np.ones(313),
    )
    for space in ("lab", "yuv"):
        write_system(folder / "models" / space, space)
    write_system(folder / "models/strided", "lab", "zhang2016")
    write_regression(folder / "models/regression", "lab", {"name": "zhang2016", "width": 1})
    write_regression(folder / "models/regression_yuv", "yuv", {"name": "flat", "width": 2})
    deep = {"name": "mleu", "width": 1, "pretrained": "none", "stride": 4}
    write_regression(folder / "models/deep", "lab", deep)
    return Inputs(
        write_photos(folder / "resized"),
        folder / "bins.npz",
        folder / "prior.npz",
        folder / "models",
    )
