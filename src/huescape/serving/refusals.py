"""What the server does not do, as a status and one line that a person can read."""

from __future__ import annotations

import math

from fastapi.responses import JSONResponse

from huescape.base.errors import HuescapeError
from huescape.photos import PhotoError

_PHOTO = {
    "too_large": (413, "the photo is too large"),
    "unsupported": (415, "this kind of file is not read"),
    "undecodable": (400, "the file is not a photo, or damaged"),
}


class Refusal(HuescapeError):
    """A request is not answered with what it asked for.

    Attributes:
        status: of HTTP, from 400.
        retry_after: seconds after which the same request may be answered; None where it never is.
    """

    def __init__(self, status: int, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


def of_photo(error: PhotoError) -> Refusal:
    """The refusal of a file that cannot be read, with the decoder's reason."""
    status, words = _PHOTO[error.reason]
    return Refusal(status, ": ".join(filter(None, [words, error.detail])))


def answer(refusal: Refusal) -> JSONResponse:
    """`{"error": one line}`, with Retry-After in whole seconds where there is a later."""
    later = refusal.retry_after
    headers = {} if later is None else {"Retry-After": str(max(1, math.ceil(later)))}
    return JSONResponse({"error": str(refusal)}, refusal.status, headers)
