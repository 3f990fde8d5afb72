"""Films together: refused before the first is colored, and a broken one stops no other."""

from __future__ import annotations

import errno
from functools import partial
from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.base.interrupts import Interrupted
from huescape.film import color_film, color_films, film_jobs
from huescape.film.facts import FilmFacts
from huescape.systems.system import save_system
from tests.coloring.systems import make_system
from tests.film.films import frames_of, make_film, waves


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_system(folder, make_system("yuv"), {}, "step,loss\n")
    return folder


@pytest.fixture
def films(tmp_path: Path) -> list[Path]:
    """One that is none between two that are, of names with a line break."""
    (tmp_path / "broken.mp4").write_text("no film")
    first, last = tmp_path / "a\n.mp4", tmp_path / "z\x1b[31m.mp4"
    make_film(first, waves(24, 32, 2)), make_film(last, waves(24, 32, 3))
    return [first, tmp_path / "broken.mp4", last]


def test_a_broken_film_stops_no_other(
    films: list[Path],
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert color_films(film_jobs(films, out), partial(color_film, model)) == 1
    assert [len(frames_of(out / films[k].name)) for k in (0, 2)] == [2, 3]
    said = capsys.readouterr()
    first, last = said.out.splitlines()
    assert first.startswith(f"colorize: {out}/a\\n.mp4: 2 frames of 32 x 24")
    assert last.startswith(f"colorize: {out}/z\\x1b[31m.mp4: 3 frames")
    assert "\x1b" not in said.err
    assert f"{tmp_path}/broken.mp4: is no film, or damaged" in said.err
    assert sorted(path.name for path in out.iterdir()) == [films[0].name, films[2].name]


def test_the_only_film_is_the_error(films: list[Path], model: Path, tmp_path: Path) -> None:
    color = partial(color_film, model)
    with pytest.raises(HuescapeError, match="is no film"):
        color_films(film_jobs(films[1:2], tmp_path / "out"), color)
    assert color_films(film_jobs(films[1:2], tmp_path / "out"), color, is_all=False) == 1
    assert not (tmp_path / "out").exists()


def test_a_result_that_is_there_is_refused_before_the_first_film(
    films: list[Path],
    model: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / films[2].name).write_text("mine")
    with pytest.raises(HuescapeError, match="is there already"):
        color_films(film_jobs(films, out), partial(color_film, model))
    assert list(out.iterdir()) == [out / films[2].name]
    assert (
        color_films(
            film_jobs(films, out, overwrite=True), partial(color_film, model, overwrite=True)
        )
        == 1
    )
    assert len(frames_of(out / films[2].name)) == 3


def test_a_full_disk_and_an_interruption_stop_all(films: list[Path], tmp_path: Path) -> None:
    tried = []

    def full(film: Path, out: Path) -> FilmFacts:
        tried.append(film)
        assert out.parent.is_dir()
        raise HuescapeError("cannot write") from OSError(errno.ENOSPC, "full")

    def interrupted(film: Path, out: Path) -> FilmFacts:
        tried.append(film)
        raise Interrupted("interrupted")

    with pytest.raises(HuescapeError, match="cannot write"):
        color_films(film_jobs(films, tmp_path / "out"), full)
    with pytest.raises(Interrupted):
        color_films(film_jobs(films, tmp_path / "out"), interrupted)
    assert tried == [films[0], films[0]]
    assert not (tmp_path / "out").exists()
