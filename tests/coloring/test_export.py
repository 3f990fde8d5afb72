"""A trained system as one file: the same colors without huescape, or one line that says why not."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from huescape.color.bins import gamut_centers
from huescape.coloring.export import export_system
from huescape.params.decoding_options import add_decoding_arguments, chosen_decoding
from huescape.params.decodings import ANNEALED, Decoding
from huescape.params.presets import resolve_system
from huescape.params.systems import SystemOverrides
from huescape.systems.system import build_system, load_system, save_system

ROOT = Path(__file__).parents[2]
# A line of Python that knows nothing of this package.
OUTSIDE = """
import sys, numpy as np, torch
lightness = torch.from_numpy(np.load(sys.argv[2]))
chroma = torch.export.load(sys.argv[1]).module()(lightness)
np.save(sys.argv[3], chroma.detach().numpy())
assert not any(name.startswith("huescape") for name in sys.modules)
"""


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


def huescape(
    folder: Path, *arguments: str, command: str = "export"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "huescape", command, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "x.pt"], "--output is x.pt; allowed: a file called *.pt2"),
        (["--size", "60"], "--size is 60; allowed for this network: a multiple of 8"),
        (["--size", "0"], "--size is 0; allowed for this network: a multiple of 8"),
        (["--size", "-8"], "--size is -8; allowed for this network: a multiple of 8"),
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
def test_a_wrong_option_is_one_line(project: Path, arguments: list[str], words: str) -> None:
    done = huescape(project, "colorunet", "-o", "x.pt2", *arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [f"huescape: error: {words}"]
    assert sorted(path.name for path in project.iterdir()) == ["models", "params.yaml"]


@pytest.mark.parametrize("command", ["export", "colorize"])
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
def test_a_decoding_of_a_regression_is_one_line(
    project: Path, command: str, option: tuple[str, str]
) -> None:
    write(project / "models/flat", "zhang2016_l2", "lab_chroma4", "lab")
    Image.new("L", (16, 16), 90).save(project / "a.png")
    chosen = ["flat", "-o", "x.pt2"] if command == "export" else ["a.png", "-o", "out"]
    chosen += ["--system", "flat"] * (command == "colorize")
    done = huescape(project, *chosen, *option, command=command)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"huescape: error: {option[0]}: 'flat' is a regression, which predicts colors and no "
        "distribution to choose one from; allowed for it: no option that says how"
    ]
    assert sorted(p.name for p in project.iterdir()) == ["a.png", "models", "params.yaml"]
    assert huescape(project, *chosen, command=command).returncode == 0


def test_an_unknown_method_is_refused(project: Path) -> None:
    done = huescape(project, "colorunet", "-o", "x.pt2", "--method", "best")
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


def test_a_system_that_is_not_trained_is_one_line(project: Path) -> None:
    done = huescape(project, "other", "-o", "x.pt2")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "huescape: error: models/other: no such model; trained: colorunet"
    )
    assert len(done.stderr.splitlines()) == 1


def test_the_command_writes_what_the_system_predicts(project: Path) -> None:
    """Without huescape, by the decoding of params.yaml, for the size that was asked for."""
    done = huescape(project, "colorunet", "-o", "out/x.pt2", "--size", "48")
    assert (done.returncode, done.stderr) == (0, "")
    lightness = np.random.default_rng(0).uniform(0, 1, (1, 1, 48, 48)).astype(np.float32)
    np.save(project / "in.npy", lightness)
    command = [sys.executable, "-c", OUTSIDE, "out/x.pt2", "in.npy", "out.npy"]
    subprocess.run(command, cwd=project, check=True)
    system = load_system(project / "models/colorunet")
    expected = system.predict_chroma(torch.from_numpy(lightness), ANNEALED).numpy()
    assert expected.std() > 1e-4
    np.testing.assert_allclose(np.load(project / "out.npy"), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("preset", "quantizer", "space"),
    [
        ("zhang2016", "lab313", "lab"),
        ("zhang2016_l2", "lab_chroma4", "lab"),
        ("colorunet", "yuv32", "yuv"),
    ],
)
def test_both_heads_in_both_spaces(tmp_path: Path, preset: str, quantizer: str, space: str) -> None:
    model = write(tmp_path / "model", preset, quantizer, space)
    low, high = (0.0, 100.0) if space == "lab" else (0.0, 1.0)
    lightness = torch.empty(1, 1, 32, 32).uniform_(
        low, high, generator=torch.Generator().manual_seed(0)
    )
    system, found = load_system(model), []
    decodings: list[dict[str, Any]] = [
        {"temperature": 1.0},
        {"temperature": 0.1, "tau": 0.5},
        {"method": "median", "tau": 0.3},
        {"method": "mode", "tau": 0.3},
    ]
    for values in decodings:
        decoding = Decoding.model_validate(values)
        export_system(model, tmp_path / "x.pt2", decoding, 32)
        exported = torch.export.load(tmp_path / "x.pt2").module()(lightness)
        expected = system.predict_chroma(lightness, decoding)
        torch.testing.assert_close(exported, expected, rtol=1e-4, atol=1e-4)
        found.append(exported)
    for one, two in combinations(found, 2):
        assert torch.equal(one, two) == (system.head == "chroma")
