"""What an environment needs that serves a logged model."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

from mlflow.tracking import MlflowClient

from tests.tracking.test_runs import runs, train

#: The packages that the code of a served model imports, whatever its network.
IMPORTED = """
import ast, sys
import huescape.tracking.served_model
from huescape.networks import NETWORKS

for name in NETWORKS.names():
    NETWORKS.find(name)

found = set()
for name, module in list(sys.modules.items()):
    if name.split(".")[0] != "huescape":
        continue
    for node in ast.parse(open(module.__file__, "rb").read()).body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0])
print(*found - sys.stdlib_module_names - {"huescape"})
"""
#: What comes with another of them, at the one version that this takes.
BROUGHT = {"pydantic_core": "pydantic"}


def test_its_requirements_are_what_its_code_imports(project: MlflowClient, model: Path) -> None:
    train(model)
    [output] = runs(project)[0].outputs.model_outputs
    location = Path(project.get_logged_model(output.model_id).artifact_location)
    lines = (location / "requirements.txt").read_text().splitlines()
    required = {line.partition("==")[0] for line in lines}
    command = [sys.executable, "-c", IMPORTED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    packages = importlib.metadata.packages_distributions()
    imported = {packages[BROUGHT.get(name, name)][0].lower() for name in done.stdout.split()}
    assert required - {"mlflow"} == imported
