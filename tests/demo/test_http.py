"""The server as any client meets it: a real one, over real sockets."""

from __future__ import annotations

import gc
import io
import time
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
import requests
from PIL import Image

from huescape.coloring.painting import colorize
from huescape.coloring.strokes import Hint
from huescape.demo.limits import Limits
from huescape.demo.photo import Look, quick
from huescape.demo.routes import Model
from huescape.params.decodings import Decoding
from huescape.systems.system import load_system
from tests.coloring.test_export import write
from tests.demo.running import USUAL, Demo, bomb, file_of, refused, running, scene

PHOTO = file_of(scene())


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running(Limits(upload_bytes=200_000, pixels=100_000, burst=1e9)) as found:
        yield found


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
    expected_HW3 = colorize(
        demo.routes.model.system, scene(), decoding, strength=strength, as_print=True
    )
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


HINTS = "hint=20,5,%23d02020&hint=60,60,%232060d0"


def test_hints_are_looked_at_with_every_look(demo: Demo) -> None:
    token = demo.token(PHOTO)
    hints = (Hint(20, 5, (208, 32, 32)), Hint(60, 60, (32, 96, 208)))
    photo = demo.routes.photos.get(token)
    for query, strength in ((HINTS, 1.0), (f"strength=0.5&{HINTS}", 0.5)):
        expected_HW3 = photo.full(Look(USUAL, strength, hints))
        assert (expected_HW3 != photo.full(Look(USUAL, strength))).any()
        assert (demo.picture(token, f"result?{query}") == expected_HW3).all()
        assert demo.get(f"api/photos/{token}/preview?{query}").content == quick(expected_HW3)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("hint=10,20", "hint is '10,20', which has 2 parts; allowed: x,y,#rrggbb"),
        ("hint=", "hint is '', which has 1 part; allowed: x,y,#rrggbb"),
        ("hint=0.5,1,%23000000", "hint is '0.5,1,#000000': x is '0.5', no whole number; allowed"),
        ("hint=1,1,red", "hint is '1,1,red': 'red' is no color; allowed: x,y,#rrggbb"),
        ("hint=1,1,%23000000&hint=96,0,%23000000", "hint at 96,0 lies outside the photo of 96 x"),
        ("hint=1,-1,%23000000", "hint at 1,-1 lies outside the photo of 96 x 64 pixels; allowed"),
        ("hint=1,1,%0a%1b" + "x" * 9999, "hint is '1,1,\\n\\x1bxxx"),
        ("&".join(["hint=1,1,%23000000"] * 33), "hint is given 33 times; allowed: at most 32"),
    ],
)
def test_a_wrong_hint_is_one_line(demo: Demo, query: str, said: str) -> None:
    token = demo.token(PHOTO)
    for place in ("preview", "result"):
        status, line = refused(demo.get(f"api/photos/{token}/{place}?{query}"))
        assert status == 422
        assert line.startswith(said)
        assert len(line) < 250
    assert demo.get(f"api/photos/{token}/preview").status_code == 200


def test_as_many_hints_as_are_allowed_are_taken(demo: Demo) -> None:
    most = demo.get("api/model").json()["hints"]
    query = "&".join(f"hint={place},{place},%23c04040" for place in range(most))
    assert demo.picture(demo.token(PHOTO), f"preview?{query}").shape == (64, 96, 3)


def test_the_network_does_not_run_again(demo: Demo) -> None:
    runs: list[int] = []
    network = demo.routes.model.system.network
    handle = network.register_forward_hook(lambda *_: runs.append(1))
    token = demo.token(PHOTO)
    for tau in np.linspace(0, 1, 9):
        demo.picture(token, f"preview?tau={tau}")
        demo.picture(token, f"preview?tau={tau}&{HINTS}")
    demo.picture(token, "result?format=jpeg")
    demo.picture(token, f"result?{HINTS}")
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
            assert said == (422, f"{name}: this model predicts colors; allowed: strength, hint")


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
