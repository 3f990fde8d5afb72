"""A system of its own, saved once."""

from __future__ import annotations

from pathlib import Path

import pytest

from huescape.systems.system import System, save_system
from tests.coloring.systems import make_system


@pytest.fixture(scope="module")
def system() -> System:
    return make_system("yuv")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, system: System) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_system(folder, system, {}, "step,loss\n")
    return folder
