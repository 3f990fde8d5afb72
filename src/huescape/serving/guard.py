"""Who may talk to the server, and what its answers allow a browser: a layer around the app.

A page of another site may not use a server on a person's own machine: not by a name that leads to
it (DNS rebinding: such a request carries that name as its Host), and not by posting to it across
origins. See the Fetch standard for `Origin` and Fetch Metadata for `Sec-Fetch-Site`.
"""

from __future__ import annotations

import ipaddress

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from huescape.serving.refusals import Refusal, answer

_READING = ("GET", "HEAD")
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses foreign hosts and origins, and adds the headers of security to every answer."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app, self._host = app, host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        try:
            self._check(scope["method"], Headers(scope=scope))
        except Refusal as refusal:
            await answer(refusal)(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)

    def _check(self, method: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if not self._is_ours(_name(host)):
            raise Refusal(400, f"the host {host[:100]!r} is not this server; use its IP address")
        if method in _READING:
            return
        origin = headers.get("origin")
        foreign = origin is not None and origin.partition("://")[2] != host
        if foreign or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refusal(403, "requests from other sites are refused")

    def _is_ours(self, name: str) -> bool:
        """An address, which no name server points elsewhere, or a name that is this machine's."""
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in ("localhost", self._host)
        return True


def _name(host: str) -> str:
    """A Host header without its port and, of IPv6, brackets."""
    host = host.lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
