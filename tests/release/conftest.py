"""A small project whose stages have run, up to the scores of one system."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from huescape.subcommands import run
from tests.once import made_once

PARAMS = """\
download:
  sources: [{kind: sample, photos: 40, seed: 3}]
filter: {split: {val: 0.2, test: 0.25, honor_lists: true}}
resize: {size: 32, shards: 2}
quantizers:
  lab:
    space: lab
    bins: {rule: gamut, step: 30.0}
    prior: {sigma: 0.0, lambda: 0.5}
    encode: {method: hard, stride: 1}
systems:
  small:
    preset: colorunet
    quantizer: lab
    network: {width: 4}
    optimizer: {lr: 0.01}
    augmentation: {crop: 32}
    steps: 6
    batch: 4
finetuned: {}
released: {}
evaluate:
  decode: {method: annealed, temperature: 0.5}
  decodes: [{method: median, tau: 0.2}]
  prior: lab
  macro_pixels: 10
  macro_photos: 1
  pictures: 0
"""


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """With `folder` as the current one, and nothing tracked."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HUESCAPE_TRACKING", "off")
            yield
    finally:
        os.chdir(here)


def _make(folder: Path) -> Path:
    (folder / "params.yaml").write_text(PARAMS)
    with inside(folder):
        stages = ("download", "filter", "resize", "bins lab", "encode lab", "prior lab")
        for stage in (*stages, "train small", "evaluate small"):
            assert run(stage.split()) == 0
    return folder


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project; copy it, do not change it."""
    return made_once(tmp_path_factory, "scored", _make)


@pytest.fixture
def project(scored: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the project, as the current folder."""
    root = tmp_path / "project"
    shutil.copytree(scored, root)
    with inside(root):
        yield root
