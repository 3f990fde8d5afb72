"""One answer of a web server: redirects stay within the web, errors say whether to try again."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError, InvalidHeader, ProtocolError
from urllib3.util import Retry

from huescape import __version__
from huescape.base.errors import HuescapeError

#: Addresses that can be downloaded.
SCHEMES = ("http", "https")
_REDIRECTS = 10
#: Timeouts that all of an answer's headers may take, redirects included.
_SILENCES = 5
_AGENT = f"huescape/{__version__}"


class LostError(Exception):
    """The connection broke, or the server is busy: worth another try.

    `wait` is how many seconds the server asked to wait, if it did.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True)
class Answer:
    """What a server is about to send.

    status, reason: as in HTTP. start: the byte of the file that comes first. total: bytes of the
    whole file, None if the server does not say. validator: a text that changes with the file, None
    if there is none. wait: seconds that the server asks to wait before the next try.
    """

    status: int
    reason: str
    start: int
    total: int | None
    validator: str | None
    wait: float | None
    _response: Any

    def read(self, size: int) -> bytes:
        """The next bytes, as soon as some are there, at most `size`; none at the end.

        They are as the server has them: a `.tar.gz` that it calls gzip-encoded stays one. What ends
        too early ends here, where the total is known; the caller compares. Raises LostError.
        """
        with _lost():
            try:
                return bytes(self._response.raw.read1(size, decode_content=False))
            except ProtocolError:
                if self.total is None:
                    raise
                return b""


@contextmanager
def answered(url: str, headers: Mapping[str, str], timeout: float) -> Iterator[Answer]:
    """Ask for `url`, following redirects; `timeout` seconds of silence are a lost connection.

    A user and password in the address, or in `~/.netrc`, go to its host alone. Raises LostError
    for what may pass, and HuescapeError for no address, a redirect that leaves http and https or
    falls from https to http, and too many of them. What the block raises, a full disk say, is none
    of these.
    """
    with requests.Session() as session:
        ask = partial(_followed, session, url, headers, timeout)
        try:
            with _lost():
                response = _within(_SILENCES * timeout, ask)
        except ValueError as error:  # what requests calls a wrong address
            # Without its words, which may be a piece of a password that was taken for a port.
            raise HuescapeError(f"{url}: not an address that a server can be asked for") from error
        with response:
            yield _answer(response)


@contextmanager
def _lost() -> Iterator[None]:
    """Raise LostError for whatever the network does; a wrong address is an OSError as well."""
    try:
        yield
    except ValueError:
        raise
    except (OSError, HTTPError, HTTPException) as error:
        raise LostError(_innermost(error)) from error


def _within(seconds: float, ask: Callable[[], requests.Response]) -> requests.Response:
    """What `ask` returns; LostError if that takes too long.

    No timeout of sockets ends headers that come byte by byte, so the wait is here. A connection
    that is given up ends with the process.
    """
    future: Future[requests.Response] = Future()

    def answer() -> None:
        try:
            future.set_result(ask())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=answer, daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError as error:
        if future.done():  # the answer itself
            raise
        raise LostError(f"no answer in {seconds:.0f} s") from error


def _followed(
    session: requests.Session, url: str, headers: Mapping[str, str], timeout: float
) -> requests.Response:
    headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity", **headers}
    targets: list[str | None] = []

    def unfollowed(response: requests.Response, **options: Any) -> None:
        """Take the redirect away: requests would read all of the body that comes with it."""
        targets.append(session.get_redirect_target(response))
        response.headers.pop("Location", None)

    at = url
    for _ in range(_REDIRECTS):
        hooks = {"response": unfollowed}
        response = session.get(at, headers=headers, timeout=timeout, stream=True, hooks=hooks)
        target = targets[-1]
        if target is None:
            return response
        response.close()
        at = _redirected(url, at, target)
    raise HuescapeError(f"{url}: more than {_REDIRECTS} redirects, the last to {at}; check `url`")


def _redirected(url: str, at: str, target: str) -> str:
    """Where a redirect leads; HuescapeError if that is off the web, or less safe."""
    try:
        new = urljoin(at, target)
        scheme = urlsplit(new).scheme
    except ValueError as error:
        raise HuescapeError(f"{url}: redirected to {target}, which is no address") from error
    if scheme not in SCHEMES:
        allowed = " and ".join(SCHEMES)
        raise HuescapeError(f"{url}: refused: redirected to {new}; allowed: {allowed}")
    if scheme == "http" and urlsplit(at).scheme == "https":
        raise HuescapeError(f"{url}: refused: redirected from https to {new}, which is not secure")
    return new


def _answer(response: requests.Response) -> Answer:
    headers = response.headers
    length = headers.get("Content-Length") or ""
    start, total = 0, int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None
    if response.status_code in (206, 416):
        start, total = _range(headers.get("Content-Range") or "")
    validator = headers.get("ETag") or headers.get("Last-Modified")
    if validator and validator.startswith("W/"):  # a weak one does not promise equal bytes
        validator = headers.get("Last-Modified")
    wait = _wait(headers.get("Retry-After"))
    reason = response.reason or "without a reason"
    return Answer(response.status_code, reason, start, total, validator, wait, response)


def _range(text: str) -> tuple[int, int | None]:
    """Start and total of a Content-Range; the total is None where it says so."""
    matched = re.fullmatch(r"bytes (?:([0-9]{1,18})-[0-9]{1,18}|\*)/([0-9]{1,18}|\*)", text.strip())
    if matched is None:
        raise LostError("the server's Content-Range cannot be read")
    return int(matched[1] or 0), None if matched[2] == "*" else int(matched[2])


def _wait(text: str | None) -> float | None:
    """Seconds of a Retry-After, which is a number of them or a date."""
    if text is None:
        return None
    try:
        return float(Retry().parse_retry_after(text))
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _innermost(error: BaseException) -> str:
    """What is at the bottom of an error; the layers above repeat it."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split()) or type(error).__name__
