"""A disk that is full or read-only: one line that names the place, nothing half-written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.color.bins import gamut_centers
from huescape.params.presets import resolve_system
from huescape.params.systems import SystemOverrides
from huescape.systems.system import build_system, save_system
from tests.faults.bare import STAGES, make_project, results, run, temporaries, the_error
from tests.faults.disks import filled, read_only, small_disk

PLACE = r"(data|models|reports|\.huescape|out)(/|\b)"
# Bytes that are free, so that these stages fail in the middle and the others at once.
LEFT = {"download": 60_000, "resize": 60_000, "encode lab": 20_000}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 48 MB with the small project on it."""
    with small_disk(tmp_path / "disk", 48) as place:
        yield make_project(place)


@pytest.mark.long
@pytest.mark.exhaustive
def test_every_stage_fails_in_one_line_and_goes_on_when_the_disk_does(disk: Path) -> None:
    for stage in STAGES:
        with filled(disk, LEFT.get(stage, 0)):
            error = the_error(run(disk, stage))
            assert re.search(rf"{PLACE}.*: No space left on device", error), (stage, error)
            found = results(disk)
        assert temporaries(disk) == [], stage
        with read_only(disk):
            error = the_error(run(disk, stage))
            assert re.search(rf"{PLACE}.*: Read-only file system", error), (stage, error)
        assert set(results(disk)) == set(found) - {"filler"}, stage
        done = run(disk, stage)
        assert done.returncode == 0, (stage, done.stderr)
        whole = results(disk)
        assert {name for name in found if whole.get(name) != found[name]} <= {"filler"}, stage


def make_system(project: Path) -> None:
    """An untrained system, which colors as well as any."""
    entry = {"preset": "colorunet", "quantizer": "yuv32", "network": {"width": 2}}
    params = resolve_system("colorunet", SystemOverrides.model_validate(entry))
    centers = gamut_centers() / 200.0
    spec = {"name": "yuv32", "space": "yuv", "encode": {}, "bins": len(centers)}
    save_system(
        project / "models/colorunet",
        build_system(params, spec, centers, np.ones(len(centers))),
        {},
        "step\n",
    )


def test_colorize_on_a_full_disk_stops_and_says_what_was_not_tried(disk: Path) -> None:
    make_system(disk)
    names = [f"{letter}.png" for letter in "abcd"]
    for name in names:
        Image.effect_noise((200, 200), 90).save(disk / name)
    with filled(disk, 150_000):  # room for one result
        done = run(disk, f"colorize {' '.join(names)} -o out --system colorunet")
        assert the_error(done) == "3 of 4 photos could not be colored"
        assert "b.png: cannot write out/b.png: No space left on device\n" in done.stderr
        assert "2 more were not tried\n" in done.stderr
    assert [path.name for path in (disk / "out").glob("*.png")] == ["a.png"]
    assert run(disk, "colorize b.png c.png d.png -o out --system colorunet").returncode == 0
    assert sorted(path.name for path in (disk / "out").glob("*.png")) == names


def test_colorize_and_export_on_a_read_only_disk(disk: Path) -> None:
    make_system(disk)
    Image.new("L", (20, 20)).save(disk / "a.png")
    before = results(disk)
    with read_only(disk):
        for tool in (
            "colorize a.png -o out --system colorunet",
            "export colorunet -o a.pt2 --size 32",
        ):
            error = the_error(run(disk, tool))
            assert re.search(r"cannot write .*(out|a\.pt2): Read-only file system", error)
    assert results(disk) == before
