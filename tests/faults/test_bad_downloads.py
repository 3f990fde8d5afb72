"""Servers that break, lie, stall and mislead: each with what must become of the download.

Whatever the verdict: the file has its name only if it is whole, no message holds a secret of the
address, and a good server gives the file to the next run.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import socketserver
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from random import Random

import pytest

from huescape.base.errors import HuescapeError
from huescape.sources.archives import archive_problem
from huescape.sources.fetch import fetch
from huescape.sources.pace import Patience

QUICK = Patience(tries=3, pause=0.001, timeout=0.25, min_rate=1000, longest_wait=1.5)
IN_A_MOMENT = Patience(tries=3, pause=0.001, timeout=0.25, min_rate=0, max_hours=0.5 / 3600)
PAGE = b"<!DOCTYPE html><title>Log in</title>" * 100


def archive(seed: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        member = tarfile.TarInfo("SUN397/m/mountain/sun_a.jpg")
        member.size = 20_000
        tar.addfile(member, io.BytesIO(Random(seed).randbytes(20_000)))
    return stream.getvalue()


CONTENT, OTHER = archive(1), archive(2)
SIZE = len(CONTENT)


@dataclass(frozen=True)
class Reply:
    """What is sent: `head`, then `body` by `step` bytes with `pause` seconds after each; then the
    connection is closed, after `hang` seconds."""

    head: bytes
    body: bytes = b""
    step: int = 1 << 20
    pause: float = 0.0
    hang: float = 0.0


@dataclass(frozen=True)
class Asked:
    """A request: its Range and If-Range, and whether it carries a password."""

    start: int | None
    condition: str | None
    trusted: bool


Answering = Callable[[Asked], Reply]


def reply(status: str, body: bytes = b"", headers: Sequence[str] = (), **more: float) -> Answering:
    """The same to every request; the length is told unless `headers` do."""
    lines = list(headers)
    if not any(line.lower().startswith(("content-length", "transfer-enc")) for line in lines):
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join((f"HTTP/1.1 {status}", *lines, "Connection: close", "", ""))
    made = Reply(head.encode("latin-1"), body, **more)  # type: ignore[arg-type]
    return lambda asked: made


def good(content: bytes = CONTENT, etag: str | None = '"one"') -> Answering:
    """An honest server: ranges, conditions, ETag."""
    told = [f"ETag: {etag}"] if etag else []

    def answer(asked: Asked) -> Reply:
        if asked.start is None or (asked.condition is not None and asked.condition != etag):
            return reply("200 OK", content, told)(asked)
        if asked.start >= len(content):
            return reply("416 No", b"", [f"Content-Range: bytes */{len(content)}"])(asked)
        place = f"Content-Range: bytes {asked.start}-{len(content) - 1}/{len(content)}"
        return reply("206 Partial", content[asked.start :], [place, *told])(asked)

    return answer


def begun(size: int, etag: str = '"one"') -> Answering:
    """The first bytes, then the connection breaks."""
    return reply("200 OK", CONTENT[:size], [f"Content-Length: {SIZE}", f"ETag: {etag}"])


def ranged(body: bytes, place: str, etag: str = '"one"') -> Answering:
    return reply("206 Partial", body, [f"Content-Range: {place}", f"ETag: {etag}"])


def redirect(to: str, status: str = "302 Found") -> Answering:
    return reply(status, b"elsewhere", [f"Location: {to}"])


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n") -> Answering:
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end
    return reply("200 OK", body, ["Transfer-Encoding: chunked"])


@dataclass(frozen=True)
class Case:
    """`verdict`: None if the file comes whole, else a part of the message. The last of `answers`
    is given to all later requests. `{host}` in redirects is another name of the server."""

    name: str
    answers: Sequence[Answering]
    verdict: str | None = None
    checksum: bool = True
    patience: Patience = QUICK
    starts: Sequence[int | None] | None = None


NO_PROGRESS = "no progress in 3 tries"


def statuses() -> Iterator[Case]:
    for status in (
        *("204 No Content", "205 Reset", "304 Not Modified", "300 Multiple", "400 Bad", "401 Who"),
        *("402 Pay", "403 Forbidden", "404 Not Found", "405 No", "406 No", "407 Proxy", "409 No"),
        *("410 Gone", "418 Teapot", "451 Law", "501 No", "505 Version", "999 Robot"),
    ):
        yield Case(
            f"status {status}", [reply(status)], f"the server answers {status[:3]}", starts=[None]
        )
    for status in (
        "408 Slow",
        "425 Early",
        "429 Many",
        "500 Error",
        "502 Bad",
        "503 Busy",
        "504 Late",
    ):
        yield Case(
            f"always {status}",
            [reply(status)],
            f"{NO_PROGRESS}: HTTP {status[:3]}",
            starts=[None] * 3,
        )
        yield Case(f"once {status}", [reply(status), good()])
    yield Case("no status", [lambda asked: Reply(b"SSH-2.0-OpenSSH\r\n")], NO_PROGRESS)
    yield Case("nothing at all", [lambda asked: Reply(b"")], NO_PROGRESS)
    yield Case(
        "half a header", [lambda asked: Reply(b"HTTP/1.1 200 OK\r\nContent-Le")], "sends an empty"
    )
    yield Case(
        "a header of 1 MB", [reply("200 OK", CONTENT, ["X: " + "x" * (1 << 20)])], NO_PROGRESS
    )
    yield Case("10,000 headers", [reply("200 OK", CONTENT, ["X: x"] * 10_000)], NO_PROGRESS)


def redirects() -> Iterator[Case]:
    for status in ("301 Moved", "302 Found", "303 See", "307 Same", "308 Same"):
        yield Case(f"redirect {status}", [redirect("/elsewhere", status), good()])
    yield Case("to another host", [redirect("http://{host}/x"), good()])
    for to in (
        "ftp://{host}/a.tar",
        "file:///etc/passwd",
        "data:,x",
        "gopher://{host}/",
        "javascript:x",
    ):
        yield Case(f"redirect to {to[:6]}", [redirect(to), good()], "refused: redirected to")
    yield Case("redirect to no host", [redirect("http:///x"), good()])
    yield Case("redirect to no address", [redirect("http://[::1/x"), good()], "which is no address")
    endless = ["Location: /elsewhere", "Content-Length: 37000000000"]
    yield Case(
        "redirect with a body",
        [reply("302 Found", PAGE, endless, hang=1.0), good()],
        starts=[None, None],
    )
    yield Case("redirect in circles", [redirect("/again")], "more than 10 redirects")
    yield Case("redirect without a place", [reply("302 Found"), good()], "the server answers 302")
    yield Case(
        "redirect to a page", [redirect("/login"), reply("200 OK", PAGE)], "sends a web page", False
    )
    yield Case(
        "redirect with a secret", [redirect("ftp://me:hunter2@{host}/?sig=hunter2")], "ftp://***@"
    )
    yield Case(
        "broken, then redirected", [begun(5000), redirect("/x"), good()], starts=[None, 5000, 5000]
    )


def contents() -> Iterator[Case]:
    for name, body, says in (
        ("login page", PAGE, "a web page"),
        ("a short page", b"<html>no", "a web page"),
        ("JSON", b'{"error": 1}', "JSON text"),
        ("zip", b"PK\x03\x04" * 1000, "a zip archive"),
        ("nothing", b"", "an empty file"),
        ("a gzipped page", gzip.compress(PAGE), "a gzip file without a tar archive"),
        ("noise", Random(3).randbytes(5000), "no tar archive"),
    ):
        for checksum in (True, False):
            label = f"{name}{'' if checksum else ', no checksum'}"
            yield Case(label, [reply("200 OK", body)], f"the server sends {says}", checksum)
    page = reply("200 OK", PAGE, ["Content-Length: 37000000000000000"], hang=0.1)
    yield Case("a page of 37 PB", [page], "sends a web page", False, starts=[None])
    yield Case("another archive", [good(OTHER)], "checksum differs")
    yield Case(
        "a damaged archive", [good(CONTENT[:9000] + b"?" + CONTENT[9001:])], "checksum differs"
    )
    told = ["Content-Encoding: gzip"]
    yield Case("said to be gzip-encoded", [reply("200 OK", CONTENT, told)])
    packed = gzip.compress(CONTENT)
    yield Case("gzipped once more", [reply("200 OK", packed, told)], "a gzip file without a tar")


def lengths() -> Iterator[Case]:
    yield Case("no length", [reply("200 OK", CONTENT, ["Transfer-Encoding: identity"])])
    yield Case("length that is no number", [reply("200 OK", CONTENT, ["Content-Length: many"])])
    yield Case("negative length", [reply("200 OK", CONTENT, ["Content-Length: -5"])])
    short = reply("200 OK", CONTENT, [f"Content-Length: {SIZE - 10}"])
    yield Case("length too small", [short], "checksum differs")
    yield Case(
        "length too large",
        [reply("200 OK", CONTENT, [f"Content-Length: {SIZE + 10}"])],
        f"{SIZE} of {SIZE + 10}",
    )
    yield Case(
        "length of an exabyte",
        [reply("200 OK", CONTENT, ["Content-Length: 100000000000000000"])],
        "no room for",
    )
    yield Case("chunked", [chunked(CONTENT[:7000], CONTENT[7000:])])
    yield Case("chunked, cut", [chunked(CONTENT[:7000], end=b"")], NO_PROGRESS)
    yield Case("chunked, once cut", [chunked(CONTENT[:7000], end=b""), good()])
    yield Case("chunks that are none", [chunked(CONTENT[:7000], end=b"zz\r\n")], NO_PROGRESS)


def ranges() -> Iterator[Case]:
    rest, place = CONTENT[5000:], f"bytes 5000-{SIZE - 1}/{SIZE}"
    yield Case("broken once", [begun(5000), good()], starts=[None, 5000])
    yield Case("broken before a byte", [begun(0), good()], starts=[None, None])
    yield Case(
        "broken by and by",
        [begun(9000), ranged(rest[4000:8000], f"bytes 9000-{SIZE - 1}/{SIZE}"), good()],
    )
    yield Case("always broken", [begun(5000)], NO_PROGRESS)
    yield Case("range ignored", [begun(5000), reply("200 OK", CONTENT)], starts=[None, 5000])
    yield Case(
        "wrong start",
        [begun(5000), ranged(rest, f"bytes 4000-{SIZE - 1}/{SIZE}")],
        "sent bytes from 4000",
    )
    yield Case(
        "start of the next", [begun(5000), ranged(rest, f"bytes 6000-{SIZE - 1}/{SIZE}"), good()]
    )
    yield Case("range from the start", [begun(5000), ranged(CONTENT, f"bytes 0-{SIZE - 1}/{SIZE}")])
    yield Case("range of unknown total", [begun(5000), ranged(rest, f"bytes 5000-{SIZE - 1}/*")])
    yield Case(
        "range that is none",
        [begun(5000), ranged(rest, "bytes what")],
        "Content-Range cannot be read",
    )
    yield Case(
        "no range told", [begun(5000), reply("206 Partial", rest)], "Content-Range cannot be read"
    )
    yield Case(
        "range beyond the total", [begun(5000), ranged(rest, f"bytes 5000-{SIZE - 1}/9"), good()]
    )
    yield Case("range not asked for", [ranged(CONTENT, f"bytes 0-{SIZE - 1}/{SIZE}")])
    yield Case("part not asked for", [ranged(rest, place), good()])
    yield Case("too much in a range", [begun(5000), ranged(rest + b"more", place)])
    yield Case(
        "changed between parts",
        [begun(5000), ranged(OTHER[5000:], place, '"two"'), good(OTHER, '"two"')],
        "checksum differs",
    )
    yield Case(
        "changed, told by If-Range", [begun(5000), good(OTHER, '"two"'), good()], "checksum differs"
    )
    yield Case(
        "changed, no checksum",
        [begun(5000), ranged(OTHER[5000:], place, '"two"'), good()],
        None,
        False,
    )
    yield Case(
        "416 of another size",
        [begun(5000), reply("416 No", b"", ["Content-Range: bytes */4000"]), good()],
    )
    yield Case("416 without a size", [begun(5000), reply("416 No")], "Content-Range cannot be read")
    yield Case(
        "416 at once",
        [reply("416 No", b"", ["Content-Range: bytes */9"])],
        "the server answers 416",
    )


def slowness() -> Iterator[Case]:
    told = ["Content-Length: 1000000"]
    yield Case(
        "one byte, then one byte",
        [reply("200 OK", CONTENT, told, step=1, pause=0.05)],
        "`min_rate` is 1000",
    )
    yield Case("silence", [reply("200 OK", CONTENT[:5000], told, hang=1.0)], NO_PROGRESS)
    yield Case("silence at once", [lambda asked: Reply(b"", hang=1.0)], NO_PROGRESS)
    yield Case(
        "silence once",
        [
            reply("200 OK", CONTENT[:5000], [f"Content-Length: {SIZE}", 'ETag: "one"'], hang=1.0),
            good(),
        ],
        starts=[None, 5000],
    )
    header = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000
    yield Case(
        "a header byte by byte",
        [lambda asked: Reply(b"", header, step=1, pause=0.05)],
        "no answer in 1 s",
    )
    slow = reply("200 OK", CONTENT, step=200, pause=0.02)
    yield Case("slow, yet fast enough", [slow])
    yield Case(
        "longer than allowed",
        [reply("200 OK", CONTENT, step=100, pause=0.05)],
        "(`max_hours`)",
        True,
        IN_A_MOMENT,
    )
    yield Case("one byte a connection", [begun(1), begun(2), begun(3), begun(4)], NO_PROGRESS)


def waits() -> Iterator[Case]:
    soon, late = (
        formatdate(time.time() + 1, usegmt=True),
        formatdate(time.time() + 1e6, usegmt=True),
    )
    past = formatdate(time.time() - 1e6, usegmt=True)
    for status in ("429 Many", "503 Busy"):
        for told in ("0", "1", soon, past, "soon", "-3", ""):
            answers = [reply(status, b"", [f"Retry-After: {told}"]), good()]
            yield Case(f"{status} for {told[:8]!r}", answers)
        for told in ("86400", "9" * 12, late):
            asks = [reply(status, b"", [f"Retry-After: {told}"]), good()]
            yield Case(
                f"{status} for too long, {told[:8]}", asks, "the server asks to wait", starts=[None]
            )
    yield Case(
        "busy in the middle",
        [begun(5000), reply("503 Busy", b"", ["Retry-After: 0"]), good()],
        starts=[None, 5000, 5000],
    )


CASES = [*statuses(), *redirects(), *contents(), *lengths(), *ranges(), *slowness(), *waits()]


@dataclass
class Server:
    """What it answers, one after the other, and what it was asked."""

    port: int = 0
    answers: list[Answering] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://me:hunter2@127.0.0.1:{self.port}/SUN397.tar.gz?sig=hunter2"


@pytest.fixture(scope="module")
def listening() -> Iterator[Server]:
    """A server on loopback that speaks whatever bytes it is told to."""
    state = Server()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines = list(iter(self.rfile.readline, b"\r\n"))
            if lines and lines[-1]:
                respond(self, b"".join(lines).decode("latin-1"), state)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, state.port = True, server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def respond(handler: socketserver.StreamRequestHandler, text: str, state: Server) -> None:
    start = re.search(r"(?mi)^range: bytes=(\d+)-", text)
    condition = re.search(r"(?mi)^if-range: (.*?)\r?$", text)
    trusted = bool(re.search(r"(?mi)^authorization: basic bWU6aHVudGVyMg==", text))
    asked = Asked(int(start[1]) if start else None, condition[1] if condition else None, trusted)
    state.asked.append(asked)
    state.hosts += re.findall(r"(?mi)^host: ([^:\r]*)", text)
    answer = (state.answers.pop(0) if len(state.answers) > 1 else state.answers[0])(asked)
    try:
        handler.wfile.write(answer.head.replace(b"{host}", b"localhost:%d" % state.port))
        for at in range(0, len(answer.body), answer.step):
            handler.wfile.write(answer.body[at : at + answer.step])
            time.sleep(answer.pause)
        time.sleep(answer.hang)
    except OSError:  # the other side has heard enough
        pass


@pytest.fixture
def server(listening: Server) -> Server:
    listening.answers, listening.asked, listening.hosts = [], [], []
    return listening


def download(server: Server, target: Path, case: Case) -> str | None:
    """Fetch as the stage does; the line that says why it failed."""
    md5 = hashlib.md5(CONTENT).hexdigest() if case.checksum else None
    try:
        fetch(server.url, target, md5, refuse=archive_problem, patience=case.patience)
    except HuescapeError as error:
        return str(error)
    return None


@pytest.mark.parametrize("case", CASES, ids=[case.name[:40] for case in CASES])
def test_the_verdict(
    tmp_path: Path, server: Server, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "SUN397.tar.gz"
    server.answers = list(case.answers)
    said = download(server, target, case)
    assert (said is None) == (case.verdict is None), said
    assert (case.verdict or "") in (said or "")
    assert "\n" not in (said or "")
    assert "hunter2" not in capsys.readouterr().err + (said or "")
    if case.starts is not None:
        assert [asked.start for asked in server.asked] == list(case.starts)
    for asked, host in zip(server.asked, server.hosts, strict=True):
        assert asked.trusted == (host == "127.0.0.1"), "a password goes to its own host alone"
    left = {path.name for path in tmp_path.iterdir()}
    if said is None:
        assert target.read_bytes() == CONTENT
        assert left == {"SUN397.tar.gz"}
        return
    assert left <= {f"SUN397.tar.gz.{end}" for end in ("part", "part.json", "corrupt")}
    assert all(b"hunter2" not in (tmp_path / name).read_bytes() for name in left)
    server.answers = [good()]
    assert download(server, target, Case("good", [])) is None
    assert target.read_bytes() == CONTENT


def test_a_renewed_signature_goes_on(tmp_path: Path, server: Server) -> None:
    target = tmp_path / "SUN397.tar.gz"
    server.answers = [begun(5000), reply("403 Expired")]
    assert "answers 403" in (download(server, target, Case("", [])) or "")
    server.answers = [good()]
    md5, renewed = hashlib.md5(CONTENT).hexdigest(), server.url.replace("sig=hunter2", "sig=new")
    fetch(renewed, target, md5, refuse=archive_problem, patience=QUICK)
    assert [asked.start for asked in server.asked] == [None, 5000, 5000]
    assert target.read_bytes() == CONTENT
