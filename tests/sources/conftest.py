"""Small archives of the datasets' own layout, and a real HTTP server with real faults."""

from __future__ import annotations

import io
import os
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


def jpeg(seed: int, side: int = 24) -> bytes:
    """A small photo whose bytes differ from seed to seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def tar_bytes(members: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar of regular files, in the order given."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def write_tree(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write `files` below `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


@pytest.fixture(scope="session")
def make_tar() -> Callable[..., bytes]:
    """`tar_bytes`, for tests."""
    return tar_bytes


@pytest.fixture(scope="session")
def make_tree() -> Callable[[Path, Mapping[str, bytes]], Path]:
    """`write_tree`, for tests."""
    return write_tree


@pytest.fixture(scope="session")
def tree_bytes() -> Callable[[Path], dict[str, bytes]]:
    """`walk_bytes`, for tests."""
    return walk_bytes


@pytest.fixture(scope="session")
def sun_photos() -> dict[str, bytes]:
    """Eight photos of SUN: six of landscape categories (one extended), two of others."""
    names = [
        "b/badlands/sun_aaa.jpg",
        "b/badlands/sun_aab.jpg",
        "d/desert/sand/sun_aac.jpg",
        "m/mountain/sun_aad.jpg",
        "m/mountain/sun_aae.jpg",
        "g/golf_course/sun_aaf.jpg",
        "a/abbey/sun_aag.jpg",
        "k/kitchen/sun_aah.jpg",
    ]
    return {name: jpeg(i, 120) for i, name in enumerate(names)}


@pytest.fixture(scope="session")
def sun_archive(sun_photos: dict[str, bytes]) -> bytes:
    """A tar.gz as the dataset's site has it: everything below SUN397/, other files among it."""
    members = {f"SUN397/{name}": content for name, content in sun_photos.items()}
    return tar_bytes({"SUN397/ClassName.txt": b"/a/abbey\n", **members})


def walk_bytes(root: Path) -> dict[str, bytes]:
    """Every visible file below `root` with its bytes."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@dataclass
class Server:
    """What a server holds, how it fails, and what it was asked."""

    content: bytes
    url: str = ""
    etag: str | None = '"one"'
    ranges: bool = True
    length: bool = True
    #: bytes that each answer sends before the connection is cut; when used up, all are sent
    cuts: list[int] = field(default_factory=list)
    #: seconds after each 4 kB
    pause: float = 0.0
    #: statuses answered first
    statuses: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    trusted: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    """An HTTP server on loopback that serves one file at every address."""
    state = Server(b"")

    class Handler(_Handler):
        served = state

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        state.url = f"http://127.0.0.1:{httpd.server_address[1]}/SUN397.tar.gz"
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield state
        httpd.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    served: Server

    def do_GET(self) -> None:
        served = self.served
        served.asked.append(self.headers.get("Range"))
        served.trusted.append(self.headers.get("Authorization"))
        if served.statuses:
            self.send_error(served.statuses.pop(0))
            return
        start = self._start()
        if start is not None and start >= len(served.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(served.content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send(start)

    def _start(self) -> int | None:
        """The start of the range, if it is asked for, supported and of the same file."""
        asked, condition = self.headers.get("Range"), self.headers.get("If-Range")
        if asked is None or not self.served.ranges:
            return None
        if condition is not None and condition != self.served.etag:
            return None
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def _send(self, start: int | None) -> None:
        served = self.served
        body = served.content[start or 0 :]
        self.send_response(200 if start is None else 206)
        if start is not None:
            total = len(served.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if served.length:
            self.send_header("Content-Length", str(len(body)))
        if served.etag is not None:
            self.send_header("ETag", served.etag)
        self.end_headers()
        cut = served.cuts.pop(0) if served.cuts else None
        body = body[:cut]
        with suppress(OSError):  # the other side may be killed
            for at in range(0, len(body), 4096):
                self.wfile.write(body[at : at + 4096])
                time.sleep(served.pause)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def real_photos() -> Path | None:
    """The folder of real photos, or None where it is absent."""
    root = Path(__file__).parents[2]
    folder = Path(os.environ.get("HUESCAPE_TEST_PHOTOS", root.parent / "shared" / "data"))
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def photos() -> Path:
    """Real photos of the datasets; a test that needs them is skipped without."""
    folder = real_photos()
    if folder is None:
        pytest.skip("no real photos: set HUESCAPE_TEST_PHOTOS to the folder that holds them")
    return folder
