"""What is given on a command line: an empty word is a variable that was not set.

`Path("")` is the current folder, and no name of a model is the usual one: neither was asked for.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path


def given(text: str) -> str:
    """The word itself; ArgumentTypeError for an empty one."""
    if not text:
        raise ArgumentTypeError("is empty; allowed: a name, or . for the current folder")
    return text


def given_path(text: str) -> Path:
    """The path that a word is; ArgumentTypeError for an empty one."""
    return Path(given(text))
