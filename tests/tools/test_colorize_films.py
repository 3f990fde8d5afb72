"""The command colorize on films: colored as from Python, and all that is wrong said beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.cli import main
from huescape.film import color_film
from huescape.params.decodings import ANNEALED
from huescape.systems.system import save_system
from tests.coloring.systems import make_system, picture
from tests.film.films import make_film, rgb_of, waves


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a system `toy`, two short films and a photo."""
    monkeypatch.chdir(tmp_path)
    save_system(tmp_path / "toy", make_system("yuv"), {}, "step,loss\n")
    for number, name in enumerate(("a.mkv", "b.mkv")):
        make_film(tmp_path / name, waves(48, 64, 3 + number), "ffv1", "yuv444p")
    Image.fromarray(picture(20, 30)).save(tmp_path / "c.png")
    return tmp_path


def colorize(*words: str) -> int:
    return main(["colorize", *words, "--system", "./toy", "--size", "64"])


def test_films_are_colored_as_from_python_and_photos_beside_them(folder: Path) -> None:
    assert colorize("a.mkv", "c.png", "-o", "out") == 0
    color_film(folder / "toy", folder / "a.mkv", folder / "again.mkv", ANNEALED, 64)
    found, again = rgb_of(folder / "out/a.mkv"), rgb_of(folder / "again.mkv")
    assert len(found) == len(again) == 3
    assert all((one == other).all() for one, other in zip(found, again, strict=True))
    assert np.asarray(Image.open(folder / "out/c.png")).shape == (20, 30, 3)


def test_a_film_that_is_there_is_said_before_any_is_colored(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "out").mkdir()
    (folder / "out/b.mkv").write_bytes(b"mine")
    assert colorize("a.mkv", "b.mkv", "-o", "out") == 1
    out, err = capsys.readouterr()
    assert "out/b.mkv: is there already; name another result, or add --overwrite" in err
    assert not out
    assert [path.name for path in (folder / "out").iterdir()] == ["b.mkv"]
    assert colorize("a.mkv", "b.mkv", "-o", "out", "--overwrite") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.mkv", "b.mkv", "-o", "out.mkv"], "out.mkv: names one film, and 2 are given"),
        (["a.mkv", "c.png", "-o", "out.mkv"], "out.mkv: names one film, and photos are given"),
        (["a.mkv", "-o", "out.wmv"], "out.wmv: no film is written as .wmv"),
    ],
)
def test_an_output_that_cannot_be_is_said_before_a_model_is_loaded(
    words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.iterdir())
    assert colorize(*words) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert not out
    assert sorted(folder.iterdir()) == before
