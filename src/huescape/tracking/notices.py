"""What tracking says: a few lines on standard error, above a progress bar, and its own errors."""

from __future__ import annotations

import re
import sys

from tqdm import tqdm

from huescape.base.errors import one_line
from huescape.base.masking import mask

_LOGIN = (
    "it wants a login, or refuses this one (401): set MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD"
)
_PERMISSION = (
    "the user of MLFLOW_TRACKING_USERNAME is refused {} (403): an admin of the server lets users "
    "EDIT experiments and registered models"
)
#: As MLflow names what servers answer; requests has the code of the answer.
_STATUS = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403}
_ENDPOINT = re.compile(r"/api/\d\.0/(?:mlflow/)?([\w-]+/[\w-]+)")


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
    Where a server refuses who asks, what to set; never who that is: a name may be a token.
    """
    chain = _chain(error)
    if refused := next(filter(None, map(_refusal, chain)), None):
        return refused
    error = chain[-1]
    lines = str(error).strip().splitlines()
    # Masked before it is cut: half an address is not known as one.
    text = mask(" ".join(lines[0].split())) if lines else type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."


def _chain(error: BaseException) -> list[BaseException]:
    """An exception and what it was raised for, to the bottom."""
    chain = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None:
        if inner in chain:
            break
        chain.append(inner)
    return chain


def _refusal(error: BaseException) -> str:
    """What to say of a server of MLflow that wants to know who asks, or refuses it; else nothing.

    Other refusals say themselves what is wrong: those of a store of files, of a name of a host that
    is not allowed, of a server that answers in JSON.
    """
    text = str(error)
    asked = _ENDPOINT.search(text)
    answer = getattr(error, "response", None)
    status = getattr(answer, "status_code", _STATUS.get(str(getattr(error, "error_code", ""))))
    if asked and status == 401:
        return _LOGIN
    if asked and status == 403 and "permission denied" in text.lower():
        return _PERMISSION.format(asked[1])
    return ""
