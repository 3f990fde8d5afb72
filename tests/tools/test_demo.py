"""The command demo as a person meets it: a real process, one line for what is wrong."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import requests

from huescape.base.errors import HuescapeError
from huescape.serving.listening import address, listen
from huescape.systems.system import save_system
from tests.coloring.systems import make_system
from tests.conftest import Called
from tests.demo.running import file_of


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_system(folder, make_system("lab"), {}, "step,loss\n")
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "huescape", "demo", *arguments]


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(*arguments),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that starts a process in the background may have it ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ready(process: subprocess.Popen[str]) -> str:
    """The address that it says, after the line that names the model."""
    assert process.stdout is not None
    named, line = process.stdout.readline(), process.stdout.readline()
    assert named.startswith("demo: tiny (")
    assert named.endswith("annealed T=0.38\n")
    found = re.fullmatch(r"demo: (http://\S+) is ready; Ctrl-C ends it\n", line)
    assert found, line
    return found[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_in_one_line(
    model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with started(tmp_path, "--system", str(model), "--port", "0") as process:
        where = ready(process)
        assert where.startswith("http://127.0.0.1:")
        with requests.Session() as session:  # a connection that stays open
            assert "<title>huescape" in session.get(where, timeout=60).text
            assert session.get(f"{where}/api/model", timeout=60).json()["name"] == "tiny"
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "demo: stopped\n", "")
    assert list(tmp_path.iterdir()) == []


def test_it_ends_though_it_is_at_work(model: Path, tmp_path: Path) -> None:
    large = file_of(np.zeros((4000, 6000, 3), np.uint8), compress_level=1)
    with started(tmp_path, "--system", str(model), "--port", "0") as process:
        where = ready(process)
        token = requests.post(f"{where}/api/photos", large, timeout=60).json()["token"]

        arrived: list[bool] = []

        def download() -> None:
            with suppress(requests.ConnectionError):
                arrived.append(requests.get(f"{where}/api/photos/{token}/result", timeout=60).ok)

        client = threading.Thread(target=download)
        client.start()
        client.join(0.5)  # it takes seconds
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        client.join()
    assert True not in arrived  # else there was nothing to end
    assert (process.returncode, out, err) == (0, "demo: stopped\n", "")


def test_a_port_that_is_taken_is_one_line(model: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        run = command("--system", str(model), "--port", port)
        done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    said = f"port {port} of 127.0.0.1 is taken; name another with --port, or 0 for any free one"
    assert done.stderr == f"huescape: error: {said}\n"


def test_a_wide_door_is_told_of(model: Path, tmp_path: Path) -> None:
    run = ("--system", str(model), "--port", "0", "--host", "0.0.0.0")
    with started(tmp_path, *run) as process:
        where = ready(process)
        assert where.startswith("http://127.0.0.1:")
        assert requests.get(where, timeout=60).status_code == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert err == "demo: open to whoever can reach this machine, unencrypted\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--port", "65536"], 2, "--port is 65536; allowed: 0 to 65535"),
        (["--megabytes", "0"], 2, "--megabytes is 0; allowed: above 0"),
        (["--megapixels", "nan"], 2, "--megapixels is nan; allowed: above 0"),
        (["--minutes", "inf"], 2, "--minutes is inf; allowed: above 0"),
        (["--photos", "0"], 2, "--photos is 0; allowed: at least 1"),
        (["--system", "nosuch"], 1, "models/nosuch: no such model"),
        (["--host", "nosuch.invalid"], 1, "--host nosuch.invalid: not an address of this machine"),
        (["--host", "192.0.2.1"], 1, "--host 192.0.2.1: not an address of this machine; allowed: "),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, called: Called, arguments: list[str], code: int, words: str
) -> None:
    done = called(tmp_path, "demo", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr


def test_addresses_are_those_that_a_browser_takes() -> None:
    for host, shown in (("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")):
        with listen(host, 0) as listening:
            port = listening.getsockname()[1]
            assert address(listening, host) == f"http://{shown}:{port}"
            with pytest.raises(HuescapeError, match="is taken"):
                listen(host, port)
