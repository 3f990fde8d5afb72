"""A sweep file by itself: what it expands to, and the one line that refuses a wrong one."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from huescape.base.errors import ParamsError
from huescape.experiments.sweep_file import MOST_POINTS, SweepParams, read_sweep, short_names


def _write(tmp_path: Path, value: Any) -> Path:
    path = tmp_path / "sweep.yaml"
    with path.open("w") as stream:
        YAML(typ="safe", pure=True).dump(value, stream)
    return path


def test_a_grid_is_every_combination_and_its_last_key_varies_fastest(tmp_path: Path) -> None:
    sweep = read_sweep(_write(tmp_path, {"name": "x", "grid": {"a.b": [1, 2], "c": [3, 4]}}))
    assert sweep.expand() == (
        {"a.b": 1, "c": 3},
        {"a.b": 1, "c": 4},
        {"a.b": 2, "c": 3},
        {"a.b": 2, "c": 4},
    )


def test_points_combine_with_the_grid(tmp_path: Path) -> None:
    value = {"name": "x", "points": [{}, {"a": 1, "b": None}], "grid": {"seed": [0, 1]}}
    assert read_sweep(_write(tmp_path, value)).expand() == (
        {"seed": 0},
        {"seed": 1},
        {"a": 1, "b": None, "seed": 0},
        {"a": 1, "b": None, "seed": 1},
    )


@given(
    st.dictionaries(
        st.sampled_from("abcd"),
        st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True),
        min_size=1,
    )
)
def test_the_points_of_a_grid_are_its_product(grid: dict[str, list[int]]) -> None:
    points = SweepParams(name="x", grid=grid).expand()
    assert len(points) == prod(len(values) for values in grid.values())
    assert len({tuple(point.items()) for point in points}) == len(points)
    for key, values in grid.items():
        assert {point[key] for point in points} == set(values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"grid": {}}, ["nothing varies", "a grid"]),
        ({"grid": {"a": []}}, ["grid.a has no values"]),
        ({"grid": {"a": 3}}, ["grid.a is 3", "a list"]),
        ({"grid": {"a": [1, 2, 1]}}, ["grid.a lists 1 twice"]),
        ({"grid": {"a": [{"x": 1, "y": 2}, {"y": 2, "x": 1}]}}, ["grid.a lists", "twice"]),
        ({"grid": {"a": [1], "a.b": [2]}}, ["grid: a.b lies within a"]),
        ({"points": [{"a.b": 1}, {"a.b": 1}], "grid": {}}, ["twice", "each point once"]),
        ({"points": [{"g": 1}]}, ["points.0.g is in the grid as well"]),
        ({"points": [{"g.h": 1}]}, ["points.0: g.h lies within g"]),
        ({"systems": ["a", "a"]}, ['systems lists "a" twice']),
        ({"name": "A b"}, ["name is 'A b'", "matching"]),
        ({"gird": {}}, ["gird: no such key", "grid, name, points, systems"]),
        ({"grid": {k: list(range(10)) for k in "abcd"}}, ["10000 points", str(MOST_POINTS)]),
        ({"grid": {k: list(range(100)) for k in "abcdefghij"}}, ["points", str(MOST_POINTS)]),
    ],
)
def test_a_wrong_file_gets_one_line(
    tmp_path: Path, change: dict[str, Any], words: list[str]
) -> None:
    path = _write(tmp_path, {"name": "x", "grid": {"g": [1]}, **change})
    with pytest.raises(ParamsError) as raised:
        read_sweep(path)
    line = str(raised.value)
    assert line.startswith(str(path))
    assert "\n" not in line
    for word in words:
        assert word in line


def test_keys_are_as_short_as_tells_them_apart() -> None:
    assert list(short_names(["q.lab.prior.lambda", "e.t"]).values()) == ["lambda", "t"]
    assert list(short_names(["s.a.steps", "s.b.steps"]).values()) == ["a.steps", "b.steps"]
    assert list(short_names(["t", "a.t"]).values()) == ["t", "a.t"]
    assert short_names([]) == {}


def test_true_and_one_are_different_values(tmp_path: Path) -> None:
    sweep = read_sweep(_write(tmp_path, {"name": "x", "grid": {"a": [1, True]}}))
    assert len(sweep.expand()) == 2


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="no such file"):
        read_sweep(tmp_path / "none.yaml")
