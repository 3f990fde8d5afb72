"""The command gallery: which photos it takes, and one line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.cli import main
from huescape.landscapes.render import render_scene
from tests.coloring.test_export import write

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's parameters, an untrained ColorUNet and a folder of photos."""
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    write(tmp_path / "models/colorunet", "colorunet", "yuv32", "yuv")
    for number, name in enumerate(("a.png", "deep/b.png", "deep/er/c.png")):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rgb = render_scene("m/mountain", np.random.default_rng(number), 48, 32)
        Image.fromarray(rgb).save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gallery(*arguments: str) -> int:
    return main(["gallery", "--system", "colorunet", *arguments])


Said = pytest.CaptureFixture[str]


def test_folders_are_walked_and_each_photo_is_drawn_once(project: Path, capsys: Said) -> None:
    (project / "photos/raw.nef").write_bytes(b"x")
    (project / "photos/bad.jpg").write_text("no photo")
    assert gallery("photos", "photos/a.png", "-o", "gallery", "--decodings") == 0
    done = capsys.readouterr()
    used, counted = done.out.splitlines()
    assert used.startswith("gallery: colorunet (models/colorunet), annealed ")
    assert counted.startswith("gallery: photos 3, sheets 1, auc 0.")
    said = [line for line in done.err.splitlines() if line.startswith("photos")]
    assert said == [
        "photos: not read: 1 camera raw .nef",
        "photos/bad.jpg: is not a photo, or damaged: not an image",
    ]
    names = sorted(path.name for path in (project / "gallery").iterdir())
    assert names == ["index.html", "sheet-001.png"]
    page = (project / "gallery/index.html").read_text()
    assert "3 photos, colorunet annealed T=0.38, colorunet annealed T=1, " in page
    assert "colorunet median;" in page
    assert gallery("photos", "-o", "gallery") == 1
    assert gallery("photos", "-o", "gallery", "--overwrite") == 0


def test_some_of_them_are_those_of_the_seed(project: Path) -> None:
    def drawn(*arguments: str) -> bytes:
        assert gallery("photos", "-o", "out", "--overwrite", *arguments) == 0
        return (project / "out/sheet-001.png").read_bytes()

    one = drawn("--count", "1")
    assert drawn("--count", "1", "--seed", "0") == one
    assert len({one, *(drawn("--count", "1", "--seed", str(seed)) for seed in range(1, 6))}) > 1
    assert drawn("--count", "9") == drawn()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["photos", "-o", "photos/out"], 2, "--output photos/out: lies in photos"),
        (["photos/a.png", "-o", "photos"], 2, "--output photos: lies in photos/a.png"),
        (["photos", "-o", "models/out"], 1, "which stages clear away"),
        (["photos", "-o", "out", "--count", "0"], 2, "--count is 0; allowed: at least 1"),
        (["photos", "-o", "out", "--system", "other"], 1, "models/other: no such model"),
        (["photos", "-o", "out", "--tau", "2"], 2, "--tau is 2; allowed: 0 to 1"),
        (["empty", "-o", "out"], 2, "no photo to draw"),
        (["params.yaml", "-o", "out"], 1, "none of 1 photos could be read"),
    ],
)
def test_what_is_wrong_is_one_line(
    project: Path, capsys: Said, arguments: list[str], code: int, words: str
) -> None:
    (project / "empty").mkdir()
    assert gallery(*arguments) == code
    assert words in capsys.readouterr().err.splitlines()[-1]
    assert not (project / "out").exists()
    assert len(list((project / "photos").rglob("*.png"))) == 3


def test_a_regression_has_one_column_and_no_decodings(project: Path, capsys: Said) -> None:
    write(project / "models/flat", "zhang2016_l2", "lab_chroma4", "lab")
    assert gallery("photos", "-o", "out", "--system", "flat", "--decodings") == 2
    said = capsys.readouterr().err
    assert said.startswith("huescape: error: --decodings: 'flat' is a regression")
    assert gallery("photos", "-o", "out", "--system", "flat") == 0
    assert "<p>3 photos, flat; mean AuC" in (project / "out/index.html").read_text()
