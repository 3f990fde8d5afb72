"""A batch is a function of seed and step; an epoch shows every photo once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from huescape.color.spaces import SPACES
from huescape.errors import HuescapeError
from huescape.params.systems import AugmentationParams
from huescape.shards import Column, ShardSet, write_index, write_shard
from huescape.training.batches import Batches

PLAIN = AugmentationParams(flip=False)


def batches(
    folder: Path, params: AugmentationParams = PLAIN, size: int = 3, seed: int = 0
) -> Batches:
    return Batches(ShardSet.open(folder / "shards"), SPACES["yuv"], params, size=size, seed=seed)


def test_a_batch_depends_on_seed_and_step_alone(targets: Path) -> None:
    params = AugmentationParams(crop=16, noise=(0.01,))
    straight = batches(targets, params)
    for step in range(4):
        straight.train(step)
    jumped, again, other = (
        batches(targets, params),
        straight.train(5),
        batches(targets, params, seed=1),
    )
    first = jumped.train(5)
    torch.testing.assert_close(first.input_N1HW, again.input_N1HW, rtol=0, atol=0)
    torch.testing.assert_close(first.targets.index_NhwK, again.targets.index_NhwK, rtol=0, atol=0)
    assert not torch.equal(first.input_N1HW, other.train(5).input_N1HW)
    assert not torch.equal(first.input_N1HW, jumped.train(6).input_N1HW)


def test_crops_and_noise_change_from_step_to_step(targets: Path) -> None:
    """With batches of one epoch, every step shows the same photos, never in the same way."""
    noisy = batches(targets, AugmentationParams(flip=False, noise=(0.05,)), size=8)
    quiet = batches(targets, size=8)
    noise = [
        (noisy.train(step).input_N1HW - quiet.train(step).input_N1HW).flatten() for step in (0, 1)
    ]
    assert abs(float(torch.corrcoef(torch.stack(noise))[0, 1])) < 0.1


def test_soft_weights_move_with_their_bins(
    make_targets: Callable[..., Path], tmp_path: Path
) -> None:
    """Each weight tells its bin, so that a weight in another place is noticed."""
    shards = ShardSet.open(make_targets(tmp_path / "hard") / "shards")
    rows = np.arange(shards.count)
    index = shards.take("index", rows)
    columns = [Column(name, c.dtype, c.shape) for name, c in shards.columns.items()]
    columns.append(Column("weight", "float16", index.shape[1:]))
    arrays = {name: shards.take(name, rows) for name in shards.columns}
    arrays["weight"] = (0.25 * (1 + index)).astype(np.float16)
    made = [
        (shards.ids[row], str(shards.splits[row]), {name: a[row] for name, a in arrays.items()})
        for row in rows
    ]
    folder = tmp_path / "soft" / "shards"
    folder.mkdir(parents=True)
    write_shard(folder, "00000", columns, made)
    write_index(folder, "targets", columns, ["00000"], shards.meta)
    batch = batches(tmp_path / "soft", AugmentationParams(crop=16)).train(3)
    assert batch.targets.weight_NhwK is not None
    torch.testing.assert_close(
        batch.targets.weight_NhwK, 0.25 * (1 + batch.targets.index_NhwK.float())
    )


@pytest.mark.parametrize("size", [3, 8, 20])
def test_every_epoch_shows_every_training_photo_once(targets: Path, size: int) -> None:
    shards = ShardSet.open(targets / "shards")
    made = batches(targets, size=size)
    shown = torch.cat([made.train(step).input_N1HW for step in range(6)]).numpy()
    photos = SPACES["yuv"].uint8_to_lightness(shards.take("lightness", shards.rows("train"))) - 0.5
    which = [int(np.abs(photos - image[0]).sum(axis=(1, 2)).argmin()) for image in shown]
    for start in range(0, len(which) - 7, 8):
        assert sorted(which[start : start + 8]) == list(range(8))
    if len(which) >= 16:
        assert which[:8] != which[8:16]


def test_noise_touches_the_lightness_alone(targets: Path) -> None:
    quiet = batches(targets).train(0)
    noisy = batches(targets, AugmentationParams(flip=False, noise=(0.05,))).train(0)
    difference = noisy.input_N1HW - quiet.input_N1HW
    assert 0.045 < float(difference.std()) < 0.055
    assert torch.equal(noisy.targets.index_NhwK, quiet.targets.index_NhwK)
    assert torch.equal(noisy.targets.mask_Nhw, quiet.targets.mask_Nhw)


def test_padding_is_masked(targets: Path) -> None:
    mask = batches(targets).train(0).targets.mask_Nhw
    assert mask[:, :28].all()
    assert not mask[:, 28:].any()


def test_whole_photos_are_not_augmented(targets: Path) -> None:
    shards = ShardSet.open(targets / "shards")
    batch = batches(targets, AugmentationParams(crop=16, noise=(0.5,))).whole(np.array([9, 2]))
    expected = SPACES["yuv"].uint8_to_lightness(shards.take("lightness", [9, 2])) - 0.5
    np.testing.assert_array_equal(batch.input_N1HW[:, 0].numpy(), expected)
    np.testing.assert_array_equal(batch.targets.index_NhwK.numpy(), shards.take("index", [9, 2]))


def test_a_crop_that_does_not_fit_is_refused(
    make_targets: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_targets(tmp_path / "x", stride=4)
    with pytest.raises(HuescapeError, match=r"augmentation\.crop is 18; allowed: at most 32, .* 4"):
        batches(folder, AugmentationParams(crop=18))
    with pytest.raises(HuescapeError, match=r"augmentation\.crop is 64"):
        batches(folder, AugmentationParams(crop=64))


def test_no_training_photo_is_refused(make_targets: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_targets(tmp_path / "x", photos=0, val=4)
    with pytest.raises(HuescapeError, match="no photo of the training split"):
        batches(folder)
