"""Albums: results like their photos, nobody's file lost, what is done is not done again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.base.errors import HuescapeError, ParamsError
from huescape.coloring.album import Naming, find_photos
from huescape.coloring.choices import Choices
from huescape.coloring.manner import Manner
from huescape.coloring.painting import colorize
from huescape.coloring.record import NAME
from huescape.coloring.work import Summary, color_photos, worker_count
from huescape.params.decodings import Decoding
from huescape.systems.system import System, save_system
from tests.coloring.files import deep_png, deep_tiff, encoded
from tests.coloring.icc import ADOBE_GAMMA, gamma_curve, ink_profile, rgb_profile
from tests.coloring.systems import make_system, picture, save
from tests.coloring.test_tags import exif_block


def color(model: Path, places: list[Path], out: Path, **choices: object) -> Summary:
    """As the command does."""
    found = find_photos([str(place) for place in places], out)
    return color_photos(found.photos, out, Choices(model, **choices))


def names(out: Path) -> list[str]:
    """The results in a folder."""
    files = (path for path in out.rglob("*") if path.is_file() and path.name != NAME)
    return sorted(str(path.relative_to(out)) for path in files)


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_results_have_the_names_and_formats_of_their_photos(model: Path, tmp_path: Path) -> None:
    wanted = {
        **{"a.jpg": "JPEG", "b.JPEG": "JPEG", "c.png": "PNG", "d.bmp": "PNG", "e.tif": "TIFF"},
        **{"f.webp": "WEBP", "g.gif": "PNG", "h.avif": "AVIF", "i.ppm": "PNG", "j.jp2": "PNG"},
    }
    photos = [save(tmp_path / "in" / name, picture(20, 30)) for name in wanted]
    summary = color(model, photos, tmp_path / "out")
    assert (summary.colored, summary.done, summary.skipped.total()) == (10, 0, 0)
    assert [Path(name).stem for name in names(tmp_path / "out")] == list("abcdefghij")
    for name, kind in wanted.items():
        result = next((tmp_path / "out").glob(f"{name[0]}.*"))
        assert Image.open(result).format == kind
        assert Image.open(result).size == (30, 20)


def test_folders_are_mirrored(model: Path, tmp_path: Path) -> None:
    for name in ("a.png", "x/a.png", "x/y/b.jpg"):
        save(tmp_path / "in" / name, picture(9, 9))
    color(model, [tmp_path / "in"], tmp_path / "out")
    assert names(tmp_path / "out") == ["a.png", "x/a.png", "x/y/b.jpg"]


def test_pixels_are_those_of_colorize(model: Path, tmp_path: Path, system: System) -> None:
    rgb = picture(64, 64)
    photos = [save(tmp_path / "in/a.png", rgb), save(tmp_path / "in/b.jpg", rgb, quality=100)]
    manner = Manner(Decoding(temperature=0.3), size=48, strength=1.5, edges=False)
    color(model, photos, tmp_path / "out", manner=manner)
    how = {"strength": 1.5, "edges": False, "as_print": True}
    exact = colorize(system, rgb, manner.decoding, 48, **how)
    np.testing.assert_array_equal(read(tmp_path / "out/a.png"), exact)
    assert np.abs(read(tmp_path / "out/b.jpg").astype(int) - exact).mean() < 2


@pytest.mark.parametrize("compares", [False, True])
def test_gray_photos_of_either_depth(
    model: Path, tmp_path: Path, system: System, compares: bool
) -> None:
    levels = picture(20, 30)[..., 0]
    save(tmp_path / "a.png", levels)
    (tmp_path / "b.png").write_bytes(deep_png(levels.astype(np.uint16) * 257))
    photos = [tmp_path / name for name in ("a.png", "b.png")]
    color(model, photos, tmp_path / "out", compares=compares)
    colored = read(tmp_path / "out/a.png")[:, -30:]
    np.testing.assert_array_equal(colored, colorize(system, levels, as_print=True))
    deep = np.asarray(Image.open(tmp_path / "out/b.png"))[:, -30:].astype(int)
    assert np.abs(deep - colored).max() <= 1


def test_one_photo_into_a_file(model: Path, tmp_path: Path) -> None:
    photo = save(tmp_path / "in/a.png", picture(9, 9))
    color(model, [photo], tmp_path / "new/b.tiff")
    assert Image.open(tmp_path / "new/b.tiff").format == "TIFF"
    assert names(tmp_path / "new") == ["b.tiff"]
    assert not (tmp_path / "new" / NAME).exists()
    with pytest.raises(HuescapeError, match=r"1 of 1 results exist, the first: .*b\.tiff"):
        color(model, [photo], tmp_path / "new/b.tiff")
    color(model, [photo], tmp_path / "new/b.tiff", overwrite=True)
    with pytest.raises(HuescapeError, match=r"a\.png: is one of the photos to color"):
        color(model, [photo], photo, overwrite=True)


def test_sixteen_bits_stay_where_the_format_has_them(model: Path, tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(20_000, 40_000, (20, 30, 3), dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(deep_png(levels))
    (tmp_path / "b.tif").write_bytes(deep_tiff(levels[..., 0]))
    photos = [tmp_path / "a.png", tmp_path / "b.tif"]
    color(model, photos, tmp_path / "out")
    assert (tmp_path / "out/a.png").read_bytes()[24] == 16
    assert set(Image.open(tmp_path / "out/b.tif").tag_v2[258]) == {16}
    color(model, photos, tmp_path / "jpg", naming=Naming(format="jpg"))
    assert names(tmp_path / "jpg") == ["a.jpg", "b.jpg"]


def test_alpha_stays_or_is_white(model: Path, tmp_path: Path, system: System) -> None:
    rgba = np.dstack([picture(20, 30), np.full((20, 30), 255, np.uint8)])
    rgba[:, :9, 3] = 0
    photo = save(tmp_path / "a.png", rgba)
    color(model, [photo], tmp_path / "out")
    found = read(tmp_path / "out/a.png")
    np.testing.assert_array_equal(found[..., 3], rgba[..., 3])
    color(model, [photo], tmp_path / "jpg", naming=Naming(format="jpg"))
    assert read(tmp_path / "jpg/a.jpg")[:, :7].min() > 245


def test_the_profile_counts_and_the_result_is_srgb(model: Path, tmp_path: Path) -> None:
    icc = rgb_profile(gamma_curve(ADOBE_GAMMA))
    plain = save(tmp_path / "plain.png", picture(20, 30))
    tagged = save(tmp_path / "tagged.png", picture(20, 30), icc_profile=icc)
    inks = tmp_path / "inks.tif"
    inks.write_bytes(
        encoded(Image.new("CMYK", (30, 20), (255, 0, 0, 0)), "TIFF", icc_profile=ink_profile())
    )
    color(model, [plain, tagged, inks], tmp_path / "out")
    assert (read(tmp_path / "out/plain.png") != read(tmp_path / "out/tagged.png")).any()
    assert read(tmp_path / "out/inks.tif").mean() < 60
    profiles = {
        Image.open(tmp_path / "out" / n).info["icc_profile"] for n in names(tmp_path / "out")
    }
    assert len(profiles) == 1


def test_exif_is_kept_and_upright(model: Path, tmp_path: Path) -> None:
    block = exif_block(orientation=6)
    photo = save(tmp_path / "a.jpg", picture(20, 30), exif=b"Exif\0\0" + block, dpi=(300, 300))
    color(model, [photo], tmp_path / "out")
    found = Image.open(tmp_path / "out/a.jpg")
    assert found.size == (20, 30)
    assert found.info["dpi"] == (300, 300)
    kept = found.info["exif"].removeprefix(b"Exif\0\0")
    assert [k for k in range(len(block)) if kept[k] != block[k]] == [
        k for k in range(len(block)) if block[k] != exif_block(orientation=1)[k]
    ]


def test_side_by_side(model: Path, tmp_path: Path, system: System) -> None:
    rgb = picture(20, 30)
    color(model, [save(tmp_path / "a.png", rgb)], tmp_path / "out", compares=True)
    found = read(tmp_path / "out/a.png")
    np.testing.assert_array_equal(found[:, 30:], colorize(system, rgb, as_print=True))
    assert (np.ptp(found[:, :30].astype(int), axis=-1) <= 1).all()


def test_what_may_be_of_interest_is_a_line(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [Image.fromarray(picture(8, 8) // k) for k in (1, 2)]
    (tmp_path / "a.gif").write_bytes(
        encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    )
    save(tmp_path / "b.png", picture(8, 8), icc_profile=b"nonsense")
    color(model, [tmp_path / "a.gif", tmp_path / "b.png"], tmp_path / "out")
    assert [
        line for line in capsys.readouterr().err.splitlines() if line.startswith(str(tmp_path))
    ] == [
        f"{tmp_path}/a.gif: the first of its 2 pictures was colored",
        f"{tmp_path}/b.png: its color profile is damaged; its pixels were taken as sRGB",
    ]


def test_what_is_done_is_not_done_again(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = [save(tmp_path / "in" / name, picture(9, 9)) for name in ("a.png", "b.png", "c.png")]
    color(model, photos[:2], tmp_path / "out")
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out").glob("*.png")}
    summary = color(model, photos, tmp_path / "out")
    assert (summary.colored, summary.done) == (1, 2)
    assert "colorize: 1 colored, 2 done before, 0 skipped, " in capsys.readouterr().out
    assert all((tmp_path / "out" / n).stat().st_mtime_ns == time for n, time in before.items())
    (tmp_path / "out/a.png").unlink()
    assert color(model, photos, tmp_path / "out").colored == 1


def test_own_results_are_replaced_when_something_else_is_wanted(
    model: Path, tmp_path: Path
) -> None:
    photo = save(tmp_path / "in/a.png", picture(9, 9))
    out = tmp_path / "out"
    color(model, [photo], out)
    first = (out / "a.png").read_bytes()
    assert color(model, [photo], out, manner=Manner(strength=0.0)).colored == 1
    second = (out / "a.png").read_bytes()
    assert second != first
    assert color(model, [photo], out, manner=Manner(strength=0.0)).done == 1
    save(photo, picture(9, 7))
    assert color(model, [photo], out, manner=Manner(strength=0.0)).colored == 1
    assert Image.open(out / "a.png").size == (7, 9)
    other = tmp_path / "other"
    save_system(other, make_system("lab"), {}, "step,loss\n")
    assert color(other, [photo], out).colored == 1
    assert names(out) == ["a.png"]


def test_files_of_others_are_refused_before_the_first_photo(model: Path, tmp_path: Path) -> None:
    photos = [save(tmp_path / "in" / name, picture(9, 9)) for name in ("a.png", "b.png", "c.png")]
    out = tmp_path / "out"
    out.mkdir()
    for name in ("b.png", "c.png"):
        (out / name).write_text("the user's")
    with pytest.raises(HuescapeError, match=r"2 of 3 results exist, the first: .*b\.png; .*--over"):
        color(model, photos, out)
    assert sorted(p.name for p in out.iterdir()) == ["b.png", "c.png"]
    assert {p.read_text() for p in out.iterdir()} == {"the user's"}
    color(model, photos, out, overwrite=True)
    assert {Image.open(out / name).size for name in names(out)} == {(9, 9)}


def test_a_result_that_somebody_changed_is_theirs(model: Path, tmp_path: Path) -> None:
    photos = [save(tmp_path / "in" / name, picture(9, 9)) for name in ("a.png", "b.png")]
    color(model, photos, tmp_path / "out")
    (tmp_path / "out/a.png").write_text("retouched")
    with pytest.raises(
        HuescapeError, match=r"1 of 2 results exist, the first: .*out/a\.png; it is not"
    ):
        color(model, photos, tmp_path / "out", manner=Manner(strength=2.0))
    assert (tmp_path / "out/a.png").read_text() == "retouched"


def test_results_of_another_folder_are_not_replaced(model: Path, tmp_path: Path) -> None:
    one, other = (
        save(tmp_path / x / "p.png", picture(9, side)) for x, side in (("a", 9), ("b", 7))
    )
    color(model, [one], tmp_path / "out")
    with pytest.raises(HuescapeError, match="1 of 1 results exist"):
        color(model, [other], tmp_path / "out")
    assert Image.open(tmp_path / "out/p.png").size == (9, 9)
    # With both, the other has a name of its own, and the first is done.
    summary = color(model, [other, one], tmp_path / "out")
    assert (summary.colored, summary.done) == (1, 1)
    assert Image.open(tmp_path / "out/p-2.png").size == (7, 9)


def test_an_album_that_was_moved_with_its_photos_is_done(model: Path, tmp_path: Path) -> None:
    save(tmp_path / "one/in/a.png", picture(9, 9))
    color(model, [tmp_path / "one/in"], tmp_path / "one/out")
    (tmp_path / "one").rename(tmp_path / "two")
    assert color(model, [tmp_path / "two/in"], tmp_path / "two/out").done == 1


def test_a_damaged_record_is_a_line_and_no_loss(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = [save(tmp_path / "in" / name, picture(9, 9)) for name in ("a.png", "b.png")]
    out = tmp_path / "out"
    color(model, photos, out)
    before = (out / "a.png").read_bytes()
    lines = (out / NAME).read_bytes().splitlines()
    (out / NAME).write_bytes(b"\0\0\0\n" + lines[1] + b"\n")
    with pytest.raises(HuescapeError, match=r"1 of 2 results exist, the first: .*out/a\.png"):
        color(model, photos, out)
    assert f"{out / NAME}: damaged in line 1 (of 1)" in capsys.readouterr().err
    assert (out / "a.png").read_bytes() == before
    assert color(model, photos[1:], out).done == 1


def test_results_in_the_folder_of_the_photos_are_no_photos(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = [save(tmp_path / name, picture(9, 9)) for name in ("p.png", "q.png")]
    pattern = tmp_path / "*.png"
    assert color(model, [pattern], tmp_path, naming=Naming("-colored")).colored == 2
    summary = color(model, [pattern], tmp_path, naming=Naming("-colored"))
    assert (summary.colored, summary.done) == (0, 2)
    assert "2 results of colorize in there are not colored again" in capsys.readouterr().err
    assert names(tmp_path) == ["p-colored.png", "p.png", "q-colored.png", "q.png"]
    assert [read(photo).tolist() for photo in photos] == [picture(9, 9).tolist()] * 2


def test_no_photo_is_overwritten(model: Path, tmp_path: Path) -> None:
    photos = [save(tmp_path / name, picture(9, 9)) for name in ("p.png", "p-2.png", "q.jpg")]
    before = [p.read_bytes() for p in photos]
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    color(model, photos, link)
    assert [p.read_bytes() for p in photos] == before
    found = {path.name for path in tmp_path.iterdir() if path.name != NAME}
    assert found == {"p.png", "p-2.png", "q.jpg", "link", "p-3.png", "p-2-2.png", "q-2.jpg"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_photo_is_not_replaced_by_another_of_its_names(
    model: Path, tmp_path: Path, overwrite: bool
) -> None:
    photo, linked = (save(tmp_path / "in" / name, picture(9, 9)) for name in ("p.png", "q.png"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/p.png").symlink_to(photo)  # leads to the photo: another name is taken
    (tmp_path / "out/q.png").hardlink_to(linked)
    before = photo.read_bytes()
    color(model, [photo], tmp_path / "out", overwrite=overwrite)
    assert names(tmp_path / "out") == ["p-2.png", "p.png", "q.png"]
    with pytest.raises(HuescapeError, match=r"q\.png: is one of the photos to color"):
        color(model, [linked], tmp_path / "out", overwrite=overwrite)
    assert photo.read_bytes() == linked.read_bytes() == before
    assert (tmp_path / "out/q.png").samefile(linked)


def test_folders_and_files_in_the_way_are_never_replaced(model: Path, tmp_path: Path) -> None:
    save(tmp_path / "in/p.png", picture(9, 9))
    save(tmp_path / "in/x/q.png", picture(9, 9))
    (tmp_path / "out/p.png").mkdir(parents=True)
    with pytest.raises(HuescapeError, match=r"p\.png: is a folder"):
        color(model, [tmp_path / "in"], tmp_path / "out", overwrite=True)
    (tmp_path / "out/p.png").rmdir()
    (tmp_path / "out/x").write_text("a file")
    with pytest.raises(HuescapeError, match="out/x: is no folder"):
        color(model, [tmp_path / "in"], tmp_path / "out", overwrite=True)
    assert names(tmp_path / "out") == ["x"]


@pytest.mark.parametrize("stem", ["山" * 83, "a" * 251])
def test_the_longest_names_work(model: Path, tmp_path: Path, stem: str) -> None:
    photos = [save(tmp_path / "in" / f"{name}.jpg", picture(9, 9)) for name in ("a", stem, "z")]
    color(model, photos, tmp_path / "out")
    assert names(tmp_path / "out") == sorted(p.name for p in photos)


def test_a_result_whose_name_is_too_long_stops_no_other(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a photo without a suffix, a PNG's name is longer."""
    photos = [
        save(tmp_path / "in" / name, picture(9, 9), format="PNG") for name in ("b" * 255, "z.png")
    ]
    with pytest.raises(HuescapeError, match="1 of 2 photos"):
        color(model, photos, tmp_path / "out")
    assert "File name too long" in capsys.readouterr().err
    assert names(tmp_path / "out") == ["z.png"]


def test_a_bad_photo_is_one_line_and_the_others_go_on(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = [save(tmp_path / name, picture(9, 9)) for name in ("a.png", "z.png")]
    text = tmp_path / "text.jpg"
    text.write_text("not a photo")
    cut = tmp_path / "cut.png"
    cut.write_bytes(save(tmp_path / "whole.png", picture(90, 90)).read_bytes()[:300])
    huge = save(tmp_path / "huge.png", np.zeros((2000, 600), np.uint8))
    photos = [good[0], text, cut, tmp_path / "absent.jpg", huge, good[1]]
    with pytest.raises(HuescapeError, match="4 of 6 photos could not be colored"):
        color(model, photos, tmp_path / "out", max_megapixels=1)
    said = capsys.readouterr()
    failures = [line for line in said.err.splitlines() if line.startswith(str(tmp_path))]
    assert [line.split(": ")[0] for line in failures] == [str(p) for p in photos[1:-1]]
    assert "is not a photo, or damaged" in failures[0]
    assert failures[2].endswith("absent.jpg: cannot be read: No such file or directory")
    assert failures[3].endswith("1,200,000 pixels; the limit is 1,000,000 pixels")
    assert names(tmp_path / "out") == ["a.png", "z.png"]
    assert (
        "colorize: 2 colored, 0 done before, 4 skipped "
        "(2 no photo or damaged, 1 not readable, 1 too large), "
    ) in said.out


def test_a_photo_s_name_breaks_no_line(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "two\nlines\x1b[31m.jpg"
    bad.write_text("not a photo")
    with pytest.raises(HuescapeError, match="1 of 1 photos could not be colored"):
        color(model, [bad], tmp_path / "out")
    said = capsys.readouterr().err
    assert f"{tmp_path}/two\\nlines\\x1b[31m.jpg: is not a photo" in said
    assert "\x1b[31m" not in said


def test_where_nothing_can_be_colored_nothing_is_left(model: Path, tmp_path: Path) -> None:
    bad = tmp_path / "in/x/bad.jpg"
    bad.parent.mkdir(parents=True)
    bad.write_text("not a photo")
    with pytest.raises(HuescapeError, match="1 of 1 photos"):
        color(model, [tmp_path / "in"], tmp_path / "new/out")
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    with pytest.raises(HuescapeError, match="1 of 1 photos"):
        color(model, [tmp_path / "in"], tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []


def test_without_a_model_nothing_is_left(tmp_path: Path) -> None:
    photo = save(tmp_path / "a.png", picture(9, 9))
    with pytest.raises(HuescapeError, match=r"system\.json: no such file"):
        color(tmp_path, [photo], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_that_are_damaged_are_one_error(model: Path, tmp_path: Path) -> None:
    """Of the model, not of each photo."""
    photos = [save(tmp_path / name, picture(9, 9)) for name in ("a.png", "b.png")]
    broken = tmp_path / "broken"
    save_system(broken, make_system("yuv"), {}, "step,loss\n")
    (broken / "weights.safetensors").write_bytes(b"damaged")
    with pytest.raises(HuescapeError, match=r"broken/weights\.safetensors"):
        color(broken, photos, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be(model: Path, tmp_path: Path) -> None:
    photo = save(tmp_path / "p.png", picture(9, 9))
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(HuescapeError, match="out: is no folder; name another output"):
        color(model, [photo], tmp_path / "out")
    with pytest.raises(HuescapeError, match=r"cannot write to .*out/below: Not a directory"):
        color(model, [photo], tmp_path / "out/below")


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"manner": Manner(size=7)}, "--size is 7; allowed: at least 8"),
        ({"manner": Manner(strength=3.1)}, "--strength is 3.1; allowed: 0 to 3"),
        ({"manner": Manner(strength=float("nan"))}, "--strength is nan; allowed: 0 to 3"),
        ({"naming": Naming("/")}, "--suffix is '/'; allowed"),
        ({"max_megapixels": 0}, "--max-megapixels is 0; allowed: above 0"),
        ({"workers": 0}, "--workers is 0; allowed: 1 to"),
    ],
)
def test_numbers_out_of_range(
    model: Path, tmp_path: Path, choices: dict[str, object], words: str
) -> None:
    photo = save(tmp_path / "p.png", picture(9, 9))
    with pytest.raises(ParamsError, match=words):
        color(model, [photo], tmp_path / "out", **choices)
    with pytest.raises(ParamsError, match="no photo"):
        color_photos([], tmp_path / "out", Choices(model))
    assert not (tmp_path / "out").exists()


def test_workers_are_as_many_as_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUESCAPE_WORKERS", "4")
    assert [worker_count(None, n) for n in (0, 1, 15, 16, 31, 32, 1000)] == [1, 1, 1, 2, 3, 4, 4]
    assert [worker_count(3, n) for n in (0, 1, 2, 100)] == [1, 1, 2, 3]


@pytest.mark.long
def test_workers_make_the_same_results(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for k in range(7):
        save(tmp_path / f"in/{k}.png", picture(40, 30 + k))
    (tmp_path / "in/bad.png").write_text("not a photo")
    told = []
    for workers in (1, 2):
        with pytest.raises(HuescapeError, match="1 of 8 photos"):
            color(model, [tmp_path / "in"], tmp_path / f"out{workers}", workers=workers)
        told.append(capsys.readouterr())
    one, two = tmp_path / "out1", tmp_path / "out2"
    assert names(one) == names(two) == [f"{k}.png" for k in range(7)]
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names(one))
    assert sorted((one / NAME).read_bytes().splitlines()) == sorted(
        (two / NAME).read_bytes().splitlines()
    )
    said = [[line for line in t.err.splitlines() if line.startswith(str(tmp_path))] for t in told]
    assert (
        said[0] == said[1] == [f"{tmp_path}/in/bad.png: is not a photo, or damaged: not an image"]
    )
