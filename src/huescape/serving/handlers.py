"""Errors as answers: a refusal for each kind of error that a request may end in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from huescape.serving.refusals import Refusal, answer

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]


def answered(refusal_of: Callable[..., Refusal]) -> Handler:
    """A handler for FastAPI that answers with the refusal of an error."""

    async def handle(request: Request, error: Exception) -> Response:
        return answer(refusal_of(error))

    return handle
