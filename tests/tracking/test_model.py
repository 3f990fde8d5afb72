"""A model in a store, as MLflow loads it: here, elsewhere, and what its environment needs."""

from __future__ import annotations

import base64
import importlib.metadata
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.tracking import MlflowClient
from PIL import Image

from huescape.coloring.painting import colorize
from huescape.params.decodings import Decoding
from huescape.systems.system import load_system
from tests.coloring.systems import picture
from tests.tracking.test_runs import runs, train

#: The packages that the code of a served model imports, early or late, whatever its network.
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
    for node in ast.walk(ast.parse(open(module.__file__, "rb").read())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0])
print(*found - sys.stdlib_module_names - {"huescape", "mlflow"})
"""
#: What comes with another of them, at the one version that this takes.
BROUGHT = {"pydantic_core": "pydantic"}


def location(client: MlflowClient) -> Path:
    """The folder of the one model of the one run."""
    [output] = runs(client)[0].outputs.model_outputs
    return Path(client.get_logged_model(output.model_id).artifact_location)


def test_the_logged_model_colors_as_the_system_does(project: MlflowClient, model: Path) -> None:
    before = torch.get_rng_state()
    train(model)
    assert torch.equal(torch.get_rng_state(), before), "a training may be using the generator"
    loaded = mlflow.pyfunc.load_model(str(location(project)))
    photos = [picture(40, 56), picture(24, 24)[..., 0]]
    colored = loaded.predict(pd.DataFrame({"image": photos}))["image"]
    system = load_system(model)
    for photo, found in zip(photos, colored, strict=True):
        assert np.array_equal(found, colorize(system, photo, as_print=True))
    [output] = runs(project)[0].outputs.model_outputs
    assert project.get_logged_model(output.model_id).status.value == "READY"


def test_the_signature_says_what_goes_in_and_out(project: MlflowClient, model: Path) -> None:
    train(model)
    loaded = mlflow.pyfunc.load_model(str(location(project)))
    signature = loaded.metadata.signature
    assert [str(column) for column in signature.inputs.inputs] == ["'image': string (required)"]
    assert signature.outputs.input_names() == ["image"]
    params = {param.name: (param.dtype.name, param.default) for param in signature.params}
    assert params == {
        "method": ("string", None),
        "temperature": ("double", None),
        "tau": ("double", None),
        "size": ("long", None),
        "strength": ("double", None),
        "edges": ("boolean", None),
    }


def test_the_example_is_a_request_that_is_answered(project: MlflowClient, model: Path) -> None:
    train(model)
    loaded = mlflow.pyfunc.load_model(str(location(project)))
    request = json.loads((location(project) / "serving_input_example.json").read_text())
    photos = pd.DataFrame(**request["dataframe_split"])
    sent = Image.open(io.BytesIO(base64.b64decode(photos["image"][0])))
    [colored] = loaded.predict(photos, params=request["params"])["image"]
    assert Image.open(io.BytesIO(base64.b64decode(colored))).size == sent.size
    assert sent.mode == "L"
    assert np.ptp(np.asarray(sent)) > 100, "a picture, not a plain field"


def test_a_model_has_the_decoding_of_its_project(project: MlflowClient, model: Path) -> None:
    """That of params.yaml when it was trained, which whoever loads it may change."""
    Path("params.yaml").write_bytes((Path(__file__).parents[2] / "params.yaml").read_bytes())
    text = Path("params.yaml").read_text()
    assert "method: annealed" in text
    Path("params.yaml").write_text(text.replace("method: annealed", "method: median", 1))
    train(model)
    photo, system = picture(24, 32), load_system(model)
    for config, decoding in (
        ({}, Decoding(method="median", temperature=0.38)),
        ({"method": "mode", "temperature": 1.0}, Decoding(method="mode")),
    ):
        loaded = mlflow.pyfunc.load_model(str(location(project)), model_config=config or None)
        [found] = loaded.predict(pd.DataFrame({"image": [photo]}))["image"]
        assert np.array_equal(found, colorize(system, photo, decoding, as_print=True))


def test_its_requirements_are_what_its_code_imports(project: MlflowClient, model: Path) -> None:
    train(model)
    lines = (location(project) / "requirements.txt").read_text().splitlines()
    required = {line.partition("==")[0] for line in lines}
    command = [sys.executable, "-c", IMPORTED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    packages = importlib.metadata.packages_distributions()
    found = {packages[BROUGHT.get(name, name)][0] for name in done.stdout.split()}
    imported = {name.lower().replace("_", "-") for name in found}
    assert required - {"mlflow"} == imported


LOADING = """
import sys
from pathlib import Path
import mlflow.pyfunc, numpy as np, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
[colored] = model.predict(pd.DataFrame({"image": [np.load("photo.npy")]}))["image"]
import huescape
assert Path(huescape.__file__).parts[-3:-1] == ("code", "huescape"), huescape.__file__
np.save("colored.npy", colored)
"""


@pytest.mark.long
def test_a_model_brings_its_code_along(project: MlflowClient, model: Path) -> None:
    train(model)
    [run] = runs(project)
    photo = picture(24, 24)
    np.save("photo.npy", photo)
    uris = f"models:/{run.outputs.model_outputs[0].model_id}", f"runs:/{run.info.run_id}/colorunet"
    for uri in uris:
        command = [sys.executable, "-c", LOADING, uri]
        subprocess.run(command, check=True, env=dict(os.environ))
        assert np.array_equal(
            np.load("colored.npy"), colorize(load_system(model), photo, as_print=True)
        )
