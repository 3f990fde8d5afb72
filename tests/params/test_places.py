"""The outputs that the code knows are those of dvc.yaml, and nothing of the user's lies in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from huescape.params import places
from huescape.params.places import OUTPUTS, conflict

ROOT = Path(__file__).parents[2]


def _outs() -> list[Path]:
    from dvc.repo import Repo

    with Repo(str(ROOT)) as repo:
        return [Path(out.def_path) for stage in repo.index.stages for out in stage.outs]


def _outs_of_what_is_opted_for() -> list[Path]:
    """As dvc.yaml writes them, `${key}` in the place of a name."""
    stages = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())["stages"]
    found = [stage["do"]["outs"] for stage in stages.values() if "foreach" in stage]
    return [Path(out) for outs in found for out in outs if isinstance(out, str)]


def test_the_outputs_are_those_of_the_graph() -> None:
    outs = _outs()
    for out in outs:
        assert any(out.is_relative_to(place) for place in OUTPUTS), out
    declared = [*outs, *_outs_of_what_is_opted_for()]
    for place in OUTPUTS:
        assert any(out.is_relative_to(place) for out in declared), place
    for out in declared:
        assert any(out.is_relative_to(place) for place in OUTPUTS), out
    for out in outs:
        assert conflict(ROOT / out, ROOT) is not None


def test_every_path_of_the_code_is_an_output_or_the_parameters() -> None:
    named = {value for value in vars(places).values() if isinstance(value, Path)}
    assert places.PARAMS in named
    for path in named - {places.PARAMS}:
        assert any(path.is_relative_to(place) for place in OUTPUTS)


@pytest.mark.parametrize("folder", ["data/external", "data/external/raw", "data/rawer", "photos"])
def test_beside_the_outputs_is_the_users(tmp_path: Path, folder: str) -> None:
    assert conflict(tmp_path / folder, tmp_path) is None


@pytest.mark.parametrize("folder", [".dvc/cache", ".git", ".huescape/mine", "mlruns/1", "."])
def test_the_state_of_tools_is_no_place_for_photos(tmp_path: Path, folder: str) -> None:
    assert conflict(tmp_path / folder, tmp_path) is not None


_PARTS = st.lists(st.sampled_from(["a", "b", "..", ".", "data", "raw"]), max_size=6)


@given(place=st.sampled_from(OUTPUTS), below=_PARTS)
def test_however_a_path_is_written(place: Path, below: list[str]) -> None:
    """Every way from an output that does not leave it is refused, and so is every way up."""
    path = ROOT / place / Path(*below)
    inside = path.resolve().is_relative_to((ROOT / place).resolve())
    above = (ROOT / place).resolve().is_relative_to(path.resolve())
    if inside or above:
        assert conflict(path, ROOT) is not None


def test_links_are_followed_both_ways(tmp_path: Path) -> None:
    project, disk = tmp_path / "project", tmp_path / "disk"
    (project / "data/raw/mine").mkdir(parents=True)
    (disk / "models/a").mkdir(parents=True)
    (tmp_path / "photos").symlink_to(project / "data/raw/mine")
    (project / "models").symlink_to(disk / "models")
    assert conflict(tmp_path / "photos", project) == Path("data/raw")
    assert conflict(disk / "models/a", project) == Path("models")
    assert conflict(disk, project) == Path("models")


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert conflict(Path("~/project/data/raw/mine"), tmp_path / "project") == Path("data/raw")
    assert conflict(Path("~/photos"), tmp_path / "project") is None


def test_two_names_of_one_folder(tmp_path: Path) -> None:
    """As on a file system that ignores case; a hard link to a file is the same to `samefile`."""
    (tmp_path / "models").mkdir()
    (tmp_path / "data").mkdir()
    kept = tmp_path / "data/checked.txt"
    kept.write_text("")
    (tmp_path / "Checked.txt").hardlink_to(kept)
    assert conflict(tmp_path / "Checked.txt", tmp_path) == Path("data/checked.txt")


def test_a_project_within_a_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep's copy, and an experiment of DVC's: what lies beside them is not theirs."""
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path / ".huescape"))
    copy = tmp_path / ".huescape/sweeps/one/tree"
    copy.mkdir(parents=True)
    assert conflict(copy / "data/external", copy) is None
    assert conflict(copy / "data/raw/mine", copy) == Path("data/raw")
