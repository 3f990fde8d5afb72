"""Every stage, followed while it runs: what it executes is what DVC knows it depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from huescape.base.closure import PACKAGE, WITHOUT_EFFECT, code_of
from tests.faults.bare import STAGES, make_project, run

pytestmark = pytest.mark.long

# Python imports it at its start, in worker processes too. Recording begins with the stage's entry:
# before it the parameters are validated whole, which can refuse them but hands over nothing.
TRACER = """
import os, sys, threading

seen, root, log = set(), os.environ["TRACED"], os.environ["TRACED_LOG"]

def record(frame, event, argument):  # once for each call of a Python function, and for no line
    code = frame.f_code
    name = code.co_filename
    if name in seen:
        return
    if name.startswith(root):
        if "TRACED_ON" not in os.environ:
            if code.co_name != "main" or "/stages/" not in name:
                return
            os.environ["TRACED_ON"] = "1"
        with open(log, "a") as stream:
            stream.write(name + "\\n")
    seen.add(name)

sys.settrace(record)
threading.settrace(record)
"""


def test_dvc_sees_every_file_that_a_stage_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path)
    _ask_for_more(project / "params.yaml")
    tracer, log = tmp_path / "tracer", tmp_path / "log"
    tracer.mkdir()
    (tracer / "sitecustomize.py").write_text(TRACER)
    monkeypatch.setenv("PYTHONPATH", f"{tracer}:{PACKAGE.parent}")
    for stage in (*STAGES, "perceive colorunet", "neighbors test"):
        log.write_text("")
        done = run(project, stage, TRACED=f"{PACKAGE}/", TRACED_LOG=str(log))
        assert done.returncode == 0, done.stderr
        name = stage.split()[0]
        ran = {Path(line).relative_to(PACKAGE) for line in log.read_text().splitlines()}
        assert Path(f"stages/{name}.py") in ran
        assert len(ran) > 5
        unseen = {at for at in ran - code_of(name) if not _is_excused(at)}
        assert unseen == set(), stage


def _ask_for_more(params: Path) -> None:
    text = params.read_text()
    for section, entry in (("perceived", "{colorunet: {}}"), ("neighbors", "{test: {}}")):
        assert f"\n{section}: {{}}\n" in text
        text = text.replace(f"\n{section}: {{}}\n", f"\n{section}: {entry}\n")
    params.write_text(text)


def _is_excused(at: Path) -> bool:
    empty = not (PACKAGE / at).read_bytes().strip()
    return empty or any(at.is_relative_to(name) for name in WITHOUT_EFFECT)
