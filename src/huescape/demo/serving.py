"""The server itself: how it runs and ends."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from huescape.demo.app import make_app
from huescape.demo.routes import Routes

# Connections, most of them idle.
_CONNECTIONS = 200


def server(app: ASGIApp) -> uvicorn.Server:
    """A server that says nothing, trusts no header about who its client is, and ends at once."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,  # tokens are in the addresses
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=0,
    )
    return uvicorn.Server(config)


def run(routes: Routes, listening: socket.socket, host: str) -> None:
    """Serve until SIGINT or SIGTERM, and end the process where a thread is still at work."""
    with suppress(KeyboardInterrupt):
        server(make_app(routes, host)).run(sockets=[listening])
    print("demo: stopped", flush=True)
    for desk in (routes.heavy, routes.light):
        desk.close()
    if routes.heavy.busy or routes.light.busy:
        # Python would wait for its threads. What they make is in memory alone, and for nobody.
        sys.stderr.flush()
        os._exit(0)
