"""Validation looks at photos, not at their padding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from huescape.color.decoding import join
from huescape.params.decodings import ANNEALED
from huescape.params.systems import SystemParams
from huescape.shards import Column, ShardSet, write_index, write_shard
from huescape.shards.cache import FileCache
from huescape.shards.remote import Remote
from huescape.systems.system import System, build_system
from huescape.training.batches import Batches
from huescape.training.run import build_learner, loss_of
from huescape.training.validation import Validation

SIZE, BOX = 32, (5, 3, 21, 26)
CENTERS = np.array([[0.0, 0.0], [0.2, -0.1], [-0.15, 0.2], [-0.1, -0.2]])
CPU = torch.device("cpu")


def write_photos(folder: Path, stride: int, padding: int) -> ShardSet:
    """Photos of one color, in padding of bin 0 and of the level `padding`."""
    side = SIZE // stride
    columns = [
        Column("lightness", "uint8", (SIZE, SIZE)),
        Column("index", "uint8", (side, side, 1)),
        Column("box", "int16", (4,)),
    ]
    rows = []
    for k, split in enumerate(["train", "val", "train", "val"]):
        levels, color = np.full((SIZE, SIZE), padding, np.uint8), np.zeros((SIZE, SIZE), np.uint8)
        inside = slice(BOX[0], BOX[0] + BOX[2]), slice(BOX[1], BOX[1] + BOX[3])
        levels[inside] = np.random.default_rng(k).integers(40, 200, BOX[2:])
        color[inside] = 1 + k % 3
        index = color[stride // 2 :: stride, stride // 2 :: stride, None]
        arrays = {"lightness": levels, "index": index, "box": np.array(BOX, np.int16)}
        rows.append((f"p{k}", split, arrays))
    folder.mkdir(parents=True)
    write_shard(folder, "00000", columns, rows)
    meta = {"quantizer": "toy", "space": "yuv", "encode": {"method": "hard"}, "bins": 4}
    write_index(
        folder, "targets", columns, ["00000"],
        meta | {"size": SIZE, "stride": stride, "mass": [1] * 4},
    )  # fmt: skip
    return ShardSet.open(folder)


def validation(params: SystemParams, shards: ShardSet) -> tuple[System, Validation]:
    system = build_system(params, shards.meta, CENTERS, np.ones(len(CENTERS)))
    seen = params.augmentation, params.geometry
    batches = Batches(shards, system.space, *seen, size=2, seed=0)
    return system, Validation(system, shards, batches)


def pictures_and_loss(params: SystemParams, shards: ShardSet) -> tuple[list[bytes], float]:
    system, made = validation(params, shards)
    learner = build_learner(system.network, loss_of(system, np.ones(4)), params, CPU)
    loss = made.loss(learner.validation_loss, CPU)
    assert loss is not None
    return [rgb.tobytes() for _, rgb in made.pictures()], loss


def test_fetched_photos_are_fetched_once(
    tmp_path: Path, make_params: Callable[..., SystemParams]
) -> None:
    """What is validated on does not take the room of what is trained on."""
    folder, params = write_photos(tmp_path / "shards", 1, 0).folder, make_params()
    cache = FileCache(tmp_path / "cache", 10**6)
    shards = ShardSet.open(folder, "targets", Remote(f"file://{folder}", cache))
    system, made = validation(params, shards)
    learner = build_learner(system.network, loss_of(system, np.ones(4)), params, CPU)
    first = made.loss(learner.validation_loss, CPU), *(x.tobytes() for _, x in made.pictures())
    for path in (*folder.glob("*.npy"), *(tmp_path / "cache").iterdir()):
        if path.is_file():
            path.unlink()
    again = made.loss(learner.validation_loss, CPU), *(x.tobytes() for _, x in made.pictures())
    assert again == first


NETWORKS = {1: {"name": "colorunet", "width": 4}, 4: {"name": "zhang2016", "width": 1}}


@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("fit", ["pad", "inside", "stretch"])
def test_pictures_show_the_photo_and_its_colors_to_the_edge(
    stride: int, fit: str, tmp_path: Path, make_params: Callable[..., SystemParams]
) -> None:
    shards = write_photos(tmp_path / "shards", stride, 0)
    params = make_params(network=NETWORKS[stride], geometry={"fit": fit})
    system, made = validation(params, shards)
    found = list(made.pictures())
    assert [name for name, _ in found] == ["val-0", "val-1"]
    for (_, rgb), row in zip(found, shards.rows("val"), strict=True):
        assert rgb.shape == (BOX[2], 2 * BOX[3], 3)
        levels = shards.take("lightness", [row])[0][5:26, 3:29]
        lightness = system.space.uint8_to_lightness(levels)
        color = np.broadcast_to(CENTERS[1 + row % 3].astype(np.float32), (*BOX[2:], 2))
        expected = join(lightness, np.ascontiguousarray(color), system.space)
        np.testing.assert_array_equal(rgb[:, : BOX[3]], expected)
        if fit != "pad":
            alone = system.predict_chroma(torch.from_numpy(lightness)[None, None], ANNEALED)[0]
            chroma = np.ascontiguousarray(alone.permute(1, 2, 0).numpy())
            np.testing.assert_array_equal(
                rgb[:, BOX[3] :], join(lightness, chroma, system.space)
            )  # fmt: skip


@pytest.mark.parametrize("stride", [1, 4])
def test_what_is_in_the_padding_does_not_matter(
    stride: int, tmp_path: Path, make_params: Callable[..., SystemParams]
) -> None:
    shards = [write_photos(tmp_path / str(level), stride, level) for level in (0, 255)]
    for fit in ("inside", "stretch"):
        params = make_params(network=NETWORKS[stride], geometry={"fit": fit})
        found = [pictures_and_loss(params, each) for each in shards]
        assert found[0] == found[1]
    params = make_params(network=NETWORKS[stride])
    assert pictures_and_loss(params, shards[0]) != pictures_and_loss(params, shards[1])
