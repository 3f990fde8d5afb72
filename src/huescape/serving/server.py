"""The server itself: quiet, and at an end as soon as it is told."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp

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
