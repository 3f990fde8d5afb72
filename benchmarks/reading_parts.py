"""What a training batch's time goes into, and how much of a training step it is.

No benchmark of its own: the benchmark of reading tells it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

import numpy as np
import torch

from benchmarks import harness
from benchmarks.harness import Ratio
from huescape import networks
from huescape.base import runtime
from huescape.base.boxes import Box
from huescape.color.spaces import SPACES
from huescape.params.systems import AugmentationParams, GeometryParams
from huescape.shards import ShardSet
from huescape.training import augmentation
from huescape.training.batches import Batches
from huescape.training.geometry import Geometry
from huescape.training.taking import take_pixels, take_targets

_SHARE = 0.03


def check(shards: ShardSet, batches: Batches) -> None:
    """Ends the program unless a training batch is what float64 NumPy makes of its photos.

    Each photo must be whole or mirrored: lightness within 1e-6, targets and mask exactly.
    """
    rows_N, made, stride = batches.rows(0), batches.train(0), int(shards.meta["stride"])
    assert made.targets.index_NhwK is not None
    assert made.targets.weight_NhwK is not None
    found = made.input_N1HW, made.targets.index_NhwK, made.targets.weight_NhwK
    photos = zip(rows_N.tolist(), *(tensor.numpy() for tensor in found), strict=True)
    for number, (row, input_1HW, index_hwK, weight_hwK) in enumerate(photos):
        columns = np.arange(input_1HW.shape[-1])
        mirrored = np.minimum(columns[::-1] + (stride + 1) % 2, columns[-1])
        mask_hw = made.targets.mask_Nhw[number].numpy()
        if not any(
            _is_photo(shards, row, taken, (input_1HW[0], index_hwK, weight_hwK, mask_hw))
            for taken in (columns, mirrored)
        ):
            raise SystemExit(f"huescape: photo {row} of the first batch is not as stored")


def _is_photo(
    shards: ShardSet, row: int, columns_W: np.ndarray, found: tuple[np.ndarray, ...]
) -> bool:
    """Whether what was found is the photo with its columns taken in this order."""
    stride = int(shards.meta["stride"])
    lightness, index, weight, box = (
        np.array(shards.take(name, [row])[0]) for name in ("lightness", "index", "weight", "box")
    )
    input_HW = (lightness[:, columns_W] / 2.55 - 50) / 100
    targets_w = columns_W[stride // 2 :: stride]
    inside_HW = np.zeros(lightness.shape, bool)
    inside_HW[box[0] : box[0] + box[2], box[1] : box[1] + box[3]] = True
    return (
        bool(np.abs(found[0] - input_HW).max() < 1e-6)
        and np.array_equal(found[1], index[:, targets_w // stride].astype(np.int64))
        and np.array_equal(found[2], weight[:, targets_w // stride].astype(np.float64))
        and np.array_equal(found[3], inside_HW[stride // 2 :: stride][:, targets_w])
    )


def shares(shards: ShardSet, batches: Batches, rounds: int) -> str:
    """A sentence with the share of each part of a batch: flips, no crops."""
    size, stride = int(shards.meta["size"]), int(shards.meta["stride"])
    rng = np.random.default_rng(0)
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    levels = np.linspace(-0.5, 0.5, 256, dtype=np.float32)
    box, geometry = Box.of(shards.take("box", batches.rows(0))), Geometry(size, size, stride)
    changes = augmentation.together(AugmentationParams(), len(box.top), rng)
    drawn = augmentation.draw(changes, geometry, box, rng, rng.random((len(box.top), 2)))
    steps = count()

    def of(column: str) -> Sequence[np.ndarray]:
        return shards.views(column, batches.rows(next(steps)))

    seconds = harness.measure(
        {
            "all": lambda: batches.train(next(steps)),
            "lightness": lambda: take_pixels(of("lightness"), drawn, levels),
            "weights": lambda: take_targets(of("weight"), drawn, table=halves),
            "indices": lambda: take_targets(of("index"), drawn, dtype="int64"),
        },
        rounds,
        warmups=3,
    )
    told = ", ".join(_parts(seconds))
    return f"Shares of a training batch: {told}; the rest is the draws, the mask and calls."


def _parts(seconds: Mapping[str, list[float]]) -> Iterator[str]:
    for name, taken in seconds.items():
        if name != "all":
            share = harness.times_faster(taken, seconds["all"]).median
            yield f"{name} {share:.0%}"


def share_of_step(shards: ShardSet, batch: int, crop: int, rounds: int) -> Ratio:
    """Making a batch against forward and backward of the lightest U-Net, without its loss."""
    params = AugmentationParams(crop=crop, noise=(0.0, 0.01, 0.02))
    batches = Batches(shards, SPACES["yuv"], params, GeometryParams(), size=batch, seed=0)
    torch.manual_seed(0)
    network = networks.build("colorunet", {"width": 16}, 32)
    steps, given = count(), batches.train(0).input_N1HW

    def step() -> None:
        network(given).square().mean().backward()

    before = torch.get_num_threads()
    torch.set_num_threads(runtime.cpus())
    try:
        seconds = harness.measure(
            {"batch": lambda: batches.train(next(steps)), "step": step}, rounds
        )
    finally:
        torch.set_num_threads(before)
    return Ratio(
        "a training batch / forward and backward of ColorUNet on it",
        harness.times_faster(seconds["batch"], seconds["step"]),
        _SHARE,
        at_least=False,
        note=f"crops of {crop}, noise; width 16, float32, {runtime.cpus()} threads of torch",
    )
