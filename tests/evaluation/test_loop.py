"""The loop over the test photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huescape.base.boxes import Box
from huescape.base.errors import HuescapeError
from huescape.coloring.painting import colorize
from huescape.evaluation import loop, passes, shares
from huescape.evaluation.loop import Evaluation, Shown, evaluate
from huescape.evaluation.passes import example_ids
from huescape.evaluation.scoring import Reference, read_reference
from huescape.metrics.names import BASELINES
from huescape.metrics.totals import Rules
from huescape.params.decodings import Decoding
from huescape.params.systems import Fit, GeometryParams
from huescape.shards import Column, ShardSet, write_index, write_shard
from huescape.systems.system import System, load_system

DECODES = {
    "mean": Decoding(temperature=1.0),
    "cold": Decoding(temperature=0.2),
    "median": Decoding(method="median", tau=0.4),
    "mode": Decoding(method="mode"),
    "diffuse": Decoding(method="diffuse", tau=0.2),
}
TEST_IDS = ["made/1", "made/3", "made/5", "made/7", "made/8"]


def result(
    inputs: Any, photos: ShardSet, space: str = "yuv", pictures: int = 2, fit: Fit = "pad"
) -> Evaluation:
    reference: Reference = read_reference(inputs.bins, inputs.prior)
    rules = Rules(reference.weight_Q, 1, 1)
    system = fitting(load_system(inputs.models / space), fit)
    shown = Shown(next(iter(DECODES)), pictures, extremes=3)
    return evaluate(system, photos, reference, rules, DECODES, shown)


def fitting(system: System, fit: Fit) -> System:
    """As if it had been trained with this geometry."""
    params = system.params.model_copy(update={"geometry": GeometryParams(fit=fit)})
    return replace(system, params=params)


def test_counts_the_test_photos_only(inputs: Any) -> None:
    found = result(inputs, ShardSet.open(inputs.resized))
    assert found.ids == TEST_IDS
    assert set(found.totals) == {*DECODES, *BASELINES}
    coverage = found.totals["gray"].coverage()
    assert coverage["photos"] == 5
    # Padding is not scored: the boxes of photos 1, 3, 5, 7 and 8.
    assert coverage["pixels"] == 24 * 32 + 8 * 32 + 24 * 32 + 8 * 32 + 32 * 32
    assert set(found.examples) == set(example_ids(TEST_IDS, 2))
    for pictures in found.examples.values():
        assert set(pictures) == set(found.totals)


def test_the_best_and_the_worst_are_kept_with_their_pictures(inputs: Any) -> None:
    found = result(inputs, ShardSet.open(inputs.resized))
    headline = next(iter(DECODES))
    scores = {
        photo: row["auc"]
        for photo, row in zip(found.ids, found.totals[headline].photos, strict=True)
    }
    rising = sorted(found.ids, key=lambda photo: (scores[photo], photo))
    assert [one.photo for one in found.extremes.worst] == rising[:3]
    assert [one.photo for one in found.extremes.best] == rising[:1:-1]
    for one in (*found.extremes.worst, *found.extremes.best):
        assert set(one.pictures) == {headline, "ground_truth"}
        assert one.score == scores[one.photo]


def test_how_sure_it_is_of_the_shown_photos(inputs: Any) -> None:
    photos = ShardSet.open(inputs.resized)
    found = result(inputs, photos)
    assert set(found.confidence) == set(found.examples)
    stride = load_system(inputs.models / "yuv").network.stride
    for photo, sure in found.confidence.items():
        height, width = found.examples[photo]["gray"].shape[:2]
        assert sure.top_hw.shape == (-(-height // stride), -(-width // stride))
        assert ((sure.top_hw > 0) & (sure.top_hw <= 1)).all()
        assert (sure.ratio_hw >= 1).all()
    assert not result(inputs, photos, "regression").confidence


def test_validation_photos_are_scored_on_demand(inputs: Any) -> None:
    photos = ShardSet.open(inputs.resized)
    reference = read_reference(inputs.bins, inputs.prior)
    rules, system = Rules(reference.weight_Q, 1, 1), load_system(inputs.models / "yuv")
    found = evaluate(system, photos, reference, rules, DECODES, Shown("mode", 1), "val")
    assert found.ids == [photos.ids[row] for row in photos.rows("val")]
    assert found.ids
    assert not set(found.ids) & set(TEST_IDS)


def test_donated_colors_are_those_of_training_photos(inputs: Any) -> None:
    photos = ShardSet.open(inputs.resized)
    training = {
        passes.inside(rgb, Box.of(box)).tobytes()
        for rgb, box in zip(
            photos.take("rgb", photos.rows("train")),
            photos.take("box", photos.rows("train")),
            strict=True,
        )
    }
    system = load_system(inputs.models / "yuv")
    work = shares.pieces(photos.rows("test"), 32, 1)
    tasks = list(
        loop._tasks(system, loop._seen(system, photos, work, photos), DECODES, "mode", [], None)
    )
    assert [task.photo for task in tasks] == TEST_IDS
    assert {task.donor_HW3.tobytes() for task in tasks} <= training


@pytest.mark.parametrize("fit", ["pad", "inside"])
@pytest.mark.parametrize("space", ["lab", "yuv"])
def test_batches_and_threads_change_nothing(
    inputs: Any, space: str, fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = ShardSet.open(inputs.resized)
    monkeypatch.setenv("HUESCAPE_WORKERS", "4")
    many = result(inputs, photos, space, fit=fit)
    monkeypatch.setenv("HUESCAPE_WORKERS", "1")
    monkeypatch.setattr(passes, "_BATCH_PIXELS", 1)
    one = result(inputs, photos, space, fit=fit)
    assert many.ids == one.ids
    for name in many.totals:
        assert many.totals[name].scores() == pytest.approx(one.totals[name].scores(), abs=1e-6)
        assert many.totals[name].photos[0] == pytest.approx(one.totals[name].photos[0], abs=1e-6)


def test_padding_is_never_scored(inputs: Any, tmp_path: Path) -> None:
    """Baselines do not see the network, so other padding must not move them at all.

    Nor a network that sees the photo alone.
    """
    photos = ShardSet.open(inputs.resized)
    rows = np.arange(photos.count)
    rgb, boxes = photos.take("rgb", rows), photos.take("box", rows)
    for picture, (top, left, height, width) in zip(rgb, boxes, strict=True):
        outside = np.ones(picture.shape[:2], bool)
        outside[top : top + height, left : left + width] = False
        picture[outside] = (250, 0, 250)
    columns = [Column("rgb", "uint8", rgb.shape[1:]), Column("box", "int16", (4,))]
    ids = zip(photos.ids, photos.splits, rgb, boxes, strict=True)
    made = [(i, str(s), {"rgb": p, "box": b}) for i, s, p, b in ids]
    write_shard(tmp_path, "00000", columns, made)
    write_index(tmp_path, "photos", columns, ["00000"], {"size": 32})
    black, pink = result(inputs, photos), result(inputs, ShardSet.open(tmp_path))
    for name in BASELINES:
        assert black.totals[name].scores() == pink.totals[name].scores(), name
    assert black.totals["mean"].scores() != pink.totals["mean"].scores()  # the network does see it
    fits: tuple[Fit, ...] = ("inside", "stretch")
    for fit in fits:
        found = [result(inputs, each, fit=fit) for each in (photos, ShardSet.open(tmp_path))]
        assert found[0].totals["mean"].scores() == found[1].totals["mean"].scores()


@pytest.mark.parametrize("fit", ["inside", "stretch"])
@pytest.mark.parametrize("model", ["lab", "yuv", "regression", "regression_yuv", "deep"])
def test_a_photo_has_the_colors_that_colorize_gives_it(inputs: Any, model: str, fit: Fit) -> None:
    photos = ShardSet.open(inputs.resized)
    found = result(inputs, photos, model, pictures=5, fit=fit)
    system = load_system(inputs.models / model)
    for photo, pictures in found.examples.items():
        truth = pictures["ground_truth"]
        for name in ("cold", "median", "diffuse"):
            alone = colorize(system, truth, DECODES[name], edges=False)
            difference = np.abs(pictures[name].astype(int) - alone)
            assert difference.max() <= 1, photo  # a batch rounds floats in another order
            assert (difference > 0).mean() < 0.01


def test_examples_are_the_same_for_every_system_and_count() -> None:
    ids = [f"photo{number}" for number in range(50)]
    assert example_ids(ids, 8) == example_ids(list(reversed(ids)), 8)
    assert example_ids(ids, 8)[:3] == example_ids(ids, 3)
    assert example_ids(ids, 8) != ids[:8]
    assert example_ids(ids[:2], 8) == sorted(ids[:2], key=example_ids(ids[:2], 2).index)


@pytest.mark.parametrize(("split", "other"), [("test", "train"), ("train", "test")])
def test_an_empty_split_is_an_error(inputs: Any, tmp_path: Path, split: str, other: str) -> None:
    columns = [Column("rgb", "uint8", (32, 32, 3)), Column("box", "int16", (4,))]
    row = {"rgb": np.zeros((32, 32, 3), np.uint8), "box": np.array([0, 0, 32, 32], np.int16)}
    write_shard(tmp_path, "00000", columns, [("a", other, row)])
    write_index(tmp_path, "photos", columns, ["00000"], {"size": 32})
    with pytest.raises(HuescapeError, match=f"no photo of the split {split}"):
        result(inputs, ShardSet.open(tmp_path))
