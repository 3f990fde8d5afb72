"""Bits and calibration of systems over stored photos."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from huescape.evaluation.distributions import Distributions, distributions
from huescape.evaluation.passes import see
from huescape.params.reports import EvaluateParams
from huescape.params.systems import Fit, GeometryParams
from huescape.shards import Column, ShardSet, write_index, write_shard
from huescape.stages.evaluate import run
from huescape.systems.system import System, load_system

KEYS = {"bits", "ece", "positions", "prior_bits", "temperature", "bits_fitted", "ece_fitted"}
PARAMS = EvaluateParams(macro_pixels=10, macro_photos=2, pictures=0)


def fitting(system: System, fit: Fit) -> System:
    """As if it had been trained with this geometry."""
    params = system.params.model_copy(update={"geometry": GeometryParams(fit=fit)})
    return replace(system, params=params)


def plain_bits(system: System, photos: ShardSet, split: str) -> tuple[float, int]:
    """Photo by photo and position by position, from the definition."""
    space, stride = system.space, system.network.stride
    bits: list[float] = []
    for row in photos.rows(split):
        rgb_SS3, (top, left, height, width) = (photos.take(c, [row])[0] for c in ("rgb", "box"))
        shown = rgb_SS3
        if system.params.geometry.fit != "pad":
            shown = rgb_SS3[top : top + height, left : left + width]
            top = left = 0
        lightness_HW = space.from_rgb(shown)[..., 0]
        seen_11HW = torch.from_numpy(lightness_HW.copy())[None, None]
        logits_Qhw = system.predict(system.normalize(seen_11HW))[0].double().numpy()
        chroma_HW2 = space.from_rgb(shown)[..., 1:].astype(np.float64)
        for y in range(stride // 2, shown.shape[0], stride):
            for x in range(stride // 2, shown.shape[1], stride):
                if not (top <= y < top + height and left <= x < left + width):
                    continue
                true = np.linalg.norm(system.centers - chroma_HW2[y, x], axis=1).argmin()
                z = logits_Qhw[:, y // stride, x // stride]
                bits.append((np.log(np.exp(z - z.max()).sum()) + z.max() - z[true]) / math.log(2))
    return sum(bits) / len(bits), len(bits)


@pytest.mark.parametrize("fit", ["pad", "inside"])
@pytest.mark.parametrize("model", ["lab", "yuv", "strided"])
def test_bits_are_those_of_the_definition(inputs: Any, model: str, fit: Fit) -> None:
    photos = ShardSet.open(inputs.resized)
    system = fitting(load_system(inputs.models / model), fit)
    found = Distributions(system, None)
    for seen in see(system, photos, photos.rows("test")):
        found.add(seen.photo, found.of(seen))
    record = found.record()
    bits, positions = plain_bits(system, photos, "test")
    assert record["positions"] == positions
    assert record["bits"] == pytest.approx(bits, abs=1e-4)
    assert record["temperature"] is record["bits_fitted"] is record["ece_fitted"] is None
    assert len(record["reliability"]) == 15
    assert record["reliability_fitted"] is None
    assert sum(row["count"] for row in record["reliability"]) == positions


@pytest.mark.parametrize("model", ["lab", "yuv"])
def test_histograms_of_bins_are_those_of_a_plain_loop(inputs: Any, model: str) -> None:
    photos = ShardSet.open(inputs.resized)
    system = load_system(inputs.models / model)
    found = Distributions(system, None)
    true, likeliest, mass = np.zeros((3, len(system.centers)))
    for seen in see(system, photos, photos.rows("test")):
        found.add(seen.photo, found.of(seen))
        chroma_HW2 = system.space.from_rgb(seen.rgb_HW3)[..., 1:]
        q_Qhw = seen.output_Chw.softmax(dim=0).numpy()
        for row, column in np.ndindex(q_Qhw.shape[1:]):
            y, x = (k * system.network.stride + system.network.stride // 2 for k in (row, column))
            if seen.own.holds(np.array([y]), np.array([x]))[0, 0]:
                true[np.linalg.norm(system.centers - chroma_HW2[y, x], axis=1).argmin()] += 1
                likeliest[int(seen.output_Chw[:, row, column].argmax())] += 1
                mass += q_Qhw[:, row, column]
    shares = found.bins()
    for key, counted in (("true", true), ("likeliest", likeliest), ("mean", mass)):
        # A few colors lie between two bins, where rounding decides.
        tolerance = 1e-3 if key == "true" else 1e-6
        assert shares[key] == pytest.approx(counted / true.sum(), abs=tolerance)
        assert shares[key].sum() == pytest.approx(1, abs=1e-6)


def test_the_stage_records_them(inputs: Any, tmp_path: Path) -> None:
    files = inputs.resized, inputs.bins, inputs.prior, tmp_path / "yuv.json", tmp_path / "yuv"
    run(inputs.models / "yuv", *files, PARAMS)
    record = json.loads((tmp_path / "yuv/scores.json").read_text())
    found = record["distribution"]
    assert set(found) == {*KEYS, "reliability", "reliability_fitted"}
    for key in ("reliability", "reliability_fitted"):
        assert sum(row["count"] for row in found[key]) == found["positions"]
    assert found["bits"] == record["bits_per_pixel"]
    assert found["ece_fitted"] == record["calibration_error"]
    assert all(isinstance(found[key], int | float) for key in KEYS)
    # Fresh weights know nothing: about as many bits as bins have, and the prior is even.
    assert found["prior_bits"] == pytest.approx(math.log2(25), abs=1e-5)
    assert found["bits"] == pytest.approx(math.log2(25), abs=1)
    headline = json.loads((tmp_path / "yuv.json").read_text())
    assert headline["bits_per_pixel"] == found["bits"]


def test_a_regression_has_none(inputs: Any, tmp_path: Path) -> None:
    files = inputs.resized, inputs.bins, inputs.prior, tmp_path / "a.json", tmp_path / "a"
    run(inputs.models / "regression", *files, PARAMS)
    record = json.loads((tmp_path / "a/scores.json").read_text())
    assert record["distribution"] is record["bits_per_pixel"] is record["calibration_error"] is None


def test_without_validation_photos_no_temperature_is_fitted(
    inputs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = [Column("rgb", "uint8", (32, 32, 3)), Column("box", "int16", (4,))]
    row = {"rgb": np.zeros((32, 32, 3), np.uint8), "box": np.array([0, 0, 32, 32], np.int16)}
    write_shard(tmp_path, "00000", columns, [("a", "train", row), ("b", "test", row)])
    write_index(tmp_path, "photos", columns, ["00000"], {"size": 32})
    found = distributions(load_system(inputs.models / "yuv"), ShardSet.open(tmp_path))
    assert found is not None
    assert found.record()["temperature"] is None
    assert "no photo of the split val, so no temperature is fitted" in capsys.readouterr().out


def test_the_temperature_comes_from_the_validation_photos_alone(inputs: Any) -> None:
    photos = ShardSet.open(inputs.resized)
    system = load_system(inputs.models / "yuv")
    first, second = (distributions(system, photos) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.record() == second.record()
    assert first.record()["positions"] == 0
    assert first.record()["temperature"] > 0
