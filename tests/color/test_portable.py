"""Cube root and exponential against the C library's in float64."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from huescape.color.portable import cube_root, exp_negative


@pytest.mark.parametrize(("dtype", "units"), [(np.float32, 2), (np.float64, 4)])
def test_cube_root_is_within_a_few_units_in_the_last_place(dtype: type, units: int) -> None:
    x = np.concatenate([np.geomspace(1e-6, 1e6, 200_001), np.linspace(0.008, 1.1, 100_001)])
    x = x.astype(dtype)
    error = np.abs(cube_root(x).astype(np.float64) / np.cbrt(x.astype(np.float64)) - 1)
    assert cube_root(x).dtype == dtype
    assert error.max() < units * np.finfo(dtype).eps


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 3e-7), (np.float64, 1e-15)])
def test_exp_negative_over_the_whole_range(dtype: type, tolerance: float) -> None:
    x = -np.concatenate([[0.0], np.geomspace(1e-9, 86, 200_001)]).astype(dtype)
    truth = np.exp(x.astype(np.float64))
    assert np.abs(exp_negative(x) / truth - 1).max() < tolerance
    assert exp_negative(x[:1])[0] == 1


def test_exp_negative_far_below_the_range_is_zero() -> None:
    assert exp_negative(np.array([-710.0, -1e6, -1e300])).tolist() == [0, 0, 0]
    assert exp_negative(np.array([-90, -1e6], np.float32)).tolist() == [0, 0]


_BYTES_OF_EVERYTHING_STORED = """
import hashlib
import numpy as np
from huescape.color import bins, cells, encoding, priors, spaces

rgb = np.random.default_rng(0).integers(0, 256, (100_003, 3), dtype=np.uint8)
digest = hashlib.sha256()
lab, yuv = spaces.rgb_to_lab(rgb), spaces.rgb_to_yuv(rgb)
centers = bins.gamut_centers()
histogram = bins.CellHistogram(((-0.45, 0.45), (-0.65, 0.65)), 10).add(yuv[:, 1:])
frequent = histogram.frequent(32)
index, weight = encoding.soft_encode(lab[:, 1:], centers)
more = encoding.soft_encode(lab[:5000, 1:], centers, 10)
mass = encoding.BinMass(313).add(index, weight).mass
smoothed = priors.smooth_prior(mass, centers, 5.0)
weights, _ = priors.rebalancing_weights(smoothed, 0.5)
hard = encoding.nearest_bin(yuv[:, 1:], frequent.centers)
cell = cells.cell_bin(yuv[:, 1:], frequent.centers, histogram.borders, frequent.cells)
levels = spaces.SPACES["lab"].lightness_to_uint8(lab[:, 0])
for array in (lab, yuv, centers, frequent.centers, index, weight, *more, mass, smoothed, weights,
              hard, cell, levels):
    digest.update(np.ascontiguousarray(array).tobytes())
print(digest.hexdigest())
"""


def test_a_processor_with_fewer_instructions_writes_the_same_bytes(tmp_path: Path) -> None:
    """NumPy can be told to leave out its vectorized loops, Numba to compile for an older one."""
    dispatched = [
        feature
        for feature in np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
        if np._core._multiarray_umath.__cpu_features__.get(feature)
    ]
    older = {"NPY_DISABLE_CPU_FEATURES": " ".join(dispatched), "NUMBA_CPU_NAME": "generic"}
    digests = set()
    for changes in ({}, older):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), **changes}
        command = [sys.executable, "-W", "ignore", "-c", _BYTES_OF_EVERYTHING_STORED]
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        digests.add(result.stdout)
    assert len(digests) == 1
