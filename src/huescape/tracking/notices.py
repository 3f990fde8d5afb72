"""What tracking says: a few lines on standard error, above a progress bar, and its own errors."""

from __future__ import annotations

import sys

from tqdm import tqdm

from huescape.base.errors import one_line
from huescape.base.masking import mask


class Outage(Exception):
    """The store cannot be reached or written now; the message says why in one line."""


class Unusable(Exception):
    """What is set can never work; the message says what to change."""


def say(text: str) -> None:
    """Print one line; secrets are masked, and line breaks shown as escapes."""
    tqdm.write(one_line(mask(text)), file=sys.stderr)


def warn(text: str) -> None:
    """Print one line that says what is not tracked."""
    say(f"huescape: warning: {text}")


def cause(error: BaseException) -> str:
    """What is at the bottom of `error`, in at most 160 characters of one line.

    MLflow wraps a refused connection three times; the innermost exception is the readable one.
    """
    seen = {id(error)}
    while (inner := error.__cause__ or error.__context__) is not None and id(inner) not in seen:
        seen.add(id(inner))
        error = inner
    lines = str(error).strip().splitlines()
    # Masked before it is cut: half an address is not known as one.
    text = mask(" ".join(lines[0].split())) if lines else type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
