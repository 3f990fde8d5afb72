"""Who may talk to a real server, and what its answers allow a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from huescape.demo.limits import Limits
from tests.demo.running import Demo, file_of, refused, running, scene

PHOTO = file_of(scene())


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running(Limits(upload_bytes=200_000, pixels=100_000, burst=1e9)) as found:
        yield found


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
    pages = [
        demo.get(path)
        for path in ("", "app.js", "common.css", "style.css", "icon.svg", "api/model")
    ]
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
    assert [answer.status_code for answer in pages] == [200] * len(pages)
