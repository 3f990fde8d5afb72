"""Small shards of pictures whose color follows from their texture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from huescape.params.systems import SystemParams
from huescape.shards import Column, write_index, write_shard

SIZE = 32
CENTERS = np.array([[0.0, 0.0], [0.2, -0.1], [-0.15, 0.2], [-0.1, -0.2]])


def paint(seed: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Lightness levels and bins of a picture: flat, striped and checkered regions, one bin each.

    Regions are large, so that a network of three levels can tell them apart.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    textures = [
        np.full((size, size), 60),
        120 + 80 * (x % 2),
        120 + 80 * (y % 2),
        200 * (x + y & 1),
    ]
    bins = rng.permutation(4)[(y >= size // 2) * 2 + (x >= size // 2)]
    levels = np.choose(bins, textures) + rng.integers(0, 8, (size, size))
    return levels.astype(np.uint8), bins.astype(np.uint8)


def write_targets(folder: Path, *, photos: int = 8, val: int = 2, stride: int = 1) -> Path:
    """Shards, `bins.npz` and `prior.npz` in `folder`; the last rows of each photo are padding."""
    small = SIZE // stride
    columns = [
        Column("lightness", "uint8", (SIZE, SIZE)),
        Column("index", "uint8", (small, small, 1)),
        Column("box", "int16", (4,)),
    ]
    box = np.array([0, 0, SIZE - 4, SIZE], np.int16)
    rows = []
    for k in range(photos + val):
        levels, bins = paint(k, SIZE)
        levels[SIZE - 4 :] = 0
        index = bins[stride // 2 :: stride, stride // 2 :: stride, None]
        split = "train" if k < photos else "val"
        rows.append((f"photo{k:03d}", split, {"lightness": levels, "index": index, "box": box}))
    (folder / "shards").mkdir(parents=True)
    half = len(rows) // 2
    write_shard(folder / "shards", "00000", columns, rows[:half])
    write_shard(folder / "shards", "00001", columns, rows[half:])
    meta = {"quantizer": "toy", "space": "yuv", "encode": {"method": "hard", "stride": stride}}
    meta |= {"bins": len(CENTERS), "size": SIZE, "stride": stride, "mass": [1] * len(CENTERS)}
    write_index(folder / "shards", "targets", columns, ["00000", "00001"], meta)
    np.savez(folder / "bins.npz", centers=CENTERS, counts=np.ones(4, np.int64))
    uniform = np.full(4, 0.25)
    np.savez(folder / "prior.npz", empirical=uniform, smoothed=uniform, weights=np.ones(4))
    return folder


@pytest.fixture(scope="session")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `shards`, `bins.npz` and `prior.npz`, not to be changed."""
    return write_targets(tmp_path_factory.mktemp("targets"))


@pytest.fixture(scope="session")
def make_targets() -> Callable[..., Path]:
    """`write_targets`, for tests that need other shards or change them."""
    return write_targets


def toy_params(**changes: object) -> SystemParams:
    """A ColorUNet of width 4 that takes seconds to train."""
    values: dict[str, object] = {
        "preset": "colorunet",
        "quantizer": "toy",
        "network": {"name": "colorunet", "width": 4},
        "loss": {"name": "cross_entropy"},
        "optimizer": {"lr": 0.01, "milestones": (0.5,)},
        "augmentation": {"crop": 16, "noise": (0.0, 0.02)},
        "steps": 12,
        "batch": 4,
        "checkpoint_every": 5,
        "precision": "float32",
    }
    return SystemParams.model_validate(values | changes)


@pytest.fixture(scope="session")
def make_params() -> Callable[..., SystemParams]:
    """`toy_params`, to call with what should be otherwise."""
    return toy_params


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toy layers are too small to share, and two threads wait for each other on a busy machine."""
    monkeypatch.setenv("HUESCAPE_THREADS", "1")


@pytest.fixture(scope="session")
def painted() -> Callable[[int, int], tuple[np.ndarray, np.ndarray]]:
    """`paint`: lightness levels and bins of a picture whose color follows from its texture."""
    return paint
