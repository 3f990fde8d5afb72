"""MLflow is imported in one place, after the settings that it reads meanwhile."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import huescape

WATCHED = """
import importlib, os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "mlflow":
            print("mlflow after", os.environ.get("MLFLOW_DISABLE_TELEMETRY"))

sys.meta_path.insert(0, Watch())
importlib.import_module(f"huescape.tracking.{sys.argv[1]}")
"""


@pytest.mark.parametrize(
    ("module", "printed"),
    [
        *((name, "mlflow after true\n") for name in ("live", "publish", "model", "store")),
        ("served_model", ""),
    ],
)
def test_telemetry_is_off_before_mlflow_is_imported(module: str, printed: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    command = [sys.executable, "-c", WATCHED, module]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == printed


def test_two_modules_import_mlflow_and_one_of_them_within_mlflow() -> None:
    package = Path(huescape.__file__).parent
    importing = re.compile(r"^\s*(import|from) mlflow\b", re.MULTILINE)
    found = [path for path in package.rglob("*.py") if importing.search(path.read_text())]
    assert sorted(found) == [
        package / "tracking/mlflow_api.py",
        package / "tracking/served_model.py",  # not before it raises: see above
    ]
