"""A server that wants to know who asks: what is said of its answers, whatever stands in front."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
from mlflow.tracking import MlflowClient
from mlflow.utils.request_utils import augmented_raise_for_status

from huescape.tracking.notices import Outage
from huescape.tracking.store import outages

LOGIN = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"


@contextmanager
def answers(status: int, body: str) -> Iterator[str]:
    """The address of a server that answers every request so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def said(status: int, body: str) -> str:
    """Why the store is out, for a client that asks for a run."""
    with answers(status, body) as uri, pytest.raises(Outage) as caught, outages():
        MlflowClient(uri).get_run("0" * 32)
    return str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        "You are not authenticated. Please see https://www.mlflow.org",
        "<html>\n<title>401 Authorization Required</title>",
        "",
    ],
)
def test_a_login_is_wanted(body: str) -> None:
    line = said(401, body)
    assert LOGIN in line
    assert "<" not in line


def test_a_permission_is_missing() -> None:
    line = said(403, "Permission denied")
    assert line.startswith("the user of MLFLOW_TRACKING_USERNAME is refused runs/get (403): ")


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        # The address of a proxy that the server was not told of is no question of permissions.
        (403, "Invalid Host header", "Invalid Host header"),
        (403, '{"error_code": "PERMISSION_DENIED", "message": "not on Sundays"}', "on Sundays"),
        (401, '{"error_code": "UNAUTHENTICATED", "message": "renew your token"}', "your token"),
    ],
)
def test_another_refusal_is_told_as_it_is(status: int, body: str, told: str) -> None:
    assert told in said(status, body)


def test_files_are_refused_alike() -> None:
    """MLflow passes on what requests raises of artifacts."""
    path = "/api/2.0/mlflow-artifacts/artifacts/1/model/weights"
    assert LOGIN in of_a_file(401, path)
    assert "is refused mlflow-artifacts/artifacts (403)" in of_a_file(403, path)
    assert of_a_file(403, "/bucket/weights").startswith("403 Client Error"), "S3's own"


def of_a_file(status: int, path: str) -> str:
    with answers(status, "Permission denied") as uri, pytest.raises(Outage) as caught, outages():
        augmented_raise_for_status(requests.get(uri + path, timeout=20))
    return str(caught.value)
