"""The demo as an application for a server: its routes, its errors, and the guard around them."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from huescape.base.memory import is_out_of_memory
from huescape.demo import queries
from huescape.demo.routes import PAGE, Routes
from huescape.serving.guard import Guard
from huescape.serving.handlers import answered
from huescape.serving.pages import add_pages
from huescape.serving.refusals import Refusal

_SWEEP_SECONDS = 1.0


def make_app(routes: Routes, host: str) -> Guard:
    """The application of `routes` for a server that listens on `host`."""
    app = FastAPI(
        title="huescape demo",
        openapi_url=None,  # its pages load their scripts from elsewhere
        lifespan=partial(_forgetting, routes),
        exception_handlers={
            Refusal: answered(lambda error: error),
            RequestValidationError: answered(lambda error: queries.refusal(error.errors())),
            HTTPException: answered(lambda error: Refusal(error.status_code, error.detail)),
            ClientDisconnect: answered(lambda _: Refusal(400, "the client left")),
            Exception: answered(_unexpected),
        },
    )
    reading = ["GET", "HEAD"]
    add_pages(app, PAGE)
    photo = "/api/photos/{token}"
    app.add_api_route("/api/model", routes.about, methods=reading)
    app.add_api_route("/api/photos", routes.upload, methods=["POST"], status_code=201)
    app.add_api_route(photo, routes.forget, methods=["DELETE"])
    app.add_api_route(f"{photo}/preview", routes.preview, methods=reading)
    app.add_api_route(f"{photo}/result", routes.result, methods=reading)
    return Guard(app, host)


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


def _unexpected(error: Exception) -> Refusal:
    if is_out_of_memory(error):
        return Refusal(503, "out of memory for this photo; a smaller one may do", 5)
    traceback.print_exception(error, file=sys.stderr)
    return Refusal(500, "something is wrong with the server; its terminal says what")
