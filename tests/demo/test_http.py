"""The server as any client meets it: a real one, over real sockets."""

from __future__ import annotations

import gc
import io
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from PIL import Image

from huescape.coloring.painting import colorize
from huescape.demo.limits import Limits
from huescape.demo.photo import quick
from huescape.demo.routes import Model
from huescape.params.decodings import Decoding
from huescape.systems.system import load_system
from tests.coloring.test_export import write
from tests.demo.running import USUAL, Demo, bomb, file_of, running, scene

PHOTO = file_of(scene())


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running(Limits(upload_bytes=200_000, pixels=100_000, burst=1e9)) as found:
        yield found


def refused(answer: requests.Response) -> tuple[int, str]:
    """Status and line of an error, which is JSON of one line and nothing more."""
    body = answer.json()
    assert list(body) == ["error"]
    assert "\n" not in body["error"]
    return answer.status_code, body["error"]


# Colors


@pytest.mark.parametrize(
    ("query", "decoding", "strength"),
    [
        ("", USUAL, 1.0),
        ("tau=0.9", Decoding(method="median", tau=0.9), 1.0),
        ("temperature=0.1&tau=0", Decoding(method="median", temperature=0.1), 1.0),
        ("strength=0.25", USUAL, 0.25),
        ("strength=2", USUAL, 2.0),
    ],
)
def test_a_result_is_what_colorize_gives(
    demo: Demo, query: str, decoding: Decoding, strength: float
) -> None:
    expected_HW3 = colorize(demo.routes.model.system, scene(), decoding, strength=strength)
    token = demo.token(PHOTO)
    assert (demo.picture(token, f"result?{query}") == expected_HW3).all()
    answer = demo.get(f"api/photos/{token}/preview?{query}")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content == quick(expected_HW3)


def test_a_result_has_the_form_that_was_asked_for(demo: Demo) -> None:
    token = demo.token(file_of(scene(300, 200), "JPEG"))
    for query, kind, name in (
        ("", "PNG", "colored.png"),
        ("format=jpeg", "JPEG", "colored.jpg"),
        ("format=jpeg&size=preview", "JPEG", "colored.jpg"),
    ):
        answer = demo.get(f"api/photos/{token}/result?{query}")
        assert Image.open(io.BytesIO(answer.content)).format == kind
        assert answer.headers["Content-Type"] == f"image/{kind.lower()}"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_a_large_photo_is_shown_small_and_kept_large() -> None:
    with running(Limits(preview=128)) as demo:
        answer = demo.upload(file_of(scene(256, 192)))
        assert {key: answer.json()[key] for key in ("width", "height")} == {
            "width": 256,
            "height": 192,
        }
        token = answer.json()["token"]
        assert demo.picture(token, "preview").shape == (96, 128, 3)
        assert demo.picture(token, "result?size=preview").shape == (96, 128, 3)
        assert demo.picture(token, "result").shape == (192, 256, 3)


def test_the_network_does_not_run_again(demo: Demo) -> None:
    runs: list[int] = []
    network = demo.routes.model.system.network
    handle = network.register_forward_hook(lambda *_: runs.append(1))
    token = demo.token(PHOTO)
    for tau in np.linspace(0, 1, 9):
        demo.picture(token, f"preview?tau={tau}")
    demo.picture(token, "result?format=jpeg")
    handle.remove()
    assert runs == [1]


def test_a_regression_has_nothing_to_decode(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("models") / "flat"
    system = load_system(write(folder, "zhang2016_l2", "lab_chroma4", "lab"))
    with running(model=Model(system, "flat", Decoding())) as demo:
        assert demo.get("api/model").json()["regression"] is True
        token = demo.token(PHOTO)
        assert demo.picture(token, "preview?strength=0.5").shape == (64, 96, 3)
        for name in ("tau", "temperature"):
            said = refused(demo.get(f"api/photos/{token}/preview?{name}=0.5"))
            assert said == (422, f"{name}: this model predicts colors; allowed: strength")


# What is refused


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 400, "the file is not a photo, or damaged: the file is empty"),
        (b"hello", 400, "the file is not a photo, or damaged: not an image"),
        (PHOTO[:-200], 400, "the file is not a photo, or damaged: "),
        (b"%PDF-1.7", 415, "this kind of file is not read: a PDF document, which is not read"),
        (bomb(), 413, "the photo is too large: 900,000,000 pixels; the limit is 100,000 pixels"),
        (file_of(np.zeros((400, 400, 3), np.uint8)), 413, "160,000 pixels; the limit is 100,000"),
        (b"x" * 200_001, 413, "the file is too large; allowed: at most 0.2 MB"),
        ((b"x" * 50_000 for _ in range(9)), 413, "the file is too large; allowed: at most 0.2 MB"),
    ],
)
def test_what_is_no_photo_is_one_line(demo: Demo, data: object, status: int, words: str) -> None:
    held = len(demo.routes.photos)
    found, said = refused(demo.upload(data))
    assert found == status
    assert words in said
    assert len(demo.routes.photos) == held


def test_a_form_is_refused(demo: Demo) -> None:
    answer = requests.post(f"{demo.address}/api/photos", files={"file": PHOTO}, timeout=60)
    assert refused(answer) == (415, "a form is not read; allowed: the file itself as the body")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("tau=1.1", "tau is '1.1'; allowed: a number at least 0, at most 1"),
        ("temperature=0", "temperature is '0'; allowed: a number above 0, at most 1"),
        ("temperature=nan", "temperature is 'nan'; allowed: a number above 0, at most 1"),
        ("strength=-1", "strength is '-1'; allowed: a number at least 0, at most 2"),
        ("strength=much", "strength is 'much'; allowed: a number at least 0, at most 2"),
        ("format=gif", "format is 'gif'; allowed: png, jpeg"),
        ("size=huge", "size is 'huge'; allowed: full, preview"),
        ("hue=3", "hue: no such parameter"),
    ],
)
def test_a_wrong_parameter_is_one_line(demo: Demo, query: str, said: str) -> None:
    token = demo.token(PHOTO)
    assert refused(demo.get(f"api/photos/{token}/result?{query}")) == (422, said)


def test_unknown_places_are_one_line(demo: Demo) -> None:
    for path in ("api/photos/x/preview", "api/photos/x/result"):
        assert refused(demo.get(path)) == (404, "no such photo")
    assert refused(demo.get("api/photo"))[0] == 404
    assert refused(demo.get("../pyproject.toml"))[0] == 404
    assert refused(demo.get("openapi.json"))[0] == 404
    assert refused(requests.put(demo.address, timeout=60))[0] == 405


# What is held, and for how long


def test_a_photo_is_forgotten_when_asked(demo: Demo) -> None:
    token = demo.token(PHOTO)
    photo = weakref.ref(demo.routes.photos.get(token))
    for _ in range(2):
        answer = requests.delete(f"{demo.address}/api/photos/{token}", timeout=60)
        assert (answer.status_code, answer.content) == (204, b"")
    said = refused(demo.get(f"api/photos/{token}/preview"))
    assert said == (410, "the photo is no longer held; choose it again")
    gc.collect()
    assert photo() is None


def test_a_photo_is_forgotten_in_time_though_nobody_asks() -> None:
    with running(Limits(seconds=0.2)) as demo:
        photo = weakref.ref(demo.routes.photos.get(token := demo.token(PHOTO)))
        late = time.monotonic() + 30
        while len(demo.routes.photos) and time.monotonic() < late:
            time.sleep(0.05)
        assert len(demo.routes.photos) == 0
        gc.collect()
        assert photo() is None
        assert refused(demo.get(f"api/photos/{token}/preview"))[0] == 410


def test_few_photos_are_held() -> None:
    with running(Limits(photos=2)) as demo:
        tokens = [demo.token(PHOTO) for _ in range(3)]
        assert len(demo.routes.photos) == 2
        assert refused(demo.get(f"api/photos/{tokens[0]}/preview"))[0] == 410
        for token in tokens[1:]:
            assert demo.picture(token, "preview").shape == (64, 96, 3)


# How much at once


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
        expected_HW3 = colorize(demo.routes.model.system, scene(seed=seed), USUAL)
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


# Who may ask


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1:1", True),
        ("127.0.0.1", True),
        ("localhost:8000", True),
        ("LOCALHOST", True),
        ("[::1]:8000", True),
        ("192.168.1.7:8000", True),
        ("evil.example", False),
        ("evil.example:8000", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("", False),
        ("[evil.example]", False),
    ],
)
def test_a_name_that_leads_here_is_not_enough(demo: Demo, host: str, is_ours: bool) -> None:
    answer = demo.get("api/model", headers={"Host": host})
    assert answer.status_code == (200 if is_ours else 400)
    if not is_ours:
        assert "is not this server; use its IP address" in refused(answer)[1]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_may_not_post_or_delete(demo: Demo, headers: dict[str, str]) -> None:
    said = (403, "requests from other sites are refused")
    assert refused(demo.upload(PHOTO, headers=headers)) == said
    token = demo.token(PHOTO)
    answer = requests.delete(f"{demo.address}/api/photos/{token}", headers=headers, timeout=60)
    assert refused(answer) == said
    assert demo.picture(token, "preview").shape == (64, 96, 3)


def test_the_page_itself_may(demo: Demo) -> None:
    headers = {"Origin": demo.address, "Sec-Fetch-Site": "same-origin"}
    assert demo.upload(PHOTO, headers=headers).status_code == 201


def test_every_answer_says_what_a_browser_may_do(demo: Demo) -> None:
    token = demo.token(PHOTO)
    pages = [demo.get(path) for path in ("", "app.js", "style.css", "icon.svg", "api/model")]
    others = [demo.get(f"api/photos/{token}/preview"), demo.get("nothing")]
    others += [demo.get("", headers={"Host": "evil.example"}), demo.upload(b"x")]
    for answer in [*pages, *others]:
        headers = answer.headers
        assert headers["Content-Security-Policy"].startswith("default-src 'self'; ")
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert not {"Set-Cookie", "Server", "Access-Control-Allow-Origin"} & set(headers)
    assert [answer.status_code for answer in pages] == [200] * 5


# When something breaks


def test_too_little_memory_is_no_fault_of_the_photo(demo: Demo) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("not enough memory: you tried to allocate 9 bytes")

    handle = demo.routes.model.system.network.register_forward_pre_hook(fail)
    answer = demo.upload(PHOTO)
    handle.remove()
    assert refused(answer) == (503, "out of memory for this photo; a smaller one may do")
    assert demo.upload(PHOTO).status_code == 201


def test_a_mistake_is_told_in_the_terminal(demo: Demo, capfd: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a mistake")

    handle = demo.routes.model.system.network.register_forward_pre_hook(fail)
    answer = demo.upload(PHOTO)
    handle.remove()
    assert refused(answer) == (500, "something is wrong with the server; its terminal says what")
    assert capfd.readouterr().err.count("ValueError: a mistake") == 1
    assert demo.upload(PHOTO).status_code == 201
