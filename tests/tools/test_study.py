"""The commands study and answers as a person meets them: real processes, one line for a mistake."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
import requests

from huescape.study.plan import Design
from huescape.study.records import answers_text
from huescape.study.store import Store
from huescape.systems.system import save_system
from tests.coloring.systems import make_system, save
from tests.conftest import Called
from tests.study.running import scenes
from tests.study.simulated import simulate

SMALL = ("--practice", "1", "--trials", "4", "--catch", "1")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two systems, and seven photos."""
    folder = tmp_path_factory.mktemp("study")
    for name in ("tiny", "other"):
        save_system(folder / name, make_system("lab"), {}, "step,loss\n")
    for name, rgb_HW3 in scenes(7).items():
        save(folder / "photos" / name, rgb_HW3)
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "huescape", *arguments]


def done(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.long
def test_a_study_from_its_first_answer_to_its_results(place: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "study.sqlite")
    asked = ("--systems", "tiny", "other", "--photos", "photos", "--store", store, *SMALL)
    process = subprocess.Popen(
        command("study", *asked, "--port", "0"),
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that starts a process in the background may have it ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        assert lines[0].startswith("study: tiny (")
        assert lines[1].startswith("study: other (")
        assert lines[2] == (
            "study: 3 photos that count, 3 in a session, 2 not shown; 1 for practice, "
            f"1 for catch trials; 0 sessions in {store}\n"
        )
        where = lines[3].split()[1]
        assert where.startswith("http://127.0.0.1:")
        assert "Real or colored?" in requests.get(where, timeout=60).text
        begun = requests.post(f"{where}/api/sessions", json={"consent": "yes"}, timeout=60)
        address = f"{where}/api/sessions/{begun.json()['token']}/trials"
        message = {"reaction_ms": 1, "first_ms": 1, "second_ms": 1, "looks": 1, "fake": 1}
        for trial in range(5):
            assert requests.post(f"{address}/{trial}", json=message, timeout=60).ok
        early = done(place, "answers", store)  # while people take part
        assert early.stdout.startswith("1 people answered at least one pair")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, out, err) == (0, "study: stopped\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["study.sqlite"]
    result = done(place, "answers", store, "-o", str(tmp_path / "results"))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (tmp_path / "results/results.md").read_text() == early.stdout
    assert len((tmp_path / "results/answers.csv").read_text().splitlines()) == 6
    other = done(place, "study", *asked, "--seed", "1", "--port", "0")
    assert (other.returncode, len(other.stderr.splitlines())) == (1, 1)
    assert "is of another study: its seed was 0; allowed: the same, or another" in other.stderr


class Hasty:
    """Somebody who answers one trial after the other until the server is gone."""

    def __init__(self, where: str) -> None:
        self.acknowledged: list[tuple[str, int, int]] = []
        self.where, self.has_begun = where, threading.Event()

    def take_part(self) -> None:
        message = {"reaction_ms": 1, "first_ms": 1, "second_ms": 1, "looks": 1}
        with suppress(requests.RequestException), requests.Session() as session:
            while True:
                begun = self._post(session, "api/sessions", {"consent": "yes"})
                token = begun.json()["token"]
                for trial in range(5):
                    fake = 1 + (trial + len(self.acknowledged)) % 2
                    place = f"api/sessions/{token}/trials/{trial}"
                    assert self._post(session, place, message | {"fake": fake}).ok
                    self.acknowledged.append((token, trial, fake))
                    if len(self.acknowledged) == 3:
                        self.has_begun.set()

    def _post(self, session: requests.Session, place: str, message: object) -> requests.Response:
        while True:
            answer = session.post(f"{self.where}/{place}", json=message, timeout=60)
            if answer.status_code != 429:  # told to wait
                return answer


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_a_killed_server_has_lost_no_answer(place: Path, tmp_path: Path) -> None:
    path, said = tmp_path / "study.sqlite", []
    asked = ("--systems", "tiny", "--photos", "photos", "--store", str(path), *SMALL)
    for _ in range(2):
        run = command("study", *asked, "--port", "0")
        with subprocess.Popen(run, cwd=place, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            where = [process.stdout.readline() for _ in range(3)][-1].split()[1]
            people = [Hasty(where) for _ in range(4)]
            with ThreadPoolExecutor(4) as pool:
                for person in people:
                    pool.submit(person.take_part)
                for person in people:
                    assert person.has_begun.wait(60)
                process.send_signal(signal.SIGKILL)
        said += [one for person in people for one in person.acknowledged]
    with closing(Store(path, make=False)) as store:
        kept = {(one.session, one.trial): one.chosen for one in store.answers()}
        for token, trial, fake in said:
            number = store.session(token)
            assert number is not None
            assert kept[number, trial] == fake
    assert len(said) >= 24
    assert len(kept) <= len(said) + 8  # what was kept, and not said any more


def test_results_are_of_a_table_too_and_replace_nothing(tmp_path: Path) -> None:
    answers = simulate(Design(0, 2, 60), 9, (0.3, 0.2), seed=1)
    (tmp_path / "answers.csv").write_text(answers_text(answers))
    first = done(tmp_path, "answers", "answers.csv", "-o", "results")
    assert (first.returncode, first.stderr) == (0, "")
    assert "9 people answered at least one pair; 9 count." in first.stdout
    again = done(tmp_path, "answers", "answers.csv", "-o", "results")
    assert again.returncode == 1
    assert again.stderr == "huescape: error: results: exists; name another folder\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--port", "65536"], 2, "--port is 65536; allowed: 0 to 65535"),
        (["--count", "0"], 2, "--count is 0; allowed: at least 1"),
        (["--trials", "0"], 2, "--trials is 0; allowed: at least 1"),
        (["--catch", "40"], 2, "--catch is 40; allowed: 0 to 39"),
        (["--practice", "-1"], 2, "--practice is -1; allowed: at least 0"),
        (["--photos", "photos"], 2, "7 photos can be shown, and a session shows 50, each once"),
        (["--photos", "nosuch"], 1, "nosuch: no such folder; allowed: a folder of photos"),
        ([], 1, "data/resized: not here; allowed: --photos FOLDER, or a project"),
        (["--systems", "nosuch"], 1, "models/nosuch: no such model"),
        (["--systems", "tiny", "./tiny"], 2, "--systems: tiny: allowed: each name once"),
        (["--store", "nosuch/study.sqlite"], 1, "there is no folder nosuch; make it, or name"),
        (["--store", "tiny/system.json"], 1, "tiny/system.json: cannot be used: file is not a"),
        (["--store", "tiny"], 1, "tiny: is a folder; allowed: a file"),
        (["--host", "nosuch.invalid"], 1, "--host nosuch.invalid: not an address of this machine"),
    ],
)
def test_what_is_wrong_is_one_line(
    place: Path, called: Called, arguments: list[str], code: int, words: str
) -> None:
    port = [] if "--port" in arguments or "--host" in arguments else ["--port", "0"]
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    found = called(place, "study", *arguments, *port)
    assert found.returncode == code
    (line,) = [line for line in found.stderr.splitlines() if "photo/s" not in line]
    assert words in line
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before


def test_a_port_that_is_taken_is_one_line(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        found = done(place, "study", "--photos", "photos", *SMALL, "--port", port)
    assert (found.returncode, found.stdout) == (1, "")
    assert f"port {port} of 127.0.0.1 is taken; name another with --port" in found.stderr
    assert not (place / "study.sqlite").exists()
