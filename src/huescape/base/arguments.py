"""What people give, on a command line and in a call, before anything is done with it.

An empty word of a command line is a variable that was not set: `Path("")` is the current folder,
and no name of a model is the usual one, neither of which was asked for.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from numbers import Real
from pathlib import Path
from typing import TypeGuard


def given(text: str) -> str:
    """The word itself; ArgumentTypeError for an empty one."""
    if not text:
        raise ArgumentTypeError("is empty; allowed: a name, or . for the current folder")
    return text


def given_path(text: str) -> Path:
    """The path that a word is; ArgumentTypeError for an empty one."""
    return Path(given(text))


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is an integer or a float, of Python or NumPy; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)
