"""The demo as an application for a server: its routes, its errors, and the guard around them."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from huescape.base.memory import is_out_of_memory
from huescape.demo import queries
from huescape.demo.guard import Guard
from huescape.demo.refusals import Refusal, answer
from huescape.demo.routes import PAGE, Routes

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

_SWEEP_SECONDS = 1.0


def make_app(routes: Routes, host: str) -> Guard:
    """The application of `routes` for a server that listens on `host`."""
    app = FastAPI(
        title="huescape demo",
        openapi_url=None,  # its pages load their scripts from elsewhere
        lifespan=partial(_forgetting, routes),
        exception_handlers={
            Refusal: _answered(lambda error: error),
            RequestValidationError: _answered(lambda error: queries.refusal(error.errors())),
            HTTPException: _answered(lambda error: Refusal(error.status_code, error.detail)),
            ClientDisconnect: _answered(lambda _: Refusal(400, "the client left")),
            Exception: _answered(_unexpected),
        },
    )
    reading = ["GET", "HEAD"]
    for path in sorted(PAGE.iterdir()):
        where = "/" if path.name == "index.html" else f"/{path.name}"
        app.add_api_route(where, _file(routes, path.name), methods=reading)
    photo = "/api/photos/{token}"
    app.add_api_route("/api/model", routes.about, methods=reading)
    app.add_api_route("/api/photos", routes.upload, methods=["POST"], status_code=201)
    app.add_api_route(photo, routes.forget, methods=["DELETE"])
    app.add_api_route(f"{photo}/preview", routes.preview, methods=reading)
    app.add_api_route(f"{photo}/result", routes.result, methods=reading)
    return Guard(app, host)


def _file(routes: Routes, name: str) -> Callable[[], Awaitable[Response]]:
    async def read() -> Response:
        return routes.page(name)

    return read


@asynccontextmanager
async def _forgetting(routes: Routes, app: FastAPI) -> AsyncIterator[None]:
    """Nothing is kept after its time, whether or not somebody asks for it."""

    async def sweep() -> None:
        while True:
            routes.photos.sweep()
            await asyncio.sleep(_SWEEP_SECONDS)

    task = asyncio.create_task(sweep())
    yield
    task.cancel()


def _answered(refusal_of: Callable[..., Refusal]) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        return answer(refusal_of(error))

    return handle


def _unexpected(error: Exception) -> Refusal:
    if is_out_of_memory(error):
        return Refusal(503, "out of memory for this photo; a smaller one may do", 5)
    traceback.print_exception(error, file=sys.stderr)
    return Refusal(500, "something is wrong with the server; its terminal says what")
