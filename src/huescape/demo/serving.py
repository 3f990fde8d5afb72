"""How the demo's server runs and ends."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress

from huescape.demo.app import make_app
from huescape.demo.routes import Routes
from huescape.serving.server import server


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
