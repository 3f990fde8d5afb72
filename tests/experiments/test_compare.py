"""A comparison from a recipe to a page: small, but real; and the same without an engine."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from huescape.params.load import load_params

ROOT = Path(__file__).parents[2]
SYSTEM: dict[str, Any] = {
    "preset": "zhang2016_l2",
    "quantizer": "lab",
    "network": {"width": 1},
    "augmentation": {"crop": 32},
    "steps": 2,
    "batch": 2,
    "checkpoint_every": 2,
    "precision": "float32",
}
# Its first update makes the weights infinite, which nothing but training it can tell.
DIVERGES = {**SYSTEM, "optimizer": {"lr": 1e300}}
RECIPE: dict[str, Any] = {
    "seeds": {"good": 2},
    "download": {"sources": [{"kind": "sample", "photos": 24, "seed": 3}]},
    "filter": {"split": {"val": 0.15, "test": 0.25, "honor_lists": True}},
    "resize": {"size": 32, "shards": 1},
    "quantizers": {
        "lab": {
            "space": "lab",
            "bins": {"rule": "gamut"},
            "encode": {"method": "chroma", "stride": 4},
        }
    },
    "systems": {"good": SYSTEM, "bad": DIVERGES},
    "evaluate": {"prior": "lab", "macro_pixels": 10, "macro_photos": 1, "pictures": 2},
}


def _write(folder: Path, recipe: dict[str, Any]) -> Path:
    path = folder / "recipe.yaml"
    with path.open("w") as stream:
        YAML(typ="safe", pure=True).dump(recipe, stream)
    return path


def _made(out: Path) -> dict[str, tuple[int, bytes]]:
    """Time and content of the weights of each system."""
    files = sorted(out.glob("models/*/weights.safetensors"))
    return {path.parent.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.mark.long
def test_what_fails_stops_no_other_and_what_is_done_is_not_done_again(
    project: Any, tmp_path: Path
) -> None:
    """On photos given on the command line; the project stays as it is."""
    photos, out = tmp_path / "photos", tmp_path / "out"
    shutil.copytree(project.root / "data/raw/sample", photos)
    command = ("huescape", "compare", str(_write(tmp_path, RECIPE)), "-o", str(out))
    command += ("--photos", str(photos), "--jobs", "2")
    before = project.outputs(), project.lock()
    assert project.run(*command, check=False) == 1
    assert project.output.splitlines()[-1].startswith("huescape: error: not every system is done")
    assert "training stopped at step " in project.output
    assert "Error in rule train_bad" in project.output
    assert (project.outputs(), project.lock()) == before
    first = _made(out)
    assert sorted(first) == ["good", "good_s1"]
    assert len({content for _, content in first.values()}) == 2
    record = json.loads((out / "reports/evaluation/good_s1/scores.json").read_text())
    assert (record["head"], record["cost"]["input"]) == ("chroma", "32x32")
    assert not (out / "reports/index.html").exists()

    _write(tmp_path, {**RECIPE, "systems": {"good": SYSTEM, "bad": {**SYSTEM, "seed": 2}}})
    project.run(*command)
    assert f"compare: see {out / 'reports/index.html'}" in project.output
    after = _made(out)
    assert sorted(after) == ["bad", "good", "good_s1"]
    assert {name: after[name] for name in first} == first
    assert load_params(out / "params.yaml").download.sources[0].root == str(photos)
    with (out / "reports/compare.csv").open() as stream:
        assert "good good_s1 bad" in [row["systems"] for row in csv.DictReader(stream)]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--jobs", "0"], "--jobs is 0; allowed: at least 1"),
        (["--only", "none"], "'none' is not a system; allowed: bad, good, good_s1"),
        (["--photos", "nowhere"], "nowhere: no such folder of photos"),
        (["-o", "taken"], "taken: is not empty, and no copy that was made here"),
    ],
)
def test_a_wrong_option_is_one_line(tmp_path: Path, more: list[str], words: str) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/pyproject.toml").touch()
    done = _run(tmp_path, "-m", "huescape", "compare", _write(tmp_path, RECIPE), "-o", "out", *more)
    assert done.returncode in (1, 2)
    assert len(done.stdout.splitlines()) == 1
    assert words in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recipe.yaml", "taken"]


@pytest.mark.parametrize(
    "command", [("-m", "huescape", "compare"), (ROOT / "workflow/without_dvc.py",)]
)
def test_a_wrong_option_of_a_source_is_refused_before_anything_is_made(
    tmp_path: Path, command: tuple[object, ...]
) -> None:
    wrong = {"sources": [{"kind": "sample", "photos": 3}]}
    done = _run(tmp_path, *command, _write(tmp_path, {**RECIPE, "download": wrong}), "-o", "out")
    assert done.returncode == 2, done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert "download.sources.0.photos is 3; allowed: a whole number at least 20" in done.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("files", [("params.yaml",), (".without_dvc", "pyproject.toml"), ()])
def test_without_an_engine_somebody_elses_folder_is_left_alone(
    tmp_path: Path, files: tuple[str, ...]
) -> None:
    """The folder of something else, a project, and a file."""
    out = tmp_path / "out"
    if not files:
        out.write_text("mine")
    for name in files:
        out.mkdir(exist_ok=True)
        (out / name).write_text("mine")
    done = _run(tmp_path, ROOT / "workflow/without_dvc.py", _write(tmp_path, RECIPE), "-o", "out")
    assert done.returncode == 1
    words = "is not empty, and no folder of this script" if files else "Not a directory"
    assert done.stdout.startswith(f"without_dvc: error: out: {words}")
    assert len(done.stdout.splitlines()) == 1
    found = [path.read_text() for path in ([out / name for name in files] or [out])]
    assert set(found) == {"mine"}
    assert not files or len(list(out.iterdir())) == len(files)


def test_without_an_engine_ctrl_c_ends_with_one_line(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "workflow/without_dvc.py")]
    process = subprocess.Popen(
        [*command, str(_write(tmp_path, RECIPE)), "-o", "out"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while process.poll() is None and not (tmp_path / "out/params.yaml").exists():
        time.sleep(0.05)
    time.sleep(0.3)  # the first stage is running, or begins to
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "without_dvc: interrupted"


@pytest.mark.long
def test_without_an_engine(tmp_path: Path) -> None:
    """Neither dvc, nor snakemake, nor mlflow; a system that fails, and the time that is over."""
    for name in ("dvc", "snakemake", "mlflow"):
        (tmp_path / "path" / f"{name}.py").parent.mkdir(exist_ok=True)
        (tmp_path / "path" / f"{name}.py").write_text("raise ImportError('is not needed')\n")
    script, recipe, out = ROOT / "workflow/without_dvc.py", _write(tmp_path, RECIPE), tmp_path / "o"
    done = _run(tmp_path, script, recipe, "bad", "good_s1", "-o", "o")
    assert done.returncode == 1, done.stdout
    assert "without_dvc: scored: good_s1\n" in done.stdout
    assert "without_dvc: bad: train bad ended with 1; its message is above" in done.stdout
    assert sorted(_made(out)) == ["good_s1"]
    assert list(load_params(out / "params.yaml").systems) == ["good_s1"]
    assert (out / "reports/index.html").is_file()

    done = _run(tmp_path, script, recipe, "good", "-o", "o", "--minutes", "0.05")
    assert done.returncode == 1, done.stdout
    assert "without_dvc: scored: none\n" in done.stdout
    assert "without_dvc: good_s1: the time is over" in done.stdout
    assert "Traceback" not in done.stdout
    done = _run(tmp_path, script, recipe, "-o", "o", "--minutes", "0")
    assert "--minutes is 0; allowed: above 0" in done.stdout


def _run(folder: Path, *command: object) -> subprocess.CompletedProcess[str]:
    from benchmarks.scratch import environment

    path = f"{folder / 'path'}:{ROOT / 'src'}"
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env=environment(PYTHONPATH=path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
        check=False,
    )
