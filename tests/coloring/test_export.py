"""A trained system as one file: the same colors without huescape, or one line that says why not."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from huescape import __version__
from huescape.color.bins import gamut_centers
from huescape.coloring.export import ABOUT, export_system
from huescape.coloring.painting import colorize
from huescape.params.decoding_options import add_decoding_arguments, chosen_decoding
from huescape.params.decodings import ANNEALED, Decoding
from huescape.params.presets import resolve_system
from huescape.params.released import released_model
from huescape.params.systems import SystemOverrides
from huescape.systems.chosen import usual_decoding
from huescape.systems.system import build_system, load_system, save_system
from tests.conftest import Called

ROOT = Path(__file__).parents[2]
# Lines of Python that know nothing of this package.
OUTSIDE = """
import sys, numpy as np, torch
module = torch.export.load(sys.argv[1]).module()
pictures = np.load(sys.argv[2])
found = {key: module(torch.from_numpy(picture)).numpy() for key, picture in pictures.items()}
np.savez(sys.argv[3], **found)
assert not any(name.startswith("huescape") for name in sys.modules)
"""
# From less than the view to more, odd, of halves to round, and narrow.
SIZES = [(48, 64), (300, 200), (257, 385), (33, 101), (2, 7), (1, 301), (530, 31)]


def write(folder: Path, preset: str, quantizer: str, space: str) -> Path:
    entry = {"preset": preset, "quantizer": quantizer, "network": {"width": 2}}
    params = resolve_system("toy", SystemOverrides.model_validate(entry))
    centers = gamut_centers() / (1.0 if space == "lab" else 200.0)
    encode = {"method": "chroma"} if quantizer.startswith("lab_chroma") else {}
    spec = {"name": quantizer, "space": space, "encode": encode, "bins": len(centers)}
    prior = np.linspace(0, 1, len(centers)) ** 4
    save_system(folder, build_system(params, spec, centers, prior), {}, "step,loss\n")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project's parameters, with an untrained ColorUNet."""
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    write(tmp_path / "models/colorunet", "colorunet", "yuv32", "yuv")
    return tmp_path


def huescape(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "huescape", "export", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "x.pt"], "--output is x.pt; allowed: a file called *.pt2 or *.onnx"),
        (["-o", "x"], "--output is x; allowed: a file called *.pt2 or *.onnx"),
        (["--size", "7"], "--size is 7; allowed: at least 8 pixels"),
        (["--size", "-8"], "--size is -8; allowed: at least 8 pixels"),
        (["--temperature", "0"], "--temperature is 0; allowed: above 0, at most 1"),
        (["--temperature", "1.5"], "--temperature is 1.5; allowed: above 0, at most 1"),
        (["--temperature", "nan"], "--temperature is nan; allowed: above 0, at most 1"),
        (["--tau", "-0.1"], "--tau is -0.1; allowed: 0 to 1"),
        (["--tau", "1.1"], "--tau is 1.1; allowed: 0 to 1"),
        (["--tau", "nan"], "--tau is nan; allowed: 0 to 1"),
        (
            ["--method", "diffuse"],
            "--method is diffuse, which solves equations for each photo and is no graph of "
            "torch's; allowed for export: annealed, median, mode",
        ),
    ],
)
def test_a_wrong_option_is_one_line(
    project: Path, called: Called, arguments: list[str], words: str
) -> None:
    done = called(project, "export", "colorunet", "-o", "x.pt2", *arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [f"huescape: error: {words}"]
    assert sorted(path.name for path in project.iterdir()) == ["models", "params.yaml"]


@pytest.mark.parametrize(
    "option",
    [
        ("--method", "median"),
        ("--method", "diffuse"),
        ("--tau", "0.3"),
        ("--tau", "0"),
        ("--temperature", "0.5"),
    ],
)
@pytest.mark.parametrize("chosen", [["x.pt2"], ["x.onnx"], ["out", "a.png", "--system"]])
def test_a_decoding_of_a_regression_is_one_line(
    project: Path, called: Called, chosen: list[str], option: tuple[str, str]
) -> None:
    write(project / "models/flat", "zhang2016_l2", "lab_chroma4", "lab")
    Image.new("L", (16, 16), 90).save(project / "a.png")
    command = "export" if chosen[0] != "out" else "colorize"
    done = called(project, command, *chosen[1:], "flat", "-o", chosen[0], *option)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"huescape: error: {option[0]}: 'flat' is a regression, which predicts colors and no "
        "distribution to choose one from; allowed for it: no option that says how"
    ]
    assert sorted(p.name for p in project.iterdir()) == ["a.png", "models", "params.yaml"]


def test_an_unknown_method_is_refused(project: Path, called: Called) -> None:
    done = called(project, "export", "colorunet", "-o", "x.pt2", "--method", "best")
    assert done.returncode == 2
    assert "--method: invalid choice: 'best'" in done.stderr.splitlines()[-1]


def test_the_options_of_a_decoding() -> None:
    """Another method than the usual one comes with its own temperature, and without tau."""
    usual = Decoding(tau=0.2, temperature=0.5)
    for arguments, expected in [
        ([], usual),
        (["--tau", "0.4"], Decoding(tau=0.4, temperature=0.5)),
        (["--method", "annealed", "--temperature", "1"], Decoding(tau=0.2, temperature=1.0)),
        (["--method", "median"], Decoding(method="median")),
        (["--method", "median", "--tau", "0.4"], Decoding(method="median", tau=0.4)),
    ]:
        parser = ArgumentParser()
        add_decoding_arguments(parser)
        assert chosen_decoding(parser.parse_args(arguments), usual) == expected


def test_a_system_that_is_not_trained_is_one_line(project: Path, called: Called) -> None:
    done = called(project, "export", "other", "-o", "x.pt2")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "huescape: error: models/other: no such model; trained: colorunet"
    )
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["x.pt2", "x.onnx"])
def test_what_is_there_is_kept(project: Path, called: Called, name: str) -> None:
    (project / name).write_text("the user's")
    done = called(project, "export", "colorunet", "-o", name)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"huescape: error: {name}: exists; name another file, or add --overwrite"
    ]
    assert (project / name).read_text() == "the user's"


def test_a_folder_that_cannot_be_written_is_one_line(project: Path) -> None:
    (project / "out").write_text("in the way")
    done = huescape(project, "colorunet", "-o", "out/x.pt2")
    assert done.returncode == 1
    assert done.stderr.startswith("huescape: error: cannot write out/x.pt2: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["onnx", "onnxscript"])
def test_without_the_packages_it_says_how_to_install_them(project: Path, name: str) -> None:
    code = (
        f"import sys; sys.modules[{name!r}] = None; from huescape.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", code, "export", "colorunet", "-o", "x.onnx"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"huescape: error: ONNX needs Python packages that are not installed: {name}; "
        "`pip install 'huescape[onnx]'`"
    ]
    assert not (project / "x.onnx").exists()


def pictures() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {f"{h}x{w}": rng.integers(0, 256, (1, h, w, 3), dtype=np.uint8) for h, w in SIZES}


def check(found: dict[str, np.ndarray], model: Path, decoding: Decoding, size: int | None) -> None:
    """The pictures of `colorize`, hardly a level apart; where two bins are as likely, by either."""
    system = load_system(model)
    for key, picture_1HW3 in pictures().items():
        expected_HW3 = colorize(system, picture_1HW3[0], decoding, size, edges=False)
        assert found[key].dtype == np.uint8
        apart = np.abs(found[key][0].astype(int) - expected_HW3)
        is_mode = decoding.method == "mode"
        assert is_mode or apart.max() <= 4, key
        assert (apart > 0).mean() <= (0.1 if is_mode else 0.005), key


def run_onnx(path: Path) -> dict[str, np.ndarray]:
    """What ONNX Runtime makes of the pictures."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,), (made,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.shape) == ("picture", [1, "height", "width", 3])
    assert (made.name, made.shape) == ("colored", [1, "height", "width", 3])
    assert given.type == made.type == "tensor(uint8)"
    return {key: session.run(None, {"picture": x})[0] for key, x in pictures().items()}


@pytest.mark.long
@pytest.mark.parametrize("size", [None, 48])
def test_the_command_writes_what_colorize_gives(project: Path, size: int | None) -> None:
    """Without huescape, by the decoding of params.yaml, for pictures of any size."""
    sized = ["--size", str(size)] if size else []
    done = huescape(project, "colorunet", "-o", "out/x.pt2", *sized)
    said = "export: colorunet (models/colorunet), annealed T=0.38\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
    np.savez(project / "in.npz", **pictures())
    command = [sys.executable, "-c", OUTSIDE, "out/x.pt2", "in.npz", "out.npz"]
    subprocess.run(command, cwd=project, check=True)
    check(dict(np.load(project / "out.npz")), project / "models/colorunet", ANNEALED, size)


@pytest.mark.long
@pytest.mark.parametrize(
    "how",
    [
        {"method": "annealed", "temperature": 0.5, "tau": 0.3},
        {"method": "median", "tau": 0.3},
        {"method": "mode", "tau": 0.3},
    ],
)
def test_the_command_writes_onnx(project: Path, how: dict[str, Any]) -> None:
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    options = [f"--{key}={value}" for key, value in how.items()]
    done = huescape(project, "colorunet", "-o", "x.onnx", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(p.name for p in project.iterdir()) == ["models", "params.yaml", "x.onnx"]
    found = run_onnx(project / "x.onnx")
    check(found, project / "models/colorunet", Decoding.model_validate(how), None)


@pytest.mark.long
@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_a_file_says_what_it_is_and_nothing_of_this_machine(tmp_path: Path, suffix: str) -> None:
    model = write(tmp_path / "toy", "colorunet", "yuv32", "yuv")
    weights = hashlib.sha256((model / "weights.safetensors").read_bytes()).hexdigest()
    out = tmp_path / f"x{suffix}"
    if suffix == ".onnx":
        onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
        export_system(model, out, Decoding(method="median", tau=0.3), 40)
        onnx.checker.check_model(out, full_check=True)
        about = {entry.key: entry.value for entry in onnx.load(out).metadata_props}
        content = out.read_bytes()
    else:
        export_system(model, out, Decoding(method="median", tau=0.3), 40)
        files = {ABOUT: ""}
        torch.export.load(out, extra_files=files)
        about = json.loads(files[ABOUT])
        with zipfile.ZipFile(out) as archive:
            content = b"".join(archive.read(name) for name in archive.namelist())
    assert about == {
        "huescape": __version__,
        "model": "toy",
        "weights_sha256": weights,
        "decoding": "median tau=0.3",
        "size": "40",
    }
    for path in (str(ROOT), str(Path(torch.__file__).parent)):
        assert path.encode() not in content


@pytest.mark.long
@pytest.mark.parametrize(
    ("preset", "quantizer", "space"),
    [
        ("zhang2016", "lab313", "lab"),
        ("mleu_regression", "lab_chroma4", "lab"),
        ("chromagan", "lab_chroma4", "lab"),
    ],
)
def test_every_kind_of_network(tmp_path: Path, preset: str, quantizer: str, space: str) -> None:
    """In both formats; ColorUNet and huescape have tests of their own."""
    model = write(tmp_path / "model", preset, quantizer, space)
    decoding = Decoding(method="median", tau=0.3)
    export_system(model, tmp_path / "x.pt2", decoding)
    module = torch.export.load(tmp_path / "x.pt2").module()
    found = {key: module(torch.from_numpy(x)).numpy() for key, x in pictures().items()}
    check(found, model, decoding, None)
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    export_system(model, tmp_path / "x.onnx", decoding)
    check(run_onnx(tmp_path / "x.onnx"), model, decoding, None)


@pytest.mark.long
@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_the_shipped_model(tmp_path: Path, suffix: str) -> None:
    """Its view is in the graph: what is larger is shrunk to it, what is smaller enlarged."""
    model, out = released_model("landscape"), tmp_path / f"x{suffix}"
    decoding = usual_decoding(model)
    if suffix == ".onnx":
        pytest.importorskip("onnx", reason="the extra onnx is not installed")
        export_system(model, out, decoding)
        found = run_onnx(out)
    else:
        export_system(model, out, decoding)
        module = torch.export.load(out).module()
        found = {key: module(torch.from_numpy(x)).numpy() for key, x in pictures().items()}
    check(found, model, decoding, None)
