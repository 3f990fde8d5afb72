"""The command line as a person meets it: real processes, one line for what is wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from huescape.base.digests import reseal, seal
from tests.conftest import Called

ROOT = Path(__file__).parents[1]
STAGES = (
    *("check", "download", "filter", "resize", "bins", "encode", "prior", "train", "evaluate"),
    "report",
)


def _huescape(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "huescape", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    return tmp_path


def test_help_names_every_stage_and_loads_no_heavy_library() -> None:
    code = (
        "import sys\n"
        "from huescape.cli import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'torch', 'pandas', 'mlflow', 'dvc', 'matplotlib', 'scipy', 'numpy', 'numba',\n"
        "    'pydantic', 'ruamel'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for stage in STAGES:
        assert f"    {stage} " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["filter"], 1, "data/raw"),
        (["resize"], 1, "data/catalog"),
        (["bins", "lab313"], 1, "data/resized"),
        (["encode", "lab313"], 1, "data/bins/lab313.npz"),
        (["prior", "lab313"], 1, "data/bins/lab313.npz"),
        (["train", "colorunet"], 1, "data/shards/yuv32"),
        (["evaluate", "colorunet"], 1, "models/colorunet"),
        (["report"], 1, "scores.json"),
        (
            ["colorize", "x.jpg", "-o", "out", "--system", "colorunet"],
            1,
            "models/colorunet: no such model",
        ),
        (["bins", "lab"], 2, "quantizers.lab is not there; allowed: lab313, yuv32"),
        (["train", "unet"], 2, "unet is not a system; allowed: colorunet"),
        (["bins"], 2, "quantizer"),
        (["paint"], 2, "invalid choice"),
    ],
)
def test_what_is_missing_is_one_line(
    project: Path, arguments: list[str], code: int, words: str
) -> None:
    done = _huescape(project, *arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
    assert sorted(path.name for path in project.iterdir()) in (
        ["params.yaml"],
        [".huescape", "params.yaml"],
    )


def test_outside_of_a_project(tmp_path: Path) -> None:
    done = _huescape(tmp_path, "check")
    assert done.returncode == 2
    assert "params.yaml: no such file; run in the folder that holds params.yaml" in done.stderr


def test_a_wrong_parameter_stops_every_stage(project: Path) -> None:
    path = project / "params.yaml"
    path.write_text(
        path.read_text().replace("tau: 0.0, temperature: 0.38", "tau: 0.0, temperature: 0.0")
    )
    for arguments in (["check"], ["download"], ["train", "colorunet"]):
        done = _huescape(project, *arguments)
        assert done.returncode == 2
        assert done.stderr.splitlines() == [
            "huescape: error: params.yaml: evaluate.decode.temperature is 0.0; "
            "allowed: a number above 0, at most 1"
        ]


@pytest.mark.parametrize("tool", [("colorize", "x.jpg"), ("export", "colorunet")])
@pytest.mark.parametrize("place", ["data/raw", "models/colorunet/mine", "reports", "link/deep"])
def test_nothing_is_written_where_stages_clear_away(
    project: Path, called: Called, tool: tuple[str, ...], place: str
) -> None:
    (project / "data").mkdir()
    (project / "link").symlink_to(project / "data/shards")
    done = called(project, *tool, "-o", place)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "which stages clear away; name another place" in done.stderr


def test_export_replaces_nothing_unasked(project: Path) -> None:
    (project / "mine.pt2").write_text("the user's")
    done = _huescape(project, "export", "colorunet", "-o", "mine.pt2")
    assert done.returncode == 1
    assert done.stderr == (
        "huescape: error: mine.pt2: exists; name another file, or add --overwrite\n"
    )
    assert (project / "mine.pt2").read_text() == "the user's"


def test_a_sweep_replaces_no_table_but_its_own(project: Path) -> None:
    table = project / "reports/sweeps/mine.csv"
    table.parent.mkdir(parents=True)
    table.write_text("the user's")
    (project / "mine.yaml").write_text(
        "name: mine\ngrid: {evaluate.decode.temperature: [0.5, 1.0]}\n"
    )
    done = _huescape(project, "sweep", "mine.yaml")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "reports/sweeps/mine.csv: is there, and no table of a sweep" in done.stderr
    assert table.read_text() == "the user's"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data/catalog/summary.json", "{"),
        ("data/catalog/summary.json", "[]"),
        ("data/raw/sources.json", '{"a": 1}'),
        ("data/raw/sources.json", "3"),
    ],
)
def test_a_damaged_description_of_the_photos_is_named(project: Path, name: str, text: str) -> None:
    for path in ("data/shards/yuv32", "data/priors/yuv32.npz", "data/bins/yuv32.npz"):
        (project / path).mkdir(parents=True)
    for folder in ("data/catalog", "data/raw"):
        (project / folder).mkdir(parents=True)
    (project / "data/catalog/summary.json").write_text('{"dataset_digest": "0", "splits": {}}')
    (project / "data/raw/sources.json").write_text('[{"name": "mine"}]')
    for folder in ("data/catalog", "data/raw"):
        seal(project / folder)
    (project / name).write_text(text)
    for words in ("damaged: its SHA-256 is not the one in", "does not say what it should"):
        done = _huescape(project, "train", "colorunet")
        assert done.returncode == 1
        [line] = done.stderr.splitlines()
        assert line.startswith(f"huescape: error: {name}: {words}")
        assert "`dvc repro -s -f " in line
        reseal(project / name)


def test_check_and_schema(project: Path) -> None:
    assert "is valid; systems: colorunet" in _huescape(project, "check").stdout
    assert _huescape(project, "schema").stdout == (ROOT / "params.schema.json").read_text()


def test_track_says_what_still_waits_and_gives_it_up(project: Path) -> None:
    code = (
        "from pathlib import Path; from huescape import tracking\n"
        "with tracking.start_sweep('s', 'k', {})[0] as recorder:\n"
        "    recorder.artifact(Path('params.yaml'))\n"
    )
    dead = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "HUESCAPE_TRACKING": "on"}
    subprocess.run(
        [sys.executable, "-c", code], cwd=project, env={**os.environ, **dead}, check=True
    )
    done = _huescape(project, "track")
    assert done.returncode == 1
    assert done.stdout == "published: 0\n"
    assert "runs still wait for http://127.0.0.1:9 (1); `huescape track --forget" in done.stderr
    assert "Traceback" not in done.stderr
    assert _huescape(project, "track", "--forget", "http://nobody").returncode == 1
    assert _huescape(project, "track", "--forget", "http://127.0.0.1:9").stdout == "forgotten: 1\n"
    assert _huescape(project, "track").returncode == 0


def test_an_interrupt_within_an_import_ends_without_a_traceback(project: Path) -> None:
    """A stage takes a second to import its libraries; what comes first in it stands for all."""
    (project / "libraries").mkdir()
    (project / "libraries/torch.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "huescape", "train", "colorunet"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{project / 'libraries'}:{ROOT / 'src'}"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
    assert not (project / "models").exists()


def test_a_command_that_nobody_reads_has_not_succeeded(project: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "huescape", "schema"],
        cwd=project,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")
