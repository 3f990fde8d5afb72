"""Nearest photos against a search one by one."""

from __future__ import annotations

import numpy as np
import pytest

from huescape.perception import nearest as module
from huescape.perception.nearest import BY, Marks, nearest, unit


def marks(count: int, seed: int) -> Marks:
    rng = np.random.default_rng(seed)
    color, gray = (unit(rng.uniform(size=(count, 5))) for _ in range(2))
    return Marks(rng.integers(0, 1 << 16, count, dtype=np.uint64), color, gray)


def likeness(one: Marks, i: int, other: Marks, j: int) -> dict[str, float]:
    bits = bin(int(one.hash_N[i]) ^ int(other.hash_N[j])).count("1")
    color, gray = one.color_NF[i] @ other.color_NF[j], one.gray_NF[i] @ other.gray_NF[j]
    return {"hash": -bits, "color": float(color), "gray": float(gray)}


@pytest.mark.parametrize("block", [4, 256])
@pytest.mark.parametrize("among", [False, True])
def test_against_a_loop(monkeypatch: pytest.MonkeyPatch, block: int, among: bool) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    training = marks(23, 1)
    photos = training.some(np.arange(9)) if among else marks(9, 2)
    found = nearest(photos, training, among=among)
    assert tuple(found) == BY
    for i in range(9):
        all_of = {j: likeness(photos, i, training, j) for j in range(23) if not (among and j == i)}
        for by in BY:
            best = max(all_of, key=lambda j: (all_of[j][by], -j))
            assert found[by].place_N[i] == best
            assert found[by].hamming_N[i] == -all_of[best]["hash"]
            assert found[by].color_N[i] == pytest.approx(all_of[best]["color"], abs=1e-6)
            assert found[by].gray_N[i] == pytest.approx(all_of[best]["gray"], abs=1e-6)


def test_unit_features() -> None:
    scaled = unit(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(scaled, [[0.6, 0.8], [0.0, 0.0]], rtol=1e-6)
