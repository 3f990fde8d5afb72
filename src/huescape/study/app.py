"""The study as an application for a server: its routes, its errors, and the guard around them."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from huescape.base.errors import HuescapeError
from huescape.serving.guard import Guard
from huescape.serving.handlers import answered
from huescape.serving.pages import add_pages
from huescape.serving.refusals import Refusal
from huescape.study.routes import Routes

PAGE = Path(__file__).parent / "page"


def make_app(routes: Routes, host: str) -> Guard:
    """The application of `routes` for a server that listens on `host`."""
    app = FastAPI(
        title="huescape study",
        openapi_url=None,  # its pages load their scripts from elsewhere
        exception_handlers={
            Refusal: answered(lambda error: error),
            RequestValidationError: answered(lambda _: Refusal(404, "no such place")),
            HTTPException: answered(lambda error: Refusal(error.status_code, error.detail)),
            ClientDisconnect: answered(lambda _: Refusal(400, "the client left")),
            HuescapeError: answered(_not_kept),
            Exception: answered(_unexpected),
        },
    )
    add_pages(app, PAGE)
    reading = ["GET", "HEAD"]
    session = "/api/sessions/{token}"
    app.add_api_route("/api/study", routes.about, methods=reading)
    app.add_api_route("/api/sessions", routes.begin, methods=["POST"], status_code=201)
    app.add_api_route(session, routes.state, methods=reading)
    app.add_api_route(f"{session}/trials/{{trial}}", routes.answer, methods=["POST"])
    app.add_api_route(f"{session}/trials/{{trial}}/{{place}}", routes.picture, methods=reading)
    return Guard(app, host)


def _not_kept(error: HuescapeError) -> Refusal:
    """The store is at fault: a full disk, another program that holds it."""
    print(f"study: {error}", file=sys.stderr, flush=True)
    return Refusal(503, "the answers cannot be kept now; try again in a moment", 2)


def _unexpected(error: Exception) -> Refusal:
    traceback.print_exception(error, file=sys.stderr)
    return Refusal(500, "something is wrong with the server; its terminal says what")
