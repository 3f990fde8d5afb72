"""How the study's server runs and ends."""

from __future__ import annotations

import socket
from contextlib import suppress

from huescape.serving.server import server
from huescape.study.app import make_app
from huescape.study.routes import Routes


def run(routes: Routes, listening: socket.socket, host: str) -> None:
    """Serve until SIGINT or SIGTERM."""
    try:
        with suppress(KeyboardInterrupt):
            server(make_app(routes, host)).run(sockets=[listening])
    finally:
        routes.store.close()
    print("study: stopped", flush=True)
