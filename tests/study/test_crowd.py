"""Many people at once, fast ones and slow ones, and a server that is interrupted."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from huescape.study.limits import Limits
from huescape.study.store import Store
from tests.serving.running import refused
from tests.study.running import LENGTH, Person, Running, finish, running


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("study") / "study.sqlite") as found:
        yield found


def test_two_people_have_each_their_own(study: Running) -> None:
    first, second = study.begin(), study.begin()
    first.say(0, 1)
    assert (first.next(), second.next()) == (1, 0)
    assert first.token != second.token
    assert [trial.photo for trial in first.plan] != [trial.photo for trial in second.plan]


def test_whatever_is_sent_the_server_keeps_to_the_plan(study: Running) -> None:
    """Three people who send anything in any order, against a model of what is kept."""
    generator = np.random.default_rng(3)
    people = [study.begin() for _ in range(3)]
    model: list[list[int]] = [[] for _ in people]
    seen = set()
    for _ in range(300):
        who, fake = int(generator.integers(3)), int(generator.integers(1, 3))
        kept, person = model[who], people[who]
        trial = max(0, len(kept) + int(generator.integers(-2, 3)))
        if generator.random() < 0.3:
            found, place = person.see(trial, fake).status_code, True
            expected = 404 if trial >= LENGTH else 200 if trial == len(kept) else 409
        else:
            found, place = person.say(trial, fake).status_code, False
            if trial >= LENGTH:
                expected = 404
            elif trial < len(kept):
                expected = 200 if kept[trial] == fake else 409
            elif trial == len(kept):
                expected = 200
                kept.append(fake)
            else:
                expected = 409
        assert found == expected
        seen.add((place, expected))
    assert len(seen) == 6
    for person, kept in zip(people, model, strict=True):
        answers = [one for one in study.routes.store.answers() if one.session == person.number]
        assert [one.chosen for one in answers] == kept


def test_a_crowd_at_once_loses_nothing(study: Running) -> None:
    def whole(_: int) -> Person:
        person = study.begin()
        for trial in range(LENGTH):
            sent = [person.say(trial, 1 + trial % 2).status_code for _ in range(2)]
            assert sent == [200, 200]
        return person

    with ThreadPoolExecutor(8) as pool:
        people = list(pool.map(whole, range(16)))
    assert len({person.number for person in people}) == 16
    answers = study.routes.store.answers()
    for person in people:
        assert sum(answer.session == person.number for answer in answers) == LENGTH


def test_one_answer_from_two_sides_at_once_is_one(study: Running) -> None:
    person = study.begin()
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda k: person.say(0, 1 + k % 2).status_code, range(16)))
    assert sorted(set(sent)) == [200, 409]
    assert sent.count(200) == 8
    assert person.next() == 1


def test_a_client_that_is_too_fast_is_told_to_wait(tmp_path: Path) -> None:
    limits = Limits(burst=70, per_second=0.01)
    with running(tmp_path / "study.sqlite", limits) as study:
        person = study.begin()
        answer = study.post("api/sessions", {"consent": "yes"})
        assert refused(answer) == (429, "too many requests; wait a moment")
        assert int(answer.headers["Retry-After"]) > 1000
        assert person.say(0, 1).status_code == 200


def test_a_body_that_does_not_arrive_is_not_waited_for(tmp_path: Path) -> None:
    with running(tmp_path / "study.sqlite", Limits(body_seconds=0.2)) as study:
        place = urlsplit(study.address)
        client = socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=60)
        head = f"POST /api/sessions HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 9\r\n\r\n"
        with client:
            client.sendall(head.encode())
            assert client.recv(100).startswith(b"HTTP/1.1 408")


def test_a_store_that_is_held_is_said_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huescape.study.store._WAIT_SECONDS", 0.1)
    path = tmp_path / "study.sqlite"
    with running(path) as study:
        person = study.begin()
        with sqlite3.connect(path) as other:
            other.execute("begin immediate")
            answer = person.say(0, 1)
            other.rollback()
        other.close()
        assert refused(answer) == (503, "the answers cannot be kept now; try again in a moment")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "database is locked" in capfd.readouterr().err
        assert person.next() == 0
        assert person.say(0, 1).status_code == 200


def test_a_server_that_is_started_again_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite"
    with running(path) as study:
        person = study.begin()
        for trial in range(3):
            person.say(trial, 2)
        number = person.number
    with running(path) as again:
        same = Person(again, person.token)
        assert (same.next(), same.number) == (3, number)
        assert same.say(2, 2).json() == {"next": 3}
        finish(same)
        assert again.begin().number == number + 1
    with closing(Store(path)) as store:
        assert [one.chosen for one in store.answers()] == [2, 2, 2, 1, 1, 1, 1]
