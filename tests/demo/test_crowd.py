"""Many clients at once, fast ones and slow ones, at a real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from huescape.coloring.painting import colorize
from huescape.demo.limits import Limits
from tests.demo.running import USUAL, Demo, file_of, refused, running, scene

PHOTO = file_of(scene())


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running(Limits(upload_bytes=200_000, pixels=100_000, burst=1e9)) as found:
        yield found


def test_a_client_that_asks_too_fast_is_told_to_wait() -> None:
    with running(Limits(burst=42, per_second=0.5)) as demo:
        token = demo.token(PHOTO)
        demo.picture(token, "preview")
        answer = [demo.get(f"api/photos/{token}/preview") for _ in range(3)][-1]
        assert refused(answer) == (429, "too many requests; wait a moment")
        assert 1 <= int(answer.headers["Retry-After"]) <= 2
        spoofed = demo.get(f"api/photos/{token}/preview", headers={"X-Forwarded-For": "10.1.1.1"})
        assert spoofed.status_code == 429
        assert demo.get("").status_code == 200


def test_predictions_wait_for_each_other(demo: Demo) -> None:
    at_work, most = 0, 0

    def enter(*_: object) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        time.sleep(0.02)

    def leave(*_: object) -> None:
        nonlocal at_work
        at_work -= 1

    network = demo.routes.model.system.network
    handles = [network.register_forward_pre_hook(enter), network.register_forward_hook(leave)]
    photos = [file_of(scene(seed=seed)) for seed in range(6)]
    with ThreadPoolExecutor(6) as pool:
        tokens = list(pool.map(demo.token, photos))
    for handle in handles:
        handle.remove()
    assert most == 1
    assert len(set(tokens)) == 6
    for seed, token in enumerate(tokens):
        expected_HW3 = colorize(demo.routes.model.system, scene(seed=seed), USUAL, as_print=True)
        assert (demo.picture(token, "result") == expected_HW3).all()


def begin_upload(demo: Demo, length: int) -> socket.socket:
    """A client that says how much will come, and sends nothing."""
    place = urlsplit(demo.address)
    client = socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=60)
    head = f"POST /api/photos HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {length}\r\n\r\n"
    client.sendall(head.encode())
    return client


def test_whoever_finds_no_place_is_told_to_come_again() -> None:
    with running(Limits(waiting=1)) as demo, begin_upload(demo, len(PHOTO)) as first:
        answer = demo.upload(PHOTO)
        assert refused(answer) == (503, "others are being served; try again in a moment")
        assert int(answer.headers["Retry-After"]) >= 1
        first.sendall(PHOTO)
        assert first.recv(100).startswith(b"HTTP/1.1 201")
        assert demo.upload(PHOTO).status_code == 201


def test_a_slider_does_not_wait_for_a_prediction(demo: Demo) -> None:
    token = demo.token(PHOTO)
    go_on, started = threading.Event(), threading.Event()

    def hold(*_: object) -> None:
        started.set()
        go_on.wait(60)

    handle = demo.routes.model.system.network.register_forward_pre_hook(hold)
    with ThreadPoolExecutor(1) as pool:
        upload = pool.submit(demo.token, PHOTO)
        assert started.wait(60)
        assert demo.picture(token, "preview?tau=0.7").shape == (64, 96, 3)
        assert not upload.done()
        go_on.set()
        upload.result()
    handle.remove()


def test_a_file_that_does_not_arrive_is_not_waited_for() -> None:
    with running(Limits(waiting=1, upload_seconds=0.2)) as demo:
        with begin_upload(demo, 1000) as slow:
            assert slow.recv(100).startswith(b"HTTP/1.1 408")
        with begin_upload(demo, 1000) as gone:
            gone.sendall(b"x")
        late = time.monotonic() + 30
        while (answer := demo.upload(PHOTO)).status_code != 201 and time.monotonic() < late:
            time.sleep(0.05)
        assert answer.status_code == 201
