"""One flipped bit in each kind of file that a stage reads, under the size and times it had.

Neither DVC nor Snakemake can see it: the stage that reads the file refuses, changes nothing, and
names the file and a command that heals.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from huescape.cli import main
from tests.engines.conftest import Workspace

RESIZED = (
    *("data/resized/index.json", "data/resized/SHA256SUMS", "data/resized/00000.json"),
    *("data/resized/00000.rgb.npy", "data/resized/00000.box.npy"),
)
TARGETS = (
    *("data/shards/yuv32/index.json", "data/shards/yuv32/00000.json"),
    *("data/shards/yuv32/00000.lightness.npy", "data/shards/yuv32/00000.index.npy"),
    "data/shards/yuv32/00000.box.npy",
)
SCORES = "reports/evaluation/colorunet"
# What each stage reads; a star stands for the first file that fits.
READ: dict[str, tuple[str, ...]] = {
    "filter": ("data/raw/manifest.csv", "data/raw/sample/*/*/*.jpg"),
    "resize": ("data/catalog/catalog.parquet", "data/raw/sample/*/*/*.jpg"),
    "bins yuv32": RESIZED,
    "encode yuv32": ("data/bins/yuv32.npz", *RESIZED),
    "prior yuv32": ("data/bins/yuv32.npz", "data/shards/yuv32/index.json"),
    "train colorunet": (
        *("data/bins/yuv32.npz", "data/priors/yuv32.npz", "data/catalog/summary.json"),
        *("data/raw/sources.json", *TARGETS),
    ),
    "evaluate colorunet": (
        *("models/colorunet/weights.safetensors", "models/colorunet/system.json"),
        *("data/bins/lab313.npz", "data/priors/lab313.npz", *RESIZED),
    ),
    "report": (
        *("data/raw/sources.json", "data/catalog/summary.json", "data/catalog/summary.csv"),
        *("data/priors/yuv32.npz", "reports/figures/prior-yuv32.png", f"{SCORES}/scores.json"),
        *(f"{SCORES}/curves.csv", f"{SCORES}/hue.png", f"{SCORES}/worst.png"),
        f"{SCORES}/temperatures.npz",
        *(f"{SCORES}/pictures.npz", f"{SCORES}/photo_sums.npz", "models/colorunet/history.csv"),
        "models/colorunet/system.json",
    ),
}
CASES = [(stage, name) for stage, names in READ.items() for name in names]


@pytest.fixture(scope="module")
def made(made_by_dvc: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small project, up to date."""
    return made_by_dvc.copy(tmp_path_factory.mktemp("rot") / "project")


def flip(root: Path, name: str) -> Path:
    """Change one bit inside a file and give it back its times."""
    path = min(root.glob(name))
    status = path.stat()
    content = bytearray(path.read_bytes())
    # The index is the last line of SHA256SUMS; the middle of an .npz may hold a time.
    content[-20 if path.name == "SHA256SUMS" else len(content) // 3] ^= 0x04
    path.chmod(0o644)
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return path


@pytest.mark.long
@pytest.mark.parametrize(("stage", "name"), CASES, ids=lambda value: value.replace("/", ":"))
def test_a_bare_stage_refuses_what_has_rotted(
    made: Workspace,
    stage: str,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("HUESCAPE_TRACKING", "off")
    monkeypatch.setenv("HUESCAPE_DEVICE", "cpu")
    original = min(made.root.glob(name)).read_bytes()
    path = flip(made.root, name)
    before = made.outputs()
    try:
        assert main(stage.split()) == 1
        last = capsys.readouterr().err.splitlines()[-1]
        about = path.parent if path.name == "SHA256SUMS" else path
        assert last.startswith("huescape: error: ")
        assert about.relative_to(made.root).as_posix() in last
        assert re.search(r"`dvc repro (-s )?-f [a-z0-9@_]+`", last), last
        assert made.outputs() == before
    finally:
        path.write_bytes(original)


HEALED = [
    ("dvc", "evaluate.decode.temperature", 0.5, "data/resized/00000.rgb.npy"),
    ("snakemake", "evaluate.decode.temperature", 0.5, "models/colorunet/weights.safetensors"),
    ("dvc", "report.title", "Another", "data/catalog/summary.csv"),
    ("snakemake", "systems.colorunet.optimizer.lr", 0.0021, "data/priors/yuv32.npz"),
]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("engine", "key", "value", "name"), HEALED)
def test_the_command_in_the_message_heals(
    made: Workspace, tmp_path: Path, engine: str, key: str, value: object, name: str
) -> None:
    """The reading stage has to run for another reason; the rot itself no engine can see."""
    project = made.copy(tmp_path / "project")
    original = (project.root / name).read_bytes()
    project.engine("dvc")
    flip(project.root, name)
    project.set(key, value)
    project.engine(engine, check=False)
    assert f"{name}: " in project.output
    found = re.search(r"`(dvc repro -s -f [a-z0-9@_]+)`", project.output)
    assert found is not None, project.output
    project.run(*found[1].split())
    assert (project.root / name).read_bytes() == original
    project.engine(engine)
    assert project.engine("dvc") == []
    assert project.engine("snakemake") == []
