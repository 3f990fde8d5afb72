"""What decodings are called, and what they are by default."""

from __future__ import annotations

from itertools import combinations
from typing import Any, get_args

import pytest

from huescape.params.decodings import ANNEALED, Decoding, Method, annealed_rising


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "annealed T=0.38"),
        ({"temperature": 1.0}, "annealed T=1"),
        ({"temperature": 5e-5}, "annealed T=5e-05"),
        ({"temperature": 0.1234567}, "annealed T=0.1234567"),
        ({"tau": 0.25}, "annealed T=0.38 tau=0.25"),
        ({"method": "median"}, "median"),
        ({"method": "median", "tau": 0.4}, "median tau=0.4"),
        ({"method": "median", "tau": 1.0, "temperature": 0.5}, "median T=0.5 tau=1"),
        ({"method": "mode"}, "mode"),
        ({"method": "mode", "temperature": 0.5}, "mode"),
        ({"method": "mode", "temperature": 0.5, "tau": 0.1}, "mode T=0.5 tau=0.1"),
        ({"method": "diffuse"}, "diffuse"),
        ({"method": "diffuse", "tau": 0.2, "temperature": 0.5}, "diffuse T=0.5 tau=0.2"),
    ],
)
def test_names(values: dict[str, Any], name: str) -> None:
    assert Decoding.model_validate(values).name == name


def test_only_equal_decodings_share_a_name() -> None:
    """The temperature of a mode without a prior changes nothing: those are equal."""
    numbers = (0.1, 0.1000001, 0.5, 1.0)
    made = [
        Decoding(method=method, tau=tau, temperature=temperature)
        for method in get_args(Method)
        for tau in (0.0, *numbers)
        for temperature in numbers
    ]
    for one, two in combinations(made, 2):
        both_plain_modes = one.method == two.method == "mode" and one.tau == two.tau == 0
        assert (one.name == two.name) == both_plain_modes


def test_defaults_are_the_published_ones() -> None:
    assert Decoding() == ANNEALED
    assert (ANNEALED.method, ANNEALED.tau, ANNEALED.temperature) == ("annealed", 0.0, 0.38)
    others = [Decoding(method=method) for method in get_args(Method) if method != "annealed"]
    assert [one.temperature for one in others] == [1.0] * len(others)


def test_annealed_means_by_rising_temperature() -> None:
    names = ["median", "annealed T=1", "annealed T=5e-05", "annealed T=0.38 tau=0.1", "gray"]
    assert annealed_rising([*names, "annealed T=0.2", "mode"]) == [
        *("annealed T=5e-05", "annealed T=0.2", "annealed T=1"),
    ]
