"""A batch is a function of seed and step; an epoch shows every photo once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from huescape.base.errors import HuescapeError
from huescape.color.spaces import SPACES
from huescape.losses.targets import at_positions
from huescape.params.systems import AugmentationParams, GeometryParams, LightnessParams
from huescape.shards import CHROMA_LEVELS, Column, ShardSet, write_index, write_shard
from huescape.training.batches import Batch, Batches

PLAIN = AugmentationParams(flip=False)
PADDED = GeometryParams()
SEVEN = AugmentationParams(mode="single", crop_shares=(0.7, 0.7), noise=(1e-4, 2e-4, 3e-4))


def batches(
    folder: Path,
    params: AugmentationParams = PLAIN,
    size: int = 3,
    seed: int = 0,
    geometry: GeometryParams = PADDED,
    positions: float | None = None,
    part: slice | None = None,
    window: int | None = None,
) -> Batches:
    shards, space = ShardSet.open(folder / "shards"), SPACES["yuv"]
    more = {"size": size, "seed": seed, "positions": positions, "part": part}
    more["shuffle_shards"] = window
    return Batches(shards, space, params, geometry, **more)  # type: ignore[arg-type]


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


def test_some_of_the_positions_are_those_of_the_whole_batch(targets: Path) -> None:
    """Another quarter for each photo and step; what a network gives at them fits the targets."""
    params = AugmentationParams(crop=16, noise=(0.01,))
    some, every = batches(targets, params, positions=0.25), batches(targets, params)
    for step in range(3):
        few, all_of_it = some.train(step), every.train(step)
        assert torch.equal(few.input_N1HW, all_of_it.input_N1HW)
        at = few.positions_NP
        assert at is not None
        assert at.shape == (3, 64)
        assert (at.diff(dim=1) > 0).all()
        assert not torch.equal(at[0], at[1])
        whole = all_of_it.targets
        assert few.targets.index_NhwK is not None
        assert whole.index_NhwK is not None
        bins = whole.index_NhwK.flatten(1, 2).take_along_dim(at[..., None], 1)
        assert torch.equal(few.targets.index_NhwK[:, 0], bins)
        mask = whole.mask_Nhw.flatten(1).take_along_dim(at, 1)
        assert torch.equal(few.targets.mask_Nhw[:, 0], mask)
        output = whole.index_NhwK.float().movedim(-1, 1)
        assert torch.equal(at_positions(output, at)[:, 0, 0], bins[..., 0].float())
    first, again = some.train(1).positions_NP, some.train(2).positions_NP
    assert first is not None
    assert again is not None
    assert not torch.equal(first, again)
    assert some.unaugmented(np.array([0])).positions_NP is None


def test_resized_crops_and_curves_are_drawn_from_seed_and_step(targets: Path) -> None:
    curves = LightnessParams(share=1.0)
    params = AugmentationParams(crop=16, area=(0.35, 1.0), lightness=curves)
    no_curves = LightnessParams(gamma=0.0, contrast=(1.0, 1.0), brightness=0.0)
    straight = AugmentationParams(crop=16, area=(0.35, 1.0), lightness=no_curves)
    inside = GeometryParams(fit="inside")
    one, other = (batches(targets, params, geometry=inside) for _ in range(2))
    assert torch.equal(one.train(4).input_N1HW, other.train(4).input_N1HW)
    bent, plain = one.train(4), batches(targets, straight, geometry=inside).train(4)
    assert not torch.equal(bent.input_N1HW, plain.input_N1HW)
    assert bent.targets.index_NhwK is not None
    assert plain.targets.index_NhwK is not None
    assert torch.equal(bent.targets.index_NhwK, plain.targets.index_NhwK)
    assert bent.input_N1HW.abs().max() <= 0.5


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


def test_with_a_window_an_epoch_shows_one_shard_after_the_other(targets: Path) -> None:
    """And every training photo, or each of its variants, once; the two shards have 5 and 3."""
    shards = ShardSet.open(targets / "shards")
    for params, variants in ((PLAIN, 1), (SEVEN, 7)):
        made, count = batches(targets, params, size=1, window=1), 8 * variants
        rows = np.concatenate([made.rows(step) for step in range(2 * count)])
        for epoch in (rows[:count], rows[count:]):
            assert np.bincount(epoch)[:8].tolist() == [variants] * 8
            assert np.count_nonzero(np.diff(shards.shard_numbers(epoch))) == 1
        assert rows[:count].tolist() != rows[count:].tolist()


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
    batch = batches(targets, AugmentationParams(crop=16, noise=(0.5,))).unaugmented(
        np.array([9, 2])
    )
    expected = SPACES["yuv"].uint8_to_lightness(shards.take("lightness", [9, 2])) - 0.5
    np.testing.assert_array_equal(batch.input_N1HW[:, 0].numpy(), expected)
    np.testing.assert_array_equal(batch.targets.index_NhwK.numpy(), shards.take("index", [9, 2]))


def test_a_crop_that_does_not_fit_is_refused(
    make_targets: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_targets(tmp_path / "x", stride=4)
    with pytest.raises(HuescapeError, match=r"augmentation\.crop is 18; allowed: a multiple of 4"):
        batches(folder, AugmentationParams(crop=18))
    with pytest.raises(
        HuescapeError, match=r"augmentation\.crop is 64; allowed: at most resize\.size = 32"
    ):
        batches(folder, AugmentationParams(crop=64))


CONTRADICTIONS: dict[str, dict[str, tuple[int, ...]]] = {
    "lightness": {"lightness": (32, 30)},
    "index": {"index": (32, 16, 1)},
    "index without bins": {"index": (16, 16)},
    "chroma": {"chroma": (16, 16, 2)},
    "weight": {"weight": (16, 16, 2)},
    "box": {"box": (2,)},
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_an_index_that_contradicts_itself_is_refused(tmp_path: Path, name: str) -> None:
    """Its meta tells 32 x 32 pixels and a stride of 2."""
    shapes = {"lightness": (32, 32), "index": (16, 16, 1), "box": (4,), **CONTRADICTIONS[name]}
    columns = [Column(column, "uint8", shape) for column, shape in shapes.items()]
    arrays = {column: np.zeros(shape, np.uint8) for column, shape in shapes.items()}
    (tmp_path / "shards").mkdir()
    write_shard(tmp_path / "shards", "00000", columns, [("p", "train", arrays)])
    write_index(tmp_path / "shards", "targets", columns, ["00000"], {"size": 32, "stride": 2})
    with pytest.raises(HuescapeError, match="the index contradicts itself: column") as caught:
        batches(tmp_path)
    assert str(tmp_path / "shards") in str(caught.value)
    assert repr(name.split()[0]) in str(caught.value)


def test_no_training_photo_is_refused(make_targets: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_targets(tmp_path / "x", photos=0, val=4)
    with pytest.raises(HuescapeError, match="no photo of the training split"):
        batches(folder)


def write_chroma(folder: Path, stride: int, size: int = 32) -> Path:
    """Photos whose lightness tells the place and whose chroma at a target is made of it."""
    small, number = size // stride, np.arange(size)
    columns = [
        Column("lightness", "uint8", (size, size)),
        Column("chroma", "int16", (2, small, small)),
        Column("box", "int16", (4,)),
    ]
    rows = []
    for k in range(6):
        row, column = np.meshgrid(number, number, indexing="ij")
        levels = (8 * column + (row + k) % 8).astype(np.uint8)
        at = slice(stride // 2, None, stride)
        chroma = np.stack([1000 * row[at, at] + k, -1000 * column[at, at] - k]).astype(np.int16)
        box = np.array([2, 1, size - 5, size - 3], np.int16)
        rows.append((f"p{k}", "train", {"lightness": levels, "chroma": chroma, "box": box}))
    (folder / "shards").mkdir(parents=True)
    write_shard(folder / "shards", "00000", columns, rows)
    meta = {"quantizer": "toy", "space": "yuv", "encode": {}, "bins": 4}
    meta |= {"size": size, "stride": stride, "mass": [1] * 4}
    write_index(folder / "shards", "targets", columns, ["00000"], meta)
    return folder


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_chroma_follows_crops_and_flips(tmp_path: Path, stride: int) -> None:
    """Each target's chroma is that of the pixel of the photo under it, whatever was done to it."""
    folder = write_chroma(tmp_path, stride)
    made = batches(folder, AugmentationParams(crop=16), size=6)
    flipped, cropped = set(), set()
    for step in range(6):
        batch = made.train(step)
        chroma, mask = batch.targets.chroma_N2hw, batch.targets.mask_Nhw
        assert chroma is not None
        assert batch.targets.index_NhwK is None
        assert chroma.dtype == torch.float32
        assert chroma.shape == (6, 2, 16 // stride, 16 // stride)
        levels = torch.round((batch.input_N1HW[:, 0] + 0.5) * 255).long()
        column = (levels // 8)[:, stride // 2 :: stride, stride // 2 :: stride]
        stored = torch.round(chroma.double() * CHROMA_LEVELS).long()
        k = stored[:, 0] % 1000
        row = (stored[:, 0] - k) // 1000
        # Beyond the photo's right edge a flipped crop repeats its last pixel, which is no target.
        assert torch.equal(-stored[:, 1], 1000 * column + k)
        inside = (row >= 2) & (row < 2 + 27) & (column >= 1) & (column < 1 + 29)
        assert torch.equal(mask, inside)
        assert (row.diff(dim=1) == stride).all()
        flipped |= set((column[:, 0, 1] < column[:, 0, 0]).tolist())
        cropped |= set(row[:, 0, 0].tolist())
        assert sorted(k[:, 0, 0].tolist()) == list(range(6))
    assert flipped == {True, False}
    assert len(cropped) > 2


def shown(batch: Batch) -> list[bytes]:
    """Each picture of a batch, with its targets."""
    index = batch.targets.index_NhwK
    assert index is not None
    return [one.numpy().tobytes() + two.numpy().tobytes() for one, two in zip(
        batch.input_N1HW, index, strict=True
    )]  # fmt: skip


@pytest.mark.parametrize("size", [4, 7, 9])
@pytest.mark.parametrize("first", [0, 5])
def test_an_epoch_shows_each_of_seven_variants_of_each_photo_once(
    targets: Path, size: int, first: int
) -> None:
    """And the same ones in the next, from whatever step a run goes on."""
    made = batches(targets, SEVEN, size=size)
    assert made.epoch == 56
    stream = [each for step in range(first, 60) for each in shown(made.train(step))]
    start = -(first * size) % 56
    epochs = [stream[at : at + 56] for at in range(start, len(stream) - 55, 56)]
    assert len(epochs) >= 2
    assert all(len(set(epoch)) == 56 for epoch in epochs)
    assert all(set(epoch) == set(epochs[0]) for epoch in epochs)
    assert epochs[0] != epochs[1]
    photos = [row for step in range(14) for row in batches(targets, SEVEN, size=4).rows(step)]
    assert set(np.bincount(photos)[:8].tolist()) == {7}


def test_variants_have_one_change_each(targets: Path) -> None:
    shards = ShardSet.open(targets / "shards")
    made, rows = batches(targets, SEVEN, size=7), shards.rows("train")
    originals = dict(zip(rows.tolist(), made.unaugmented(rows).input_N1HW[:, 0], strict=True))
    kinds = []
    for step in range(8):
        for row, picture in zip(made.rows(step), made.train(step).input_N1HW[:, 0], strict=True):
            original = originals[row]
            flipped = original.flip(1)
            black = picture == picture.min()
            if torch.equal(picture, original):
                kinds.append("itself")
            elif torch.equal(picture, flipped):
                kinds.append("flip")
            elif torch.equal(picture[~black], original[~black]) and black.sum() > 300:
                kinds.append("crop")
            elif 0 < float((picture - original).std()) < 4e-4:
                kinds.append("noise")
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "itself": 8, "flip": 8, "crop": 16, "noise": 24,
    }  # fmt: skip


def write_bright(folder: Path) -> Path:
    """Photos of 28 x 20 pixels, all of level 200, in padding of level 0."""
    box = np.array([2, 6, 28, 20], np.int16)
    levels, index = np.zeros((32, 32), np.uint8), np.zeros((32, 32, 1), np.uint8)
    levels[2:30, 6:26], index[2:30, 6:26] = 200, 1
    arrays = {"lightness": levels, "index": index, "box": box}
    columns = [Column(name, str(array.dtype), array.shape) for name, array in arrays.items()]
    (folder / "shards").mkdir(parents=True)
    write_shard(folder / "shards", "00000", columns, [(f"p{k}", "train", arrays) for k in range(4)])
    meta = {"quantizer": "toy", "space": "yuv", "encode": {}, "bins": 4}
    meta |= {"size": 32, "stride": 1, "mass": [1] * 4}
    write_index(folder / "shards", "targets", columns, ["00000"], meta)
    return folder


@pytest.mark.parametrize(
    "geometry",
    [
        GeometryParams(fit="inside"),
        GeometryParams(fit="inside", side=30),
        GeometryParams(fit="stretch"),
        GeometryParams(fit="stretch", side=24),
    ],
)
@pytest.mark.parametrize("crop", [16, 24])
def test_no_padding_is_shown_where_the_geometry_has_none(
    tmp_path: Path, geometry: GeometryParams, crop: int
) -> None:
    made = batches(write_bright(tmp_path), AugmentationParams(crop=crop), geometry=geometry)
    shown = [made.train(step) for step in range(6)]
    assert {batch.input_N1HW.shape[-1] for batch in shown} == {crop}
    for batch in (*shown, made.unaugmented(np.array([0, 1])), made.first(3)):
        assert (batch.input_N1HW == batch.input_N1HW.max()).all()
        assert batch.targets.mask_Nhw.all()
        assert batch.targets.index_NhwK is not None
        assert (batch.targets.index_NhwK == 1).all()


def test_whole_photos_have_the_stored_chroma(tmp_path: Path) -> None:
    folder = write_chroma(tmp_path, 4)
    batch = batches(folder).unaugmented(np.array([4, 1]))
    assert batch.targets.chroma_N2hw is not None
    stored = ShardSet.open(folder / "shards").take("chroma", [4, 1])
    expected = (stored / CHROMA_LEVELS).astype(np.float32)
    np.testing.assert_allclose(batch.targets.chroma_N2hw.numpy(), expected, rtol=1e-6)


def test_the_first_photos_are_those_of_the_first_epoch(targets: Path) -> None:
    made = batches(targets, AugmentationParams(flip=False), size=3)
    first = made.first(3).input_N1HW
    seen = made.train(0).input_N1HW

    def keys(x: torch.Tensor) -> list[float]:
        return sorted(x.flatten(1).double().std(dim=1).tolist())

    assert keys(first) == keys(seen)
    assert len(made.first(100).input_N1HW) == 8
    assert torch.equal(batches(targets, size=1).first(3).input_N1HW, first)


def test_the_first_photos_of_a_sevenfold_set_are_different_ones(targets: Path) -> None:
    made = batches(targets, SEVEN, size=4)
    assert len(set(shown(made.first(5)))) == 5
    assert len(set(shown(made.first(100)))) == 8
    first = set(shown(made.first(3)))
    assert first == set(shown(made.unaugmented(_first_seen(made, 3))))


def _first_seen(made: Batches, count: int) -> np.ndarray:
    rows = np.concatenate([made.rows(step) for step in range(14)])
    return np.array(list(dict.fromkeys(rows.tolist()))[:count])


def test_photos_read_elsewhere_make_the_same_batch(targets: Path) -> None:
    """Copies in one array do as well as views of the memory maps."""
    shards = ShardSet.open(targets / "shards")
    made = batches(targets, AugmentationParams(crop=16, noise=(0.01,)))
    stored = {column: shards.take(column, made.rows(4)) for column in shards.columns}
    first, second = made.assemble(stored, 4), made.train(4)
    assert torch.equal(first.input_N1HW, second.input_N1HW)
    assert torch.equal(first.targets.index_NhwK, second.targets.index_NhwK)
    assert torch.equal(first.targets.mask_Nhw, second.targets.mask_Nhw)


BENT = AugmentationParams(
    crop=16,
    noise=(0.0, 0.01, 0.02),
    area=(0.3, 1.0),
    lightness=LightnessParams(share=0.5),
    crop_shares=(),
)


@pytest.mark.parametrize("params", [SEVEN, BENT], ids=["single", "together"])
@pytest.mark.parametrize("ends", [(0, 5, 7), (0, 1, 3, 5, 7), tuple(range(8))])
@pytest.mark.parametrize(("positions", "window"), [(None, None), (0.25, None), (None, 1)])
def test_parts_of_a_batch_are_those_of_the_whole(
    targets: Path,
    params: AugmentationParams,
    ends: tuple[int, ...],
    positions: float | None,
    window: int | None,
) -> None:
    """To the bit, whatever the number of processes: noise, places and curves are a photo's own."""
    geometry = PADDED if params is SEVEN else GeometryParams(fit="inside")
    make = partial(
        *(batches, targets, params, 7), geometry=geometry, positions=positions, window=window
    )
    whole, parts = make(), [make(part=slice(*pair)) for pair in pairwise(ends)]
    for step in (0, 9):
        expected, found = whole.train(step), [made.train(step) for made in parts]
        assert torch.equal(torch.cat([each.input_N1HW for each in found]), expected.input_N1HW)
        for name in ("mask_Nhw", "index_NhwK"):
            own = torch.cat([getattr(each.targets, name) for each in found])
            assert torch.equal(own, getattr(expected.targets, name))
        for each in found:
            assert torch.equal(each.targets.batch_Mhw, expected.targets.mask_Nhw)
        if positions is not None:
            at = torch.cat([x.positions_NP for x in found if x.positions_NP is not None])
            assert torch.equal(at, expected.positions_NP)
