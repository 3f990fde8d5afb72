"""Bins, targets and priors on a few photos, against slow float64 references."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from skimage.color import rgb2lab

from huescape.base.boxes import Box
from huescape.base.errors import HuescapeError, ParamsError
from huescape.color.spaces import rgb_to_yuv
from huescape.color.spaces import space as named_space
from huescape.params.quantizers import (
    CellEncoding,
    ChromaTargets,
    FrequentBins,
    GamutBins,
    HardEncoding,
    PriorParams,
    SoftEncoding,
)
from huescape.shards import (
    CHROMA_LEVELS,
    Column,
    ShardSet,
    shard_name,
    write_index,
    write_shard,
)
from huescape.stages import bins, encode, prior

SIZE = 32
SPLITS = ["train"] * 5 + ["val", "test", "train"]
YUV = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.299 * 0.436 / 0.886, -0.587 * 0.436 / 0.886, 0.436],
        [0.615, -0.587 * 0.615 / 0.701, -0.114 * 0.615 / 0.701],
    ]
)


def _photos(folder: Path) -> ShardSet:
    """Eight noisy pictures in two shards, some of them with padding."""
    rng = np.random.default_rng(5)
    columns = [Column("rgb", "uint8", (SIZE, SIZE, 3)), Column("box", "int16", (4,))]
    rows = []
    for number, split in enumerate(SPLITS):
        box = [4, 0, 24, SIZE] if number % 2 else [0, 0, SIZE, SIZE]
        rgb = np.zeros((SIZE, SIZE, 3), np.uint8)
        area = rng.normal(rng.integers(40, 200, 3), 40, (box[2], box[3], 3)).clip(0, 255)
        rgb[box[0] : box[0] + box[2], box[1] : box[1] + box[3]] = area
        rows.append((f"p{number}", split, {"rgb": rgb, "box": np.array(box, np.int16)}))
    write_shard(folder, shard_name(0), columns, rows[:5])
    write_shard(folder, shard_name(1), columns, rows[5:])
    write_index(folder, "photos", columns, ["00000", "00001"], {"size": SIZE})
    return ShardSet.open(folder)


@pytest.fixture
def photos(tmp_path: Path) -> ShardSet:
    return _photos(tmp_path / "resized")


def _train_pixels(photos: ShardSet) -> npt.NDArray[np.uint8]:
    pixels = []
    for row in photos.rows("train"):
        top, left, height, width = photos.take("box", [row])[0]
        rgb = photos.take("rgb", [row])[0][top : top + height, left : left + width]
        pixels.append(rgb.reshape(-1, 3))
    return np.concatenate(pixels)


def _nearest(
    ab: npt.NDArray[np.float64], centers: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    return ((ab[:, None] - centers) ** 2).sum(-1).argmin(1)


def test_gamut_bins_count_the_training_pixels(photos: ShardSet, tmp_path: Path) -> None:
    bins.run(photos.folder, tmp_path / "b.npz", "lab", GamutBins(rule="gamut"))
    stored = np.load(tmp_path / "b.npz")
    assert stored["centers"].shape == (313, 2)
    assert stored["counts"].dtype == np.int64
    ab = rgb2lab(_train_pixels(photos) / 255.0)[:, 1:]
    expected = np.bincount(_nearest(ab, stored["centers"]), minlength=313)
    assert stored["counts"].sum() == expected.sum()
    # A pixel exactly between two bins may fall to either in float32.
    assert np.abs(stored["counts"] - expected).sum() <= 2


def test_frequent_bins_are_the_mean_colors_of_the_fullest_cells(
    photos: ShardSet, tmp_path: Path
) -> None:
    params = FrequentBins(rule="frequent", n=6, cells=10)
    bins.run(photos.folder, tmp_path / "b.npz", "yuv", params)
    stored = np.load(tmp_path / "b.npz")
    uv = (_train_pixels(photos) / 255.0) @ YUV.T[:, 1:]
    cell = np.floor((uv[:, 0] + 0.45) * 10 / 0.9) * 10 + np.floor((uv[:, 1] + 0.65) * 10 / 1.3)
    counts = np.bincount(cell.astype(int), minlength=100)
    fullest = np.argsort(-counts, kind="stable")[:6]
    expected = np.stack([uv[cell == number].mean(0) for number in fullest])
    np.testing.assert_allclose(stored["centers"], expected, atol=1e-5)
    assert stored["counts"].sum() == len(uv)


def test_more_bins_than_cells_with_pixels_is_one_line(photos: ShardSet, tmp_path: Path) -> None:
    params = FrequentBins(rule="frequent", n=100, cells=10)
    with pytest.raises(ParamsError, match=r"^quantizers\.b\.bins\.n is 100; allowed: 1 to \d+"):
        bins.run(photos.folder, tmp_path / "b.npz", "yuv", params)
    assert not (tmp_path / "b.npz").exists()


def test_soft_targets_are_those_of_brute_force(photos: ShardSet, tmp_path: Path) -> None:
    bins.run(photos.folder, tmp_path / "b.npz", "lab", GamutBins(rule="gamut"))
    centers = np.load(tmp_path / "b.npz")["centers"]
    params = SoftEncoding(method="soft", stride=4)
    out = tmp_path / "targets"
    encode.run(photos.folder, tmp_path / "b.npz", out, "lab", params, name="q")
    targets = ShardSet.open(out, "targets")
    assert targets.ids == ["p0", "p1", "p2", "p3", "p4", "p5", "p7"]  # no test photo
    mass = np.zeros(313)
    for row, photo_id in enumerate(targets.ids):
        source = photos.ids.index(photo_id)
        lab = rgb2lab(photos.take("rgb", [source])[0] / 255.0)
        levels = targets.take("lightness", [row])[0]
        assert np.abs(levels - lab[..., 0] * 2.55).max() <= 0.501
        ab = lab[2::4, 2::4, 1:].reshape(-1, 2)
        squared = ((ab[:, None] - centers) ** 2).sum(-1)
        nearest = np.argsort(squared, axis=1, kind="stable")[:, :5]
        weight = np.exp(-np.take_along_axis(squared, nearest, 1) / 50)
        weight /= weight.sum(1, keepdims=True)
        dense = np.zeros((64, 313))
        np.put_along_axis(dense, nearest, weight, 1)
        found = np.zeros((64, 313))
        index = targets.take("index", [row])[0].reshape(64, 5).astype(int)
        stored = targets.take("weight", [row])[0].reshape(64, 5).astype(float)
        np.put_along_axis(found, index, stored, 1)
        np.testing.assert_allclose(found, dense, atol=1e-3)
        if targets.splits[row] == "train":
            top, left, height, width = targets.take("box", [row])[0]
            inside = np.zeros((SIZE, SIZE), bool)
            inside[top : top + height, left : left + width] = True
            mass += dense[inside[2::4, 2::4].reshape(-1)].sum(0)
    np.testing.assert_allclose(np.array(targets.meta["mass"]) / 2**24, mass, atol=1e-3)


def test_hard_targets_are_the_nearest_bins(photos: ShardSet, tmp_path: Path) -> None:
    bins.run(photos.folder, tmp_path / "b.npz", "yuv", FrequentBins(rule="frequent", n=6, cells=10))
    centers = np.load(tmp_path / "b.npz")["centers"]
    out = tmp_path / "targets"
    encode.run(photos.folder, tmp_path / "b.npz", out, "yuv", HardEncoding(method="hard"), name="q")
    targets = ShardSet.open(out)
    assert targets.columns["index"].dtype == "uint8"
    assert targets.columns["index"].shape == (SIZE, SIZE, 1)
    for row, photo_id in enumerate(targets.ids):
        rgb = photos.take("rgb", [photos.ids.index(photo_id)])[0] / 255.0
        uv = (rgb @ YUV.T[:, 1:]).reshape(-1, 2)
        found = targets.take("index", [row])[0].reshape(-1)
        assert (found != _nearest(uv, centers)).mean() < 1e-3


def _cell(uv: npt.NDArray[np.float32]) -> int:
    """Of ten by ten, by comparison with each border as it is written."""
    borders = [-0.36, -0.27, -0.18, -0.09, 0.0, 0.09, 0.18, 0.27, 0.36]
    others = [-0.52, -0.39, -0.26, -0.13, 0.0, 0.13, 0.26, 0.39, 0.52]
    u, v = (float(x) for x in uv)
    return 10 * sum(u >= border for border in borders) + sum(v >= border for border in others)


def test_cell_targets_are_the_bins_of_the_cells(photos: ShardSet, tmp_path: Path) -> None:
    """The classes, the counts of bins and the prior are those of a loop over the pixels."""
    rule = FrequentBins(rule="frequent", n=6, cells=10)
    found = bins.run(photos.folder, tmp_path / "b.npz", "yuv", rule)
    stored = np.load(tmp_path / "b.npz")
    kept, centers = stored["cells"].tolist(), stored["centers"]
    out, params = tmp_path / "targets", CellEncoding(method="cell", stride=1)
    encode.run(photos.folder, tmp_path / "b.npz", out, "yuv", params, name="q")
    targets, mass, other = ShardSet.open(out), np.zeros(6), 0
    assert targets.columns["index"].dtype == "uint8"
    assert targets.meta["encode"] == {"method": "cell", "stride": 1}
    for row, photo_id in enumerate(targets.ids):
        rgb = photos.take("rgb", [photos.ids.index(photo_id)])[0]
        uv = rgb_to_yuv(rgb)[..., 1:].reshape(-1, 2)
        squared = ((uv[:, None].astype(np.float64) - centers) ** 2).sum(-1)
        numbers = [_cell(color) for color in uv]
        wanted = [
            kept.index(number) if number in kept else int(near)
            for number, near in zip(numbers, squared.argmin(1), strict=True)
        ]
        assert targets.take("index", [row])[0].reshape(-1).tolist() == wanted
        other += int((np.array(wanted) != squared.argmin(1)).sum())
        if targets.splits[row] == "train":
            box = Box.of(targets.take("box", [row])[0])
            inside = box.cut(np.array(wanted).reshape(SIZE, SIZE))
            mass += np.bincount(inside.ravel(), minlength=6)
    assert other > 50  # it is another encoding than the nearest bin
    assert (np.array(targets.meta["mass"]) / 2**24).tolist() == mass.tolist()
    assert stored["counts"].tolist() == mass.tolist()
    assert found == {"bins": 6, "never_seen": 0}


def test_bins_without_a_grid_are_refused_for_cells(photos: ShardSet, tmp_path: Path) -> None:
    bins.run(photos.folder, tmp_path / "b.npz", "lab", GamutBins(rule="gamut"))
    with pytest.raises(HuescapeError, match=r"b\.npz: has no array 'borders'; .*bins@q"):
        encode.run(
            *(photos.folder, tmp_path / "b.npz", tmp_path / "t", "lab"),
            CellEncoding(method="cell"),
            name="q",
        )


def test_one_partition_at_a_time_gives_the_same_bytes(photos: ShardSet, tmp_path: Path) -> None:
    bins.run(photos.folder, tmp_path / "b.npz", "lab", GamutBins(rule="gamut"))
    params = SoftEncoding(method="soft", stride=4)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    encode.run(photos.folder, tmp_path / "b.npz", whole, "lab", params, name="q")
    for number in (1, 0):
        encode.run(
            *(photos.folder, tmp_path / "b.npz", parts, "lab", params), name="q", partition=number
        )
    encode.run(photos.folder, tmp_path / "b.npz", parts, "lab", params, name="q", gather=True)
    assert sorted(p.name for p in whole.iterdir()) == sorted(p.name for p in parts.iterdir())
    for path in whole.iterdir():
        assert path.read_bytes() == (parts / path.name).read_bytes(), path.name


def test_the_prior_comes_from_the_encoding(photos: ShardSet, tmp_path: Path) -> None:
    bins.run(photos.folder, tmp_path / "b.npz", "lab", GamutBins(rule="gamut"))
    out = tmp_path / "targets"
    params = SoftEncoding(method="soft", stride=4)
    encode.run(photos.folder, tmp_path / "b.npz", out, "lab", params, name="q")
    figure = tmp_path / "figure.png"
    prior.run(
        *(tmp_path / "b.npz", out, tmp_path / "p.npz", figure, "lab"),
        PriorParams(sigma=5.0, **{"lambda": 0.5}),
    )
    stored = np.load(tmp_path / "p.npz")
    mass = np.array(json.loads((out / "index.json").read_text())["meta"]["mass"], float)
    np.testing.assert_allclose(stored["empirical"], mass / mass.sum())
    assert stored["empirical"].sum() == pytest.approx(1)
    assert stored["smoothed"].sum() == pytest.approx(1)
    assert (stored["smoothed"] * stored["weights"]).sum() == pytest.approx(1)
    assert figure.stat().st_size > 10_000


def test_a_stride_that_does_not_divide_is_one_line(photos: ShardSet, tmp_path: Path) -> None:
    bins.run(photos.folder, tmp_path / "b.npz", "lab", GamutBins(rule="gamut"))
    with pytest.raises(ParamsError, match=r"quantizers\.q\.encode\.stride is 5"):
        encode.run(
            *(photos.folder, tmp_path / "b.npz", tmp_path / "t", "lab"),
            HardEncoding(method="hard", stride=5),
            name="q",
        )
    assert not (tmp_path / "t").exists()


def test_a_missing_file_is_one_line(photos: ShardSet, tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match=r"none\.npz: no such file"):
        encode.run(
            *(photos.folder, tmp_path / "none.npz", tmp_path / "t", "lab"),
            HardEncoding(method="hard"),
            name="q",
        )


def _whole_range(folder: Path) -> ShardSet:
    """Photos whose pixels are the corners and edges of sRGB and random colors, one with padding."""
    steps = np.linspace(0, 255, 8).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    rng = np.random.default_rng(1)
    columns = [Column("rgb", "uint8", (SIZE, SIZE, 3)), Column("box", "int16", (4,))]
    rows = []
    for number, split in enumerate(("train", "val", "train")):
        colors = np.concatenate([cube, rng.integers(0, 256, (512, 3), dtype=np.uint8)])
        rgb = rng.permutation(colors).reshape(SIZE, SIZE, 3)
        box = (5, 0, 22, SIZE) if number == 2 else (0, 0, SIZE, SIZE)
        rgb[: box[0]], rgb[box[0] + box[2] :] = 0, 0
        rows.append((f"p{number}", split, {"rgb": rgb, "box": np.array(box, np.int16)}))
    write_shard(folder, shard_name(0), columns, rows[:2])
    write_shard(folder, shard_name(1), columns, rows[2:])
    write_index(folder, "photos", columns, ["00000", "00001"], {"size": SIZE})
    return ShardSet.open(folder)


def _exact_chroma(rgb: npt.NDArray[np.uint8], name: str) -> npt.NDArray[np.float64]:
    return rgb2lab(rgb / 255.0)[..., 1:] if name == "lab" else (rgb / 255.0) @ YUV.T[:, 1:]


def _some_bins(path: Path, name: str) -> npt.NDArray[np.float64]:
    """Bins that no color of the photos has the same distance to."""
    scale = named_space(name).chroma_scale
    centers = np.random.default_rng(2).uniform(-0.9, 0.9, (20, 2)) * scale
    np.savez(path, centers=centers, counts=np.ones(20, np.int64))
    return centers


@pytest.mark.parametrize("name", ["lab", "yuv"])
@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_chroma_targets_are_the_chroma(tmp_path: Path, name: str, stride: int) -> None:
    photos = _whole_range(tmp_path / "resized")
    centers = _some_bins(tmp_path / "b.npz", name)
    params, out = ChromaTargets(method="chroma", stride=stride), tmp_path / "targets"
    encode.run(photos.folder, tmp_path / "b.npz", out, name, params, name="q")
    targets, small = ShardSet.open(out, "targets"), SIZE // stride
    targets.verify()
    # Exactly what docs/shards.md lists for regression.
    assert {c.name: (c.dtype, c.shape) for c in targets.columns.values()} == {
        "lightness": ("uint8", (SIZE, SIZE)),
        "chroma": ("int16", (2, small, small)),
        "box": ("int16", (4,)),
    }
    scale, mass = named_space(name).chroma_scale, np.zeros(len(centers), np.int64)
    first = stride // 2
    for row, photo_id in enumerate(targets.ids):
        rgb = photos.take("rgb", [photos.ids.index(photo_id)])[0]
        exact = _exact_chroma(rgb, name)[first::stride, first::stride]
        stored = targets.take("chroma", [row])[0].astype(np.float64) * scale / CHROMA_LEVELS
        assert np.abs(np.moveaxis(stored, 0, -1) - exact).max() <= scale / CHROMA_LEVELS
        if targets.splits[row] == "train":
            top, left, height, width = targets.take("box", [row])[0]
            inside = np.zeros((SIZE, SIZE), bool)
            inside[top : top + height, left : left + width] = True
            nearest = _nearest(exact[inside[first::stride, first::stride]], centers)
            mass += np.bincount(nearest, minlength=len(centers))
    assert targets.meta["mass"] == (mass * 2**24).tolist()


def test_chroma_has_the_mass_of_hard_targets(photos: ShardSet, tmp_path: Path) -> None:
    bins.run(photos.folder, tmp_path / "b.npz", "lab", GamutBins(rule="gamut"))
    found = []
    for params in (ChromaTargets(method="chroma", stride=4), HardEncoding(method="hard", stride=4)):
        out = tmp_path / params.method
        encode.run(photos.folder, tmp_path / "b.npz", out, "lab", params, name="q")
        found.append(ShardSet.open(out).meta["mass"])
    assert found[0] == found[1]
    assert sum(found[0]) > 0


@pytest.mark.parametrize("name", ["lab", "yuv"])
def test_no_color_of_srgb_overflows(name: str) -> None:
    """The hull of the gamut reaches the scale in YUV: red is V = 0.615, exactly."""
    faces = [
        np.insert(np.stack(np.meshgrid(range(256), range(256)), -1).reshape(-1, 2), axis, end, 1)
        for axis in range(3)
        for end in (0, 255)
    ]
    rgb = np.concatenate(faces).astype(np.uint8).reshape(-1, 256, 3)
    centers = np.zeros((1, 2))
    encoder = encode.Encoder(Path(), {"centers": centers}, name, ChromaTargets(method="chroma"))
    levels = encoder.encode(rgb)[0]["chroma"].astype(np.int64)
    exact = np.moveaxis(_exact_chroma(rgb, name), -1, 0) / named_space(name).chroma_scale
    assert np.abs(levels - exact * CHROMA_LEVELS).max() <= 1
    assert np.abs(levels).max() <= CHROMA_LEVELS


def test_chroma_by_partitions_gives_the_same_bytes(photos: ShardSet, tmp_path: Path) -> None:
    bins.run(photos.folder, tmp_path / "b.npz", "lab", GamutBins(rule="gamut"))
    params, whole, parts = ChromaTargets(method="chroma", stride=2), tmp_path / "w", tmp_path / "p"
    inputs = photos.folder, tmp_path / "b.npz"
    encode.run(*inputs, whole, "lab", params, name="q")
    for number in (1, 0):
        encode.run(*inputs, parts, "lab", params, name="q", partition=number)
    encode.run(*inputs, parts, "lab", params, name="q", gather=True)
    assert sorted(p.name for p in whole.iterdir()) == sorted(p.name for p in parts.iterdir())
    for path in whole.iterdir():
        assert path.read_bytes() == (parts / path.name).read_bytes(), path.name
