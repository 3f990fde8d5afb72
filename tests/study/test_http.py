"""A study by its addresses, at a real server: sessions, pictures, answers, refusals."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from huescape.color.spaces import rgb_to_lab
from huescape.study.limits import Limits
from tests.serving.running import refused
from tests.study.running import DESIGN, LENGTH, SYSTEMS, Person, Running, finish, running, scenes


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("study") / "study.sqlite") as found:
        yield found


def test_a_session_from_its_beginning_to_its_end(study: Running) -> None:
    person = study.begin()
    plan = person.plan
    assert person.next() == 0
    told = finish(person)
    assert [one["next"] for one in told] == [*range(1, LENGTH + 1)]
    assert person.next() == LENGTH
    kept = [one for one in study.routes.store.answers() if one.session == person.number]
    assert [one.trial for one in kept] == [*range(LENGTH)]
    names = list(scenes(DESIGN.photos))
    for answer, trial in zip(kept, plan, strict=True):
        system = "random" if trial.system is None else SYSTEMS[trial.system]
        assert (answer.kind, answer.photo, answer.system) == (
            trial.kind,
            names[trial.photo],
            system,
        )
        assert (answer.fake_first, answer.trials) == (trial.fake_first, LENGTH)
        assert (answer.chosen, answer.reaction_ms, answer.looks) == (1, 650.5, 1)
        assert (answer.first_ms, answer.second_ms) == (1000, 1001.5)


def test_only_practice_is_told_what_was_right(study: Running) -> None:
    person = study.begin()
    for told, trial in zip(finish(person), person.plan, strict=True):
        if trial.kind == "practice":
            assert told["fake"] == (1 if trial.fake_first else 2)
        else:
            assert list(told) == ["next"]


def test_one_picture_is_the_photo_and_the_other_is_colored(study: Running) -> None:
    person, photos = study.begin(), list(scenes(DESIGN.photos).values())
    for number, trial in enumerate(person.plan):
        shown = [person.see(number, place) for place in (1, 2)]
        for answer in shown:
            assert answer.headers["Content-Type"] == "image/png"
            assert answer.headers["Cache-Control"] == "no-store"
        fake, real = (shown if trial.fake_first else shown[::-1])[:2]
        pixels = [np.asarray(Image.open(io.BytesIO(one.content))) for one in (real, fake)]
        assert (pixels[0] == photos[trial.photo]).all()
        assert pixels[1].shape == pixels[0].shape
        assert (pixels[1] != pixels[0]).any()
        lightness = [rgb_to_lab(one)[..., 0] for one in pixels]
        assert np.abs(lightness[0] - lightness[1]).mean() < 1.5  # some colors leave the gamut
        person.say(number, 1)


def test_nothing_that_is_sent_says_which_is_real(study: Running) -> None:
    """Same headers but for the length, no metadata, and addresses by number alone."""
    person = study.begin()
    first, second = person.see(0, 1), person.see(0, 2)
    same = [{k: v for k, v in one.headers.items() if k not in ("date", "content-length")}
            for one in (first, second)]  # fmt: skip
    assert same[0] == same[1]
    for answer in (first, second):
        assert Image.open(io.BytesIO(answer.content)).info == {}
    for path in ("api/study", person.place):
        words = study.get(path).text
        for secret in (*SYSTEMS, "scene", "random", "catch", "fake"):
            assert secret not in words


def test_what_the_page_has_to_know(study: Running) -> None:
    about = {"practice": 2, "trials": 5, "shown_ms": 1000, "empty_ms": 500}
    assert study.get("api/study").json() == about


def test_an_answer_that_is_sent_twice_counts_once(study: Running) -> None:
    person = study.begin()
    first = person.say(0, 2)
    again = person.say(0, 2, reaction_ms=9.0, looks=3)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    kept = [one for one in study.routes.store.answers() if one.session == person.number]
    assert [one.reaction_ms for one in kept] == [650.5]
    assert refused(person.say(0, 1)) == (409, "trial 0 is answered already")
    assert person.next() == 1


def test_trials_have_their_turn(study: Running) -> None:
    person = study.begin()
    person.say(0, 1)
    said = (409, "trial 3 is not at hand; it is the turn of 1")
    assert refused(person.say(3, 1)) == said
    assert refused(person.see(3, 1)) == said
    assert refused(person.see(0, 1)) == (409, "trial 0 is not at hand; it is the turn of 1")
    finish(person)
    said = (409, f"trial {LENGTH - 1} is not at hand; the session is over")
    assert refused(person.see(LENGTH - 1, 1)) == said
    for trial in (LENGTH, -1, 10**30):
        words = f"no trial {str(trial)[:20]}; allowed: 0 to {LENGTH - 1}"
        assert refused(person.say(trial, 1)) == (404, words)
    assert person.next() == LENGTH


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"fake": 3}, "fake is 3; allowed: a whole number at least 1, at most 2"),
        ({"fake": "1"}, "fake is '1'; allowed: a whole number at least 1, at most 2"),
        ({"fake": True}, "fake is True; allowed: a whole number at least 1, at most 2"),
        ({"fake": None}, "fake is None; allowed: a whole number at least 1, at most 2"),
        ({"reaction_ms": -1}, "reaction_ms is -1; allowed: a number at least 0, at most 86400000"),
        ({"first_ms": "1e3"}, "first_ms is '1e3'; allowed: a number at least 0, at most 86400000"),
        ({"looks": 0}, "looks is 0; allowed: a whole number at least 1, at most 1000"),
        ({"looks": 1.5}, "looks is 1.5; allowed: a whole number at least 1, at most 1000"),
        ({"name": "Ada"}, "name: no such key"),
    ],
)
def test_a_wrong_answer_is_one_line(study: Running, message: dict[str, Any], said: str) -> None:
    person = study.begin()
    assert refused(person.say(0, **({"fake": 1} | message))) == (422, said)
    assert person.next() == 0


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"1"', b"\xff", b"fake=1", b"[" * 900, b'{"fake": NaN}']
)
def test_what_is_no_answer_is_one_line(study: Running, body: bytes) -> None:
    person = study.begin()
    address = f"{study.address}/{person.place}/trials/0"
    status, said = refused(requests.post(address, body, timeout=60))
    assert status == 422
    assert "allowed: " in said
    assert person.next() == 0


def test_what_is_missing_is_named(study: Running) -> None:
    person = study.begin()
    answer = study.post(f"{person.place}/trials/0", {"fake": 1})
    assert refused(answer)[1].startswith("reaction_ms: is missing; allowed: ")


def test_too_much_is_not_read(study: Running) -> None:
    person = study.begin()
    said = (413, "the body is too large; allowed: 1,000 bytes")
    assert refused(person.say(0, 1, more="x" * 2000)) == said
    assert refused(study.post("api/sessions", {"consent": "x" * 2000})) == said
    chunks = (b"x" * 600 for _ in range(5))
    answer = requests.post(f"{study.address}/{person.place}/trials/0", chunks, timeout=60)
    assert refused(answer) == said


def test_nobody_begins_without_consent(study: Running) -> None:
    begun = study.routes.store.begun()
    answers = [study.post("api/sessions", message) for message in ({}, {"consent": "no"})]
    assert [refused(answer) for answer in answers] == [
        (422, "consent: is missing; allowed: yes"),
        (422, "consent is 'no'; allowed: yes"),
    ]
    assert study.routes.store.begun() == begun


def test_unknown_places_are_one_line(study: Running) -> None:
    person = study.begin()
    stranger = Person(study, "nosuch")
    assert refused(study.get(stranger.place)) == (404, "no such session")
    assert refused(stranger.see(0, 1)) == (404, "no such session")
    assert refused(stranger.say(0, 1)) == (404, "no such session")
    assert refused(person.see(0, 3)) == (404, "no such picture; allowed: 1 and 2")
    assert refused(study.get(f"{person.place}/trials/first/1")) == (404, "no such place")
    assert refused(study.get("api/answers"))[0] == 404
    assert refused(study.get("study.sqlite"))[0] == 404
    assert refused(study.get("api/sessions"))[0] == 405


def test_other_sites_may_neither_begin_nor_answer(study: Running) -> None:
    person = study.begin()
    headers = {"Origin": "http://evil.example"}
    said = (403, "requests from other sites are refused")
    assert refused(study.post("api/sessions", {"consent": "yes"}, headers=headers)) == said
    place = f"{person.place}/trials/0"
    assert refused(study.post(place, {"fake": 1}, headers=headers)) == said
    answer = study.get(person.place, headers={"Host": "evil.example"})
    assert refused(answer)[0] == 400
    page = study.get("")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'; ")
    assert "Set-Cookie" not in page.headers


def test_messages_are_small() -> None:
    """Limits leave room for whatever the page sends."""
    longest = {"fake": 1, "reaction_ms": 86399999.123456789, "first_ms": 86399999.123456789}
    longest |= {"second_ms": 86399999.123456789, "looks": 1000}
    assert len(json.dumps(longest)) < Limits().body_bytes / 4
