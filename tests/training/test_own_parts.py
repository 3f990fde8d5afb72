"""A network and a loss of one's own: two files beside a preset, through the public commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import huescape

NETWORK = """
from torch import Tensor, nn

from huescape.networks import Network


class Plain(Network):
    def __init__(self, outputs: int, width: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.Conv2d(width, outputs, 1))

    def forward(self, input_N1HW: Tensor) -> Tensor:
        return self.layers(input_N1HW)
"""
LOSS = """
from torch import Tensor

from huescape.losses import Bins, Loss, Targets
from huescape.losses.cross_entropy import pixel_losses


class Scaled(Loss):
    def __init__(self, bins: Bins, weighted: bool = True, scale: float = 2.0) -> None:
        super().__init__(bins, weighted)
        self.scale = scale

    def forward(self, logits_NQhw: Tensor, targets: Targets) -> Tensor:
        flat = self.flat(logits_NQhw, targets)
        return self.scale * pixel_losses(logits_NQhw, flat.index_PK, flat.weight_PK).sum()
"""
PRESET = """
network: {name: mine, width: 3}
loss: {name: mine}
steps: 3
batch: 2
"""
TRAIN = """
import sys
from pathlib import Path
from huescape.params.presets import resolve_system
from huescape.params.systems import SystemOverrides
from huescape.stages import train
data, out = map(Path, sys.argv[1:])
params = resolve_system("a", SystemOverrides(preset="mine", quantizer="toy"))
paths = data / "shards", data / "prior.npz", data / "bins.npz"
print(train.resume_key(*paths, params))
train.run(*paths, out, params, name="a")
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package with the preset `mine`; compiled code comes along."""
    package = tmp_path / "src" / "huescape"
    shutil.copytree(Path(huescape.__file__).parent, package)
    (package / "presets" / "mine").mkdir()
    for name, text in (("network.py", NETWORK), ("loss.py", LOSS), ("preset.yaml", PRESET)):
        (package / "presets" / "mine" / name).write_text(text)
    return package


def run(package: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(package.parent)}
    command = [sys.executable, *map(str, arguments)]
    root = package.parents[1]
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def test_they_are_trained_and_checked_as_those_of_the_package(
    package: Path, targets: Path, tmp_path: Path
) -> None:
    first = run(package, "-c", TRAIN, targets, tmp_path / "model")
    assert first.returncode == 0, first.stderr
    described = json.loads((tmp_path / "model" / "system.json").read_text())["params"]
    assert described["loss"] == {"name": "mine", "weighted": True, "scale": 2.0}
    assert described["network"] == {"name": "mine", "width": 3}
    own = package / "presets" / "mine" / "loss.py"
    own.write_text(LOSS.replace("2.0", "4.0"))
    second = run(package, "-c", TRAIN, targets, tmp_path / "other")
    assert second.stdout != first.stdout  # what was half trained by another loss is not taken up
    losses = [
        json.loads((tmp_path / name / "system.json").read_text())["loss"]
        for name in ("model", "other")
    ]
    assert losses[1] > 1.5 * losses[0]


def test_what_does_not_fit_is_one_line(package: Path, tmp_path: Path) -> None:
    root = Path(huescape.__file__).parents[2]
    text = (root / "params.yaml").read_text()
    for entry, words in (
        ("{preset: mine, quantizer: yuv32}", ""),
        ("{preset: mine, quantizer: yuv32, loss: {size: 3}}", "loss.size: no such key; allowed he"),
        ("{preset: mine, quantizer: lab313}", "has stride 1"),
        ("{preset: colorunet, quantizer: yuv32, loss: {name: mine}}", "loss.name is 'mine', whose"),
    ):
        systems = text.index("systems:") + len("systems:\n")
        (tmp_path / "params.yaml").write_text(text[:systems] + f"  own: {entry}\n" + text[systems:])
        found = run(package, "-m", "huescape", "check")
        assert found.returncode == (2 if words else 0), found.stderr
        assert words in found.stderr
        assert len(found.stderr.splitlines()) == (1 if words else 0), found.stderr
