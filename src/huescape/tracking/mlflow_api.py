"""What this package imports of mlflow, for that reads some settings meanwhile: they come first.

Only `served_model` imports it by itself: in a process of someone else, who has done so before.
"""

from __future__ import annotations

import logging
import os
import warnings

# What the user has set stays.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}.items():
    os.environ.setdefault(_name, _value)

from mlflow import __version__ as VERSION  # noqa: E402
from mlflow.artifacts import download_artifacts  # noqa: E402
from mlflow.entities import (  # noqa: E402
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    LoggedModel,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
)
from mlflow.entities.model_registry import ModelVersion  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.models import Model, ModelSignature  # noqa: E402
from mlflow.pyfunc import save_model  # noqa: E402
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema  # noqa: E402

for _name in ("mlflow", "alembic", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(os.environ["MLFLOW_LOGGING_LEVEL"])
# It logs a traceback of every error that it also raises; a full disk is told once, in one line.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", module=r"mlflow(\.|$)")

__all__ = [
    "VERSION",
    "ColSpec",
    "Dataset",
    "DatasetInput",
    "Experiment",
    "InputTag",
    "LoggedModel",
    "LoggedModelOutput",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "Model",
    "ModelSignature",
    "ModelVersion",
    "Param",
    "ParamSchema",
    "ParamSpec",
    "Run",
    "Schema",
    "SystemMetricsMonitor",
    "download_artifacts",
    "save_model",
]
