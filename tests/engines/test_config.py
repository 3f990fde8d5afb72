"""Parameters come from params.yaml alone: what Snakemake is given besides is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def test_given_parameters_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("resize: {size: 32}\n")
    for words, names in (
        (["--config", "resize=3", "other=2"], "other, resize"),
        (["--configfile", str(tmp_path / "more.yaml")], "resize"),
    ):
        command = ["snakemake", "-n", "--cores", "1", "-s", ROOT / "workflow/Snakefile", *words]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        said = done.stdout + done.stderr
        line = f"huescape: error: --config or --configfile gives {names}; allowed: params.yaml"
        assert line in said
        assert "Traceback" not in said
        assert done.returncode != 0
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["HUESCAPE_PROCESSES", "HUESCAPE_THREADS"])
def test_a_variable_that_is_no_number_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "abc")
    command = ["snakemake", "-n", "--cores", "1", "-s", ROOT / "workflow/Snakefile"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert f"huescape: error: environment variable {name} is 'abc'; allowed: " in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("name", [".snakemake-workflow-catalog.yml", "config/README.md"])
def test_the_catalog_finds_what_it_asks_for(name: str) -> None:
    text = (ROOT / name).read_text()
    if name.endswith(".yml"):
        usage = yaml.safe_load(text)["usage"]
        assert usage["report"] is True
        assert set(usage["software-stack-deployment"]) == {
            *("conda", "apptainer", "apptainer+conda"),
        }
    else:
        assert "params.yaml" in text
