"""The files of a page, read once, each at its name; `index.html` is the page itself.

All pages have `common.css`, which lies here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Response

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


_COMMON = Path(__file__).with_name("common.css")


def add_pages(app: FastAPI, folder: Path) -> None:
    """Answer with the files of a folder, and with what all pages have in common."""
    for path in (*sorted(folder.iterdir()), _COMMON):
        where = "/" if path.name == "index.html" else f"/{path.name}"
        file = _file(path.read_bytes(), _KINDS[path.suffix])
        app.add_api_route(where, file, methods=["GET", "HEAD"])


def _file(content: bytes, kind: str) -> Callable[[], Awaitable[Response]]:
    async def read() -> Response:
        return Response(content, media_type=kind)

    return read
