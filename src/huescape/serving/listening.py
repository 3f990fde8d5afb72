"""The socket on which a page is served, before anything heavy is loaded."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

from huescape.base.errors import HuescapeError


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; HuescapeError where that cannot be had, with what is allowed.

    Port 0 is any that is free.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise HuescapeError(_not_here(host)) from error
    family, kind, protocol, _, address = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # there it does not mean that two may share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        raise HuescapeError(_why_not(error, host, port)) from error
    return listening


def address(listening: socket.socket, host: str) -> str:
    """Where a browser finds it: `http://127.0.0.1:8000`."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{listening.getsockname()[1]}"


def is_loopback(address: str) -> bool:
    """Whether an IP address, with its zone if it has one, is this machine's alone."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _not_here(host: str) -> str:
    return f"--host {host}: not an address of this machine; allowed: 127.0.0.1, 0.0.0.0 or its name"


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken; name another with --port, or 0 for any free one"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} is not for every user; name another with --port, from 1024"
    if error.errno == errno.EADDRNOTAVAIL:
        return _not_here(host)
    return f"cannot listen on {host}, port {port}: {error.strerror or error}"
