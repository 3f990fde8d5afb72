"""The two ways to smooth a prior, through the stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from huescape.base.arrays import write_arrays
from huescape.color.bins import gamut_centers
from huescape.color.priors import rebalancing_weights, smooth_prior, smooth_prior_by_index
from huescape.params.quantizers import PriorParams
from huescape.shards import Column, write_index, write_shard
from huescape.stages import prior

CENTERS = gamut_centers("lab", 20.0)


@pytest.fixture
def counted(tmp_path: Path) -> tuple[Path, Path, np.ndarray]:
    """Bins, target shards whose index counts them, and the counts."""
    mass = np.random.default_rng(0).integers(0, 1000, len(CENTERS)).astype(float)
    mass[3:9] = 0
    write_arrays(tmp_path / "bins.npz", centers=CENTERS)
    columns = [Column("index", "uint16", (1,))]
    write_shard(
        tmp_path / "shards",
        "00000",
        columns,
        [("a", "train", {"index": np.zeros(1, np.uint16)})],
    )
    meta = {"mass": mass.astype(int).tolist(), "encode": {"method": "hard", "stride": 1}}
    write_index(tmp_path / "shards", "targets", columns, ["00000"], meta)
    return tmp_path / "bins.npz", tmp_path / "shards", mass / mass.sum()


@pytest.mark.parametrize(("given", "smoothing"), [({}, "plane"), ({"smoothing": "index"}, "index")])
def test_smoothing_by_name(
    counted: tuple[Path, Path, np.ndarray], tmp_path: Path, given: dict[str, str], smoothing: str
) -> None:
    bins, shards, empirical = counted
    params = PriorParams.model_validate({**given, "sigma": 2.5, "lambda": 0.5})
    prior.run(bins, shards, tmp_path / "p.npz", tmp_path / "p.png", "lab", params)
    stored = np.load(tmp_path / "p.npz")
    by_plane = smooth_prior(empirical, CENTERS, 2.5)
    by_index = smooth_prior_by_index(empirical, 2.5)
    assert not np.allclose(by_plane, by_index)
    expected = by_index if smoothing == "index" else by_plane
    np.testing.assert_array_equal(stored["smoothed"], expected)
    np.testing.assert_array_equal(stored["weights"], rebalancing_weights(expected, 0.5)[0])


def test_another_smoothing_is_refused() -> None:
    with pytest.raises(ValueError, match="plane"):
        PriorParams.model_validate({"smoothing": "bins"})
