"""Which films are named, and where their results go: never onto a film, never onto another's."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from huescape.base.errors import HuescapeError, ParamsError
from huescape.film.places import refuse_conflict, refuse_film_for_photos, result_paths, split

LONG = "n" * 300


def test_films_and_other_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.mp4", "[x].mp4", "c.mov"):
        Path(name).touch()
    Path("link.mp4").symlink_to("a.mp4")
    Image.new("RGB", (8, 8)).save("photo.mp4", "png")
    films, others = split(["a.mp4", "d", "link.mp4", "*.jpg", "no*.mp4", "[x].mp4"])
    assert films == [Path("a.mp4"), Path("no*.mp4"), Path("[x].mp4")]
    assert others == ["d", "*.jpg"]
    assert split(["*.mp4"]) == ([Path("[x].mp4"), Path("a.mp4"), Path("b.mp4")], ["photo.mp4"])
    assert split([f"{LONG}.mp4", f"{LONG}.jpg"]) == ([Path(f"{LONG}.mp4")], [f"{LONG}.jpg"])


def test_photos_go_into_no_film(tmp_path: Path) -> None:
    refuse_film_for_photos(tmp_path / "b.png")
    for name in ("b.mp4", "b.WMV", f"{LONG}.mp4"):
        with pytest.raises(ParamsError, match="names one film, and photos are given"):
            refuse_film_for_photos(tmp_path / name)
    (tmp_path / "b.mp4").mkdir()
    refuse_film_for_photos(tmp_path / "b.mp4")


def test_names_that_no_disk_takes_are_for_the_one_who_writes(tmp_path: Path) -> None:
    film = tmp_path / "a.mp4"
    out = tmp_path / f"{LONG}.mp4"
    assert result_paths([film], out) == [out]
    assert result_paths([film], tmp_path / LONG) == [tmp_path / LONG / "a.mp4"]
    refuse_conflict(film, out, overwrite=False)


def test_links_that_lead_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").symlink_to("b.mp4")
    (tmp_path / "b.mp4").symlink_to("a.mp4")
    film = tmp_path / "a.mp4"
    assert result_paths([film], tmp_path / "out") == [tmp_path / "out" / "a.mp4"]
    with pytest.raises(HuescapeError, match="is there already"):
        refuse_conflict(tmp_path / "c.mp4", film, overwrite=False)


def test_where_the_result_goes(tmp_path: Path) -> None:
    film, out = tmp_path / "in" / "a.MP4", tmp_path / "out"
    assert result_paths([film], tmp_path / "b.mkv") == [tmp_path / "b.mkv"]
    assert result_paths([film], out) == [out / "a.MP4"]
    assert result_paths([film.with_suffix(".wmv")], out) == [out / "a.mkv"]
    (tmp_path / "v.mp4").mkdir()
    assert result_paths([film], tmp_path / "v.mp4") == [tmp_path / "v.mp4" / "a.MP4"]
    assert result_paths([film], film.parent) == [film.parent / "a-2.MP4"]


def test_results_are_all_different(tmp_path: Path) -> None:
    films = [tmp_path / name for name in ("x/a.mp4", "y/a.mp4", "y/A.MP4", "out/a-2.mp4")]
    names = [path.name for path in result_paths(films, tmp_path / "out")]
    assert names == ["a.mp4", "a-3.mp4", "A-4.MP4", "a-2-2.mp4"]
    with pytest.raises(ParamsError, match=r"b\.mp4: names one film, and 4 are given"):
        result_paths(films, tmp_path / "b.mp4")


@pytest.mark.parametrize("name", ["b.png", "b.JPG", "b.wmv", "b.gif"])
def test_a_result_of_another_kind_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"no film is written as .*; allowed: \.mp4"):
        result_paths([tmp_path / "a.mp4"], tmp_path / name)
    (tmp_path / name).mkdir()
    assert result_paths([tmp_path / "a.mp4"], tmp_path / name) == [tmp_path / name / "a.mp4"]
