"""A comparison from a recipe to a page, with either engine and with none: small, but real."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from huescape.comparison import folder
from huescape.comparison.pace import steps_that_fit
from huescape.comparison.trained import remember, trained_steps
from huescape.params.load import load_params

pytestmark = pytest.mark.long

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
    "download": {"sources": [{"kind": "sample", "photos": 24, "seed": 3}]},
    "filter": {"split": {"val": 0.15, "test": 0.25, "honor_lists": True}},
    "resize": {"size": 32, "shards": 2},
    "quantizers": {
        "lab": {
            "space": "lab",
            "bins": {"rule": "gamut"},
            "encode": {"method": "chroma", "stride": 4},
        }
    },
    "systems": {"good": SYSTEM, "bad": DIVERGES, "last": {**SYSTEM, "seed": 1}},
    "evaluate": {"prior": "lab", "macro_pixels": 10, "macro_photos": 1, "pictures": 2},
}


def compare(folder: Path, recipe: dict[str, Any], *more: str) -> subprocess.CompletedProcess[str]:
    """`huescape compare`, as a user would call it."""
    path = folder / "recipe.yaml"
    with path.open("w") as stream:
        YAML(typ="safe", pure=True).dump(copy.deepcopy(recipe), stream)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HUESCAPE_", "MLFLOW"))}
    environment |= {"HUESCAPE_TRACKING": "off", "HUESCAPE_DEVICE": "cpu", "HUESCAPE_THREADS": "1"}
    command = [sys.executable, "-m", "huescape", "compare", str(path), "-o", str(folder / "out")]
    return subprocess.run(
        [*command, *more],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
        check=False,
    )


def repaired() -> dict[str, Any]:
    return {**RECIPE, "systems": {**RECIPE["systems"], "bad": {**SYSTEM, "seed": 2}}}


def made(out: Path) -> dict[str, tuple[int, bytes]]:
    """Time and content of the weights of each system."""
    files = sorted(out.glob("models/*/weights.safetensors"))
    return {path.parent.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A comparison without an engine, one of whose systems fails; what it printed."""
    root = tmp_path_factory.mktemp("stages")
    done = compare(root, RECIPE, "--minutes", "0.01")
    assert done.returncode == 1, done.stdout
    return root, done.stdout


def test_one_system_that_fails_is_named_and_the_others_finish(first: tuple[Path, str]) -> None:
    root, printed = first
    out = root / "out"
    assert "compare: bad failed, see above" in printed
    assert "training stopped at step 1: loss" in printed
    assert "Traceback" not in printed
    assert printed.splitlines()[-1].startswith("huescape: error: not every system is done")
    assert sorted(made(out)) == ["good", "last"]
    for name in ("good", "last"):
        record = json.loads((out / f"reports/evaluation/{name}/scores.json").read_text())
        assert (record["head"], record["cost"]["input"]) == ("chroma", "32x32")
        # The time was too short for anything else, and the file says what was trained.
        assert load_params(out / "params.yaml").systems[name].steps == 1
        assert json.loads((out / f"models/{name}/system.json").read_text())["steps"] == 1
    assert (out / "reports/index.html").is_file()


def test_the_next_call_trains_what_is_left(first: tuple[Path, str]) -> None:
    root, _ = first
    before = made(root / "out")
    done = compare(root, repaired(), "--minutes", "0.01")
    assert done.returncode == 0, done.stdout
    after = made(root / "out")
    assert sorted(after) == ["bad", "good", "last"]
    assert {name: after[name] for name in before} == before
    params = load_params(root / "out/params.yaml")
    assert [system.steps for system in params.systems.values()] == [1, 1, 1]
    check_what_counts_as_trained(root / "out")
    check_pace(root / "out")


def check_what_counts_as_trained(out: Path) -> None:
    """Everything but the steps must be as it was; these too without a time to share."""
    entry = {**SYSTEM, "steps": 1}
    assert trained_steps(out, "good", entry, any_steps=False) == 1
    assert trained_steps(out, "good", SYSTEM, any_steps=True) == 1
    assert trained_steps(out, "good", SYSTEM, any_steps=False) is None
    for change in ({"network": {"width": 2}}, {"seed": 5}, {"optimizer": {"lr": 0.5}}):
        assert trained_steps(out, "good", {**entry, **change}, any_steps=True) is None
    assert trained_steps(out, "none", entry, any_steps=True) is None
    remember(out, "bad", entry)
    weights = "models/good/weights.safetensors"
    for path in ("models/good/system.json", "data/priors/lab.npz", weights):
        content = (out / path).read_bytes()
        (out / path).write_bytes(b"{}") if path != weights else (out / path).unlink()
        assert trained_steps(out, "good", entry, any_steps=True) is None, path
        (out / path).write_bytes(content)
    assert trained_steps(out, "good", entry, any_steps=True) == 1


def check_pace(out: Path) -> None:
    """More time is more steps, and too little still one."""
    assert steps_that_fit(out, "good", 0.0) == 1
    assert 1 < steps_that_fit(out, "good", 20.0) < steps_that_fit(out, "good", 500.0)


def test_with_snakemake(tmp_path: Path) -> None:
    """What fails does not stop the others; what is done is not done again."""
    done = compare(tmp_path, RECIPE, "--jobs", "2")
    out = tmp_path / "out"
    assert done.returncode == 1, done.stdout
    assert done.stdout.splitlines()[-1].startswith("huescape: error: not every system is done")
    assert "Error in rule train_bad" in done.stdout
    before = made(out)
    assert sorted(before) == ["good", "last"]
    assert (out / "reports/evaluation/last.json").is_file()
    assert not (out / "reports/index.html").exists()
    done = compare(tmp_path, repaired(), "--jobs", "2")
    assert done.returncode == 0, done.stdout
    after = made(out)
    assert sorted(after) == ["bad", "good", "last"]
    assert {name: after[name] for name in before} == before
    assert (out / "reports/index.html").is_file()
    assert f"compare: see {out / 'reports/index.html'}" in done.stdout


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--minutes", "0"], "--minutes is 0; allowed: above 0"),
        (["--jobs", "0"], "--jobs is 0; allowed: at least 1"),
        (["--only", "none"], "'none' is not a system; allowed: bad, good, last"),
        (["--photos", "nowhere"], "nowhere: no such folder of photos"),
    ],
)
def test_a_wrong_option_is_one_line(tmp_path: Path, more: list[str], words: str) -> None:
    done = compare(tmp_path, RECIPE, *more)
    assert done.returncode in (1, 2)
    assert len(done.stdout.splitlines()) == 1
    assert words in done.stdout
    assert not (tmp_path / "out").exists()


def test_a_checkout_is_no_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/pyproject.toml").write_text("")
    folder_before = sorted((tmp_path / "out").iterdir())
    done = compare(tmp_path, RECIPE)
    assert done.returncode == 1
    assert "holds no comparison" in done.stdout
    assert sorted((tmp_path / "out").iterdir()) == folder_before
    assert folder.PROJECT.joinpath("pyproject.toml").is_file()
