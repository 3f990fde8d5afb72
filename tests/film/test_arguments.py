"""The options of films, and what they refuse."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import pytest

from huescape.base.errors import ParamsError
from huescape.film.arguments import (
    add_film_arguments,
    asked_film_options,
    chosen_smoothing,
    chosen_storing,
)
from huescape.film.settings import Smoothing, Storing


def options(*words: str) -> Namespace:
    parser = ArgumentParser()
    add_film_arguments(parser)
    return parser.parse_args(words)


def test_nothing_asked_is_the_published_kernel() -> None:
    assert chosen_smoothing(options()) == Smoothing(20, 0.2, flow=False)
    assert chosen_storing(options()) == Storing(None)
    assert asked_film_options(options()) == []


def test_what_is_asked_for() -> None:
    assert chosen_smoothing(options("--smoothing", "off")) is None
    assert chosen_smoothing(options("--smoothing-frames", "5")) == Smoothing(5, 0.2)
    asked = options("--smoothing", "flow", "--smoothing-decay", "0.5", "--crf", "30")
    assert chosen_smoothing(asked) == Smoothing(20, 0.5, flow=True)
    assert chosen_storing(asked) == Storing(30)
    assert asked_film_options(asked) == ["--smoothing", "--smoothing-decay", "--crf"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--smoothing-frames", "0"], "--smoothing-frames is 0; allowed: 1 to 1000"),
        (["--smoothing-frames", "1001"], "--smoothing-frames is 1001; allowed: 1 to 1000"),
        (["--smoothing-decay=-0.1"], "--smoothing-decay is -0.1; allowed: a number from 0"),
        (["--smoothing-decay", "nan"], "--smoothing-decay is nan; allowed: a number from 0"),
        (["--smoothing-decay", "inf"], "--smoothing-decay is inf; allowed: a number from 0"),
        (["--smoothing", "flow", "--smoothing-decay", "0"], "allowed with flow: above 0"),
        (["--smoothing", "flow", "--smoothing-frames", "9"], "allowed with --smoothing on alone"),
        (["--smoothing", "off", "--smoothing-decay", "1"], "allowed with --smoothing on or flow"),
    ],
)
def test_numbers_out_of_range(words: list[str], said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        chosen_smoothing(options(*words))


@pytest.mark.parametrize("crf", ["-1", "64"])
def test_a_quality_out_of_range(crf: str) -> None:
    with pytest.raises(ParamsError, match=f"--crf is {crf}; allowed: 0 to 63"):
        chosen_storing(options(f"--crf={crf}"))
